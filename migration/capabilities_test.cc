// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/capabilities.h"

#include <gtest/gtest.h>

#include <vector>

namespace qc::migration {
namespace {

using Change = Capabilities::Change;

Result<void> apply(Capabilities& capabilities, std::vector<Change> changes) {
    return capabilities.apply(changes);
}

TEST(Capabilities, all_are_off_at_first) {
    Capabilities capabilities;
    for (size_t i = 0; i < kCapabilityCount; ++i)
        EXPECT_FALSE(capabilities.get(static_cast<Capability>(i)));
}

TEST(Capabilities, names_are_found_again) {
    for (size_t i = 0; i < kCapabilityCount; ++i) {
        auto capability = static_cast<Capability>(i);
        EXPECT_EQ(capability_from_string(to_string(capability)), capability);
    }
    EXPECT_EQ(capability_from_string("no-such"), std::nullopt);
    EXPECT_EQ(to_string(Capability::kXColo), "x-colo");
    EXPECT_EQ(to_string(Capability::kMappedRam), "mapped-ram");
}

TEST(Capabilities, one_refused_change_leaves_all_as_they_were) {
    Capabilities capabilities;
    auto result = apply(capabilities, {{Capability::kEvents, true}, {Capability::kBlock, true}});
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message().find("'block'"), std::string::npos);
    EXPECT_FALSE(capabilities.get(Capability::kEvents));
}

TEST(Capabilities, unsupported_ones_may_be_switched_off) {
    Capabilities capabilities;
    EXPECT_TRUE(apply(capabilities, {{Capability::kBlock, false}}));
}

TEST(Capabilities, colo_is_refused_together_with_what_it_excludes_by_both_names) {
    for (Capability other :
         {Capability::kPostcopyRam, Capability::kBackgroundSnapshot, Capability::kMappedRam,
          Capability::kReleaseRam, Capability::kXIgnoreShared}) {
        Capabilities capabilities;
        ASSERT_TRUE(apply(capabilities, {{Capability::kXColo, true}}));
        auto result = apply(capabilities, {{other, true}});
        ASSERT_FALSE(result) << to_string(other);
        EXPECT_NE(result.error().message().find("'x-colo'"), std::string::npos);
        EXPECT_NE(result.error().message().find(to_string(other)), std::string::npos);
        EXPECT_FALSE(capabilities.get(other));
    }
}

TEST(Capabilities, zero_copy_send_needs_multifd_and_excludes_what_copies) {
    Capabilities capabilities;
    const Change zero_copy{Capability::kZeroCopySend, true};
    const Change multifd{Capability::kMultifd, true};
    EXPECT_EQ(apply(capabilities, {zero_copy}).error().message(),
              "Capability 'zero-copy-send' requires capability 'multifd'");
    ASSERT_TRUE(apply(capabilities, {multifd, zero_copy}));
    EXPECT_FALSE(apply(capabilities, {{Capability::kXColo, true}}));
    EXPECT_FALSE(apply(capabilities, {{Capability::kMappedRam, true}}));
    EXPECT_TRUE(check_settings(capabilities, {}));
    EXPECT_EQ(check_settings(capabilities, {.multifd_compression = MultifdCompression::kZstd})
                  .error()
                  .message(),
              "Capability 'zero-copy-send' requires parameter 'multifd-compression' to be 'none'");
    EXPECT_FALSE(check_settings(capabilities, {.tls_creds = "tls0"}));
}

TEST(Capabilities, mapped_ram_excludes_what_changes_a_pages_size) {
    Capabilities capabilities;
    ASSERT_TRUE(apply(capabilities, {{Capability::kMappedRam, true}}));
    EXPECT_EQ(apply(capabilities, {{Capability::kXbzrle, true}}).error().message(),
              "Capability 'mapped-ram' cannot be combined with 'xbzrle'");
    const Parameters zlib{.multifd_compression = MultifdCompression::kZlib};
    EXPECT_TRUE(check_settings(capabilities, zlib));
    ASSERT_TRUE(apply(capabilities, {{Capability::kMultifd, true}}));
    EXPECT_FALSE(check_settings(capabilities, zlib));
}

TEST(Capabilities, reboot_excludes_colo_and_direct_io_needs_mapped_ram) {
    Capabilities capabilities;
    const Parameters reboot{.mode = MigrationMode::kCprReboot};
    const Parameters direct{.direct_io = true};
    EXPECT_TRUE(check_settings(capabilities, reboot));
    EXPECT_TRUE(check_settings(capabilities, direct)) << "mapped-ram may be set afterwards";
    EXPECT_FALSE(check_complete(capabilities, direct));
    ASSERT_TRUE(apply(capabilities, {{Capability::kMappedRam, true}}));
    EXPECT_TRUE(check_complete(capabilities, direct));
    ASSERT_TRUE(apply(capabilities, {{Capability::kMappedRam, false}, {Capability::kXColo, true}}));
    auto refused = check_settings(capabilities, reboot);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message().find("Cannot use COLO with CPR"), std::string::npos);
}

}  // namespace
}  // namespace qc::migration
