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
    for (Capability other : {Capability::kPostcopyRam, Capability::kBackgroundSnapshot,
                             Capability::kMappedRam, Capability::kReleaseRam}) {
        Capabilities capabilities;
        ASSERT_TRUE(apply(capabilities, {{Capability::kXColo, true}}));
        auto result = apply(capabilities, {{other, true}});
        ASSERT_FALSE(result) << to_string(other);
        EXPECT_NE(result.error().message().find("'x-colo'"), std::string::npos);
        EXPECT_NE(result.error().message().find(to_string(other)), std::string::npos);
        EXPECT_FALSE(capabilities.get(other));
    }
}

}  // namespace
}  // namespace qc::migration
