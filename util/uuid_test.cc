// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/uuid.h"

#include <gtest/gtest.h>

namespace qc {
namespace {

TEST(Uuid, text_is_parsed_and_printed_again) {
    constexpr std::string_view kText = "01234567-89ab-cdef-8899-aabbccddeeff";
    auto uuid = parse_uuid(kText);
    ASSERT_TRUE(uuid);
    EXPECT_EQ(uuid->bytes[0], 0x01);
    EXPECT_EQ(uuid->bytes[15], 0xff);
    EXPECT_EQ(to_string(*uuid), kText);
    EXPECT_EQ(*parse_uuid("01234567-89AB-CDEF-8899-AABBCCDDEEFF"), *uuid);
}

TEST(Uuid, other_texts_are_refused) {
    for (const char* text :
         {"", "01234567", "01234567-89ab-cdef-8899-aabbccddeef",
          "01234567-89ab-cdef-8899-aabbccddeeff0", "0123456789-ab-cdef-8899-aabbccddeeff",
          "0123456g-89ab-cdef-8899-aabbccddeeff", "-1234567-89ab-cdef-8899-aabbccddeeff",
          "01234567+89ab-cdef-8899-aabbccddeeff"}) {
        EXPECT_FALSE(parse_uuid(text)) << text;
    }
}

TEST(Uuid, default_is_all_zeros) {
    EXPECT_EQ(to_string(Uuid{}), "00000000-0000-0000-0000-000000000000");
}

}  // namespace
}  // namespace qc
