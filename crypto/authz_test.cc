// SPDX-License-Identifier: GPL-2.0-or-later
#include "crypto/authz.h"

#include <gtest/gtest.h>

namespace qc::crypto {
namespace {

using Policy = AuthzPolicy;
using Format = AuthzFormat;

TEST(AuthzTest, simple_lets_one_identity_in) {
    AuthzSimple authz("CN=fred");
    EXPECT_TRUE(*authz.is_allowed("CN=fred"));
    EXPECT_FALSE(*authz.is_allowed("CN=fre"));
    EXPECT_FALSE(*authz.is_allowed(""));
}

TEST(AuthzTest, first_rule_that_matches_decides_else_the_policy) {
    AuthzList authz({{"fred", Policy::kAllow, Format::kExact},
                     {"bob", Policy::kDeny, Format::kExact},
                     {"b*", Policy::kAllow, Format::kGlob}},
                    Policy::kDeny);
    EXPECT_TRUE(*authz.is_allowed("fred"));
    EXPECT_FALSE(*authz.is_allowed("bob"));
    EXPECT_TRUE(*authz.is_allowed("barry"));
    EXPECT_FALSE(*authz.is_allowed("dan"));
    EXPECT_TRUE(*AuthzList({}, Policy::kAllow).is_allowed("dan"));
}

TEST(AuthzTest, exact_rule_is_no_pattern) {
    AuthzList authz({{"*", Policy::kAllow, Format::kExact}}, Policy::kDeny);
    EXPECT_FALSE(*authz.is_allowed("x"));
    EXPECT_TRUE(*authz.is_allowed("*"));
}

TEST(AuthzTest, zero_byte_in_a_name_is_refused) {
    AuthzList authz({{"a*", Policy::kAllow, Format::kGlob}}, Policy::kAllow);
    EXPECT_FALSE(*authz.is_allowed(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace qc::crypto
