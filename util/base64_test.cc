// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/base64.h"

#include <gtest/gtest.h>

namespace qc {
namespace {

TEST(Base64Test, base64_is_decoded_or_refused) {
    EXPECT_EQ(*decode_base64(""), "");
    EXPECT_EQ(*decode_base64("Zg=="), "f");
    EXPECT_EQ(*decode_base64("Zm8="), "fo");
    EXPECT_EQ(*decode_base64("Zm9v"), "foo");
    EXPECT_EQ(*decode_base64("Zm9v\nYmFy\n"), "foobar");
    EXPECT_EQ(*decode_base64("AP+/"), std::string("\0\xff\xbf", 3));
    for (const char* text : {"Z", "Zg", "Zg=", "Z===", "====", "Zg=x", "Zm9v!", "Zg==Zg=="}) {
        EXPECT_FALSE(decode_base64(text)) << text;
    }
}

TEST(Base64Test, what_is_encoded_decodes_to_itself) {
    auto encode = [](std::string_view text) {
        return encode_base64(std::as_bytes(std::span(text)));
    };
    EXPECT_EQ(encode(""), "");
    EXPECT_EQ(encode("f"), "Zg==");
    EXPECT_EQ(encode("fo"), "Zm8=");
    EXPECT_EQ(encode("foo"), "Zm9v");
    EXPECT_EQ(encode("foobar"), "Zm9vYmFy");
    std::string all;
    for (int c = 0; c < 256; ++c)
        all += static_cast<char>(c);
    EXPECT_EQ(*decode_base64(encode(all)), all);
}

}  // namespace
}  // namespace qc
