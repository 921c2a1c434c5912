// SPDX-License-Identifier: GPL-2.0-or-later
#include "qapi/json_reader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "qapi/json_writer.h"

namespace qc::qapi {
namespace {

using std::string_literals::operator""s;

// Every value and error in `text`, in order: values as JSON, errors with "!".
std::string read_all(JsonReader& reader, std::string_view text) {
    std::string seen;
    const auto note = [&](const Result<Value>& item) {
        if (!seen.empty()) seen += " ; ";
        seen += item ? to_json(*item) : "!" + item.error().message();
    };
    while (const auto item = reader.next(text))
        note(*item);
    if (const auto item = reader.finish()) note(*item);
    return seen;
}

std::string read_all(std::string_view text) {
    JsonReader reader;
    return read_all(reader, text);
}

constexpr std::string_view kError = "!JSON parse error, ";

TEST(JsonReader, next_every_kind_is_read) {
    EXPECT_EQ(read_all("{\"a\": [1, -2, 1.5, true, false, null, \"x\"], \"b\": {}}"),
              "{\"a\": [1, -2, 1.5, true, false, null, \"x\"], \"b\": {}}");
}

TEST(JsonReader, next_single_quotes_are_strings) {
    EXPECT_EQ(read_all("{'a':'b\\'c\"d'}"), "{\"a\": \"b'c\\\"d\"}");
}

TEST(JsonReader, next_integers_keep_64_bits) {
    EXPECT_EQ(read_all("[9223372036854775807, 18446744073709551615, -9223372036854775808]"),
              "[9223372036854775807, 18446744073709551615, -9223372036854775808]");
}

TEST(JsonReader, next_integer_beyond_64_bits_becomes_floating_point) {
    EXPECT_EQ(read_all("[18446744073709551616]"), "[1.8446744073709552e+19]");
}

TEST(JsonReader, next_malformed_numbers_are_stray) {
    for (const char* number : {"01", "-", "1.", ".5", "1e", "--1", "1e+", "1e999", "+1"}) {
        const std::string seen = read_all("["s + number + "]\n");
        EXPECT_TRUE(seen.starts_with("!JSON parse error, stray '")) << number << ": " << seen;
    }
}

TEST(JsonReader, next_split_at_every_byte_gives_the_same_value) {
    const std::string text = "{'key\\u00e4': [12, 'b', true, {'x': null}]}";
    const std::string whole = read_all(text);
    for (size_t cut = 0; cut <= text.size(); ++cut) {
        JsonReader reader;
        std::string_view first = std::string_view(text).substr(0, cut);
        if (cut < text.size()) {
            EXPECT_FALSE(reader.next(first).has_value()) << cut;
            EXPECT_EQ(read_all(reader, std::string_view(text).substr(cut)), whole) << cut;
        }
    }
}

TEST(JsonReader, next_two_values_are_read_one_by_one) {
    JsonReader reader;
    std::string_view input = "{} [1]";
    EXPECT_EQ(to_json(**reader.next(input)), "{}");
    EXPECT_EQ(input, " [1]");
    EXPECT_EQ(to_json(**reader.next(input)), "[1]");
    EXPECT_FALSE(reader.next(input).has_value());
}

TEST(JsonReader, next_stray_byte_is_an_error_at_once) {
    JsonReader reader;
    std::string_view input = "\xff";
    const auto item = reader.next(input);
    ASSERT_TRUE(item.has_value());
    EXPECT_EQ(item->error().message(), "JSON parse error, stray byte 0xff");
}

TEST(JsonReader, next_after_stray_byte_reads_value_at_next_bracket) {
    EXPECT_EQ(read_all("{\x01{'execute': 'x'}"),
              "!JSON parse error, stray byte 0x01 ; {\"execute\": \"x\"}");
}

TEST(JsonReader, next_after_stray_byte_reads_value_on_next_line) {
    EXPECT_EQ(read_all("%p and more\n'x'"), "!JSON parse error, stray '%' ; \"x\"");
}

TEST(JsonReader, next_control_character_in_string_is_stray) {
    EXPECT_EQ(read_all("'a\tb'\n1"), "!JSON parse error, stray byte 0x09 ; 1");
}

TEST(JsonReader, next_wrong_tokens_drop_the_outermost_value_only) {
    struct Case {
        const char* text;
        const char* error;
    };
    constexpr Case kCases[] = {
        {"{'a' 1}", "missing : in object pair"},
        {"{'a'}", "missing : in object pair"},
        {"{'a': 1 'b': 2}", "expected separator in dict"},
        {"[1 2]", "expected separator in list"},
        {"{'a': 1, 'a': 2}", "duplicate key"},
        {"{1: 2}", "key is not a string in object"},
        {"{[]: 2}", "key is not a string in object"},
        {"{'a': }", "expecting value"},
        {"{'a': 1,}", "expecting value"},
        {"[1,]", "expecting value"},
        {"[,]", "expecting value"},
        {"{ ]", "expecting value"},
        {"}", "expecting value"},
        {":", "expecting value"},
        {"[foo]", "invalid keyword 'foo'"},
        {"[[nope], {'a' [1, {}]}]", "invalid keyword 'nope'"},
    };
    for (const Case& c : kCases) {
        EXPECT_EQ(read_all(std::string(c.text) + " 'next'"),
                  std::string(kError) + c.error + " ; \"next\"")
            << c.text;
    }
}

TEST(JsonReader, next_escapes_are_decoded) {
    EXPECT_EQ(*parse_json("'\\b\\f\\n\\r\\t\\/\\\\\\u00e9\\ud83d\\ude00'"),
              Value("\b\f\n\r\t/\\\xc3\xa9\xf0\x9f\x98\x80"));
}

TEST(JsonReader, next_bad_strings_are_refused) {
    for (const char* text :
         {"'\\x'", "'\\u12g4'", "'\\u12'", "'\\ud800'", "'\\ud800\\u0041'", "'\\udc00'",
          "'\\u0000'", "'\xc3'", "'\xc0\x80'", "'\xed\xa0\x80'", "'\xf4\x90\x80\x80'", "'\x80'"}) {
        EXPECT_TRUE(read_all(text).starts_with(kError)) << text;
    }
}

TEST(JsonReader, next_too_deep_is_refused) {
    JsonReader reader({.depth = 3});
    EXPECT_EQ(read_all(reader, "[[[]]]"), "[[[]]]");
    EXPECT_TRUE(read_all(reader, "[[[[").starts_with(std::string(kError) + "nesting depth"));
}

TEST(JsonReader, next_too_long_is_refused_and_next_line_read) {
    JsonReader reader({.bytes = 20});
    EXPECT_EQ(read_all(reader, "'" + std::string(100, 'x') + "'\n7"),
              std::string(kError) + "token size limit exceeded ; 7");
}

TEST(JsonReader, next_too_many_tokens_are_refused) {
    JsonReader reader({.tokens = 5});
    EXPECT_EQ(read_all(reader, "[1,2] [1,2,3]\n"), "[1, 2] ; " + std::string(kError) +
                                                       "token count limit exceeded ; " +
                                                       std::string(kError) + "expecting value");
}

TEST(JsonReader, next_object_with_many_members_finds_duplicates) {
    std::string text = "{";
    for (int i = 0; i < 100; ++i)
        text += fmt::format("'k{}': {}, ", i, i);
    EXPECT_EQ(read_all(text + "'k3': 0}"), std::string(kError) + "duplicate key");
    EXPECT_TRUE(read_all(text + "'k100': 0}").starts_with("{\"k0\": 0, "));
}

TEST(JsonReader, finish_inside_a_value_is_an_error) {
    EXPECT_EQ(read_all("{'a': "), std::string(kError) + "premature end of input");
    EXPECT_EQ(read_all("'a"), std::string(kError) + "premature end of input");
}

TEST(ParseJson, text_behind_the_value_is_refused) {
    EXPECT_TRUE(parse_json(" [1] ").has_value());
    EXPECT_FALSE(parse_json("[1] 2").has_value());
    EXPECT_FALSE(parse_json("").has_value());
    EXPECT_TRUE(parse_json("12").has_value());
}

}  // namespace
}  // namespace qc::qapi
