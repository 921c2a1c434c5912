// SPDX-License-Identifier: GPL-2.0-or-later
#include "qapi/value.h"

#include <gtest/gtest.h>

#include <limits>

#include "qapi/json_writer.h"

namespace qc::qapi {
namespace {

TEST(Value, number_converts_only_where_it_fits) {
    EXPECT_EQ(Value(5u).kind(), Value::Kind::kInt);
    EXPECT_EQ(Value(UINT64_MAX).kind(), Value::Kind::kUint);
    EXPECT_EQ(Value(5).as_uint(), 5u);
    EXPECT_EQ(Value(-5).as_uint(), std::nullopt);
    EXPECT_EQ(Value(UINT64_MAX).as_int(), std::nullopt);
    EXPECT_EQ(Value(1.0).as_int(), std::nullopt);
    EXPECT_EQ(Value(2).as_double(), 2.0);
    EXPECT_EQ(Value(true).as_int(), std::nullopt);
}

TEST(Value, objects_with_other_order_are_equal) {
    Object a;
    a.set("x", 1);
    a.set("y", 2);
    Object b;
    b.set("y", 2);
    b.set("x", 1);
    EXPECT_EQ(a, b);
    b.set("x", 3);
    EXPECT_NE(Value(a), Value(b));
}

TEST(Value, object_set_replaces_and_erase_removes) {
    Object object;
    object.set("x", 1);
    object.set("x", 2);
    EXPECT_EQ(object.size(), 1u);
    EXPECT_EQ(*object.find("x"), Value(2));
    EXPECT_TRUE(object.erase("x"));
    EXPECT_FALSE(object.erase("x"));
}

TEST(JsonWriter, text_is_ascii_on_one_line) {
    Object object;
    object.set("t", "a\n\"\x01\xc3\xa9\xf0\x9f\x98\x80\xff");
    object.set("n", Array{Value(), Value(false), Value(0.1), Value(-1), Value(UINT64_MAX)});
    EXPECT_EQ(to_json(object),
              "{\"t\": \"a\\n\\\"\\u0001\\u00e9\\ud83d\\ude00\\ufffd\", "
              "\"n\": [null, false, 0.1, -1, 18446744073709551615]}");
}

TEST(JsonWriter, infinity_is_null) {
    EXPECT_EQ(to_json(std::numeric_limits<double>::infinity()), "null");
}

}  // namespace
}  // namespace qc::qapi
