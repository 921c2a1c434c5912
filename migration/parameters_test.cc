// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/parameters.h"

#include <gtest/gtest.h>

namespace qc::migration {
namespace {

TEST(Parameters, defaults_are_in_range) {
    EXPECT_TRUE(apply_changes({}, {}));
}

TEST(Parameters, values_at_the_ends_of_their_ranges_are_taken) {
    auto low = apply_changes({}, {.downtime_limit_ms = 0,
                                  .multifd_channels = uint8_t{1},
                                  .multifd_zlib_level = uint8_t{0},
                                  .multifd_zstd_level = uint8_t{0}});
    ASSERT_TRUE(low) << low.error().message();
    EXPECT_EQ(low->multifd_channels, 1);
    auto high = apply_changes(*low, {.downtime_limit_ms = 2'000'000,
                                     .multifd_channels = uint8_t{255},
                                     .multifd_zlib_level = uint8_t{9},
                                     .multifd_zstd_level = uint8_t{20}});
    ASSERT_TRUE(high) << high.error().message();
    EXPECT_EQ(high->downtime_limit_ms, 2'000'000U);
    EXPECT_EQ(high->multifd_channels, 255);
    EXPECT_EQ(high->multifd_zlib_level, 9);
    EXPECT_EQ(high->multifd_zstd_level, 20);
}

TEST(Parameters, values_beyond_their_ranges_are_refused_by_name) {
    struct Case {
        ParameterChanges changes;
        const char* name;
    };
    const Case cases[] = {
        {{.downtime_limit_ms = 2'000'001}, "downtime_limit"},
        {{.throttle_trigger_threshold = uint8_t{0}}, "throttle_trigger_threshold"},
        {{.throttle_trigger_threshold = uint8_t{101}}, "throttle_trigger_threshold"},
        {{.cpu_throttle_initial = uint8_t{100}}, "cpu_throttle_initial"},
        {{.cpu_throttle_increment = uint8_t{0}}, "cpu_throttle_increment"},
        {{.max_cpu_throttle = uint8_t{19}}, "max_cpu_throttle"},
        {{.max_cpu_throttle = uint8_t{100}}, "max_cpu_throttle"},
        {{.xbzrle_cache_size = 2048}, "xbzrle_cache_size"},
        {{.xbzrle_cache_size = 3 * 4096}, "xbzrle_cache_size"},
        {{.multifd_channels = uint8_t{0}}, "multifd_channels"},
        {{.multifd_zlib_level = uint8_t{10}}, "multifd_zlib_level"},
        {{.multifd_zstd_level = uint8_t{21}}, "multifd_zstd_level"},
    };
    for (const Case& c : cases) {
        auto next = apply_changes({}, c.changes);
        ASSERT_FALSE(next) << c.name;
        EXPECT_NE(next.error().message().find(c.name), std::string::npos) << next.error().message();
    }
}

TEST(Parameters, unsupported_ones_are_refused_by_name) {
    auto next = apply_changes({}, {.max_bandwidth = 1, .unsupported = {"announce-max"}});
    ASSERT_FALSE(next);
    EXPECT_NE(next.error().message().find("'announce-max'"), std::string::npos);
}

TEST(Parameters, what_is_not_given_stays) {
    Parameters before{.max_bandwidth = 5, .tls_creds = "tls0"};
    auto next = apply_changes(before, {.max_bandwidth = 6});
    ASSERT_TRUE(next);
    EXPECT_EQ(next->max_bandwidth, 6U);
    EXPECT_EQ(next->tls_creds, "tls0");
    EXPECT_EQ(next->downtime_limit_ms, before.downtime_limit_ms);
}

TEST(Parameters, channels_are_frozen_while_a_source_is_awaited) {
    EXPECT_FALSE(apply_changes({}, {.multifd_channels = uint8_t{4}}, Frozen::kChannels));
    EXPECT_FALSE(
        apply_changes({}, {.multifd_compression = MultifdCompression::kZstd}, Frozen::kChannels));
    EXPECT_TRUE(apply_changes({}, {.tls_creds = "tls0"}, Frozen::kChannels));
    EXPECT_TRUE(apply_changes({}, {.multifd_channels = uint8_t{2}}, Frozen::kChannels))
        << "it has that value";
}

TEST(Parameters, connection_is_frozen_while_a_migration_runs_limits_are_not) {
    EXPECT_FALSE(apply_changes({}, {.tls_creds = "tls0"}, Frozen::kConnection));
    EXPECT_FALSE(apply_changes({}, {.tls_hostname = "host"}, Frozen::kConnection));
    EXPECT_FALSE(apply_changes({}, {.mode = MigrationMode::kCprReboot}, Frozen::kConnection));
    EXPECT_FALSE(apply_changes({}, {.direct_io = true}, Frozen::kConnection));
    EXPECT_FALSE(apply_changes({}, {.tls_authz = "authz0"}, Frozen::kConnection));
    EXPECT_FALSE(apply_changes({}, {.multifd_zstd_level = uint8_t{3}}, Frozen::kConnection));
    EXPECT_FALSE(
        apply_changes({}, {.zero_page_detection = ZeroPageDetection::kNone}, Frozen::kConnection));
    EXPECT_TRUE(
        apply_changes({}, {.max_bandwidth = 1, .downtime_limit_ms = 1, .checkpoint_delay_ms = 1},
                      Frozen::kConnection));
}

}  // namespace
}  // namespace qc::migration
