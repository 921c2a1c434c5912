// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/option_string.h"

#include <gtest/gtest.h>

namespace qc {
namespace {

// The options as "key=value;", bare ones with a mark.
std::string spelled(const OptionString& options) {
    std::string text;
    for (const OptionString::Option& option : options.options()) {
        text += option.key + "=" + option.value + (option.bare ? "!" : "") + ";";
    }
    return text;
}

std::string parsed(std::string_view text, std::string_view implied_key = "") {
    return spelled(*OptionString::parse(text, implied_key));
}

TEST(OptionString, pairs_are_split_at_commas_and_first_equals_sign) {
    EXPECT_EQ(parsed("a=1,b=x=y"), "a=1;b=x=y;");
}

TEST(OptionString, doubled_comma_is_part_of_the_value) {
    EXPECT_EQ(parsed("file=a,,b,,,c=d"), "file=a,b,;c=d;");
    EXPECT_EQ(parsed("file=,,"), "file=,;");
}

TEST(OptionString, first_element_takes_the_implied_key) {
    EXPECT_EQ(parsed("ide-hd,drive=d0", "driver"), "driver=ide-hd;drive=d0;");
    EXPECT_EQ(parsed("a,,b,c=d", "file"), "file=a,b;c=d;");
    EXPECT_EQ(parsed(",,x", "file"), "file=,x;");
}

TEST(OptionString, first_element_with_key_ignores_the_implied_one) {
    EXPECT_EQ(parsed("driver=ide-hd,x", "driver"), "driver=ide-hd;x=on!;");
}

TEST(OptionString, bare_element_is_a_flag) {
    EXPECT_EQ(parsed("server,nowait"), "server=on!;nowait=on!;");
}

TEST(OptionString, empty_elements_are_skipped) {
    EXPECT_EQ(parsed("pc,", "type"), "type=pc;");
    EXPECT_EQ(parsed(""), "");
    EXPECT_EQ(parsed(",a=b,"), "a=b;");
}

TEST(OptionString, empty_value_is_kept) {
    EXPECT_EQ(parsed("a=,b="), "a=;b=;");
}

TEST(OptionString, empty_key_is_refused) {
    EXPECT_EQ(OptionString::parse("a=1,=2", "").error().message(), "Invalid parameter ''");
}

TEST(OptionString, take_last_of_equal_keys_wins_and_all_go) {
    OptionString options = *OptionString::parse("a=1,b=2,a=3", "");
    EXPECT_EQ(options.take("a"), "3");
    EXPECT_EQ(options.take("a"), std::nullopt);
    EXPECT_EQ(spelled(options), "b=2;");
}

TEST(OptionString, take_required_names_what_is_missing) {
    OptionString options;
    EXPECT_EQ(options.take_required("id").error().message(), "Parameter 'id' is missing");
}

TEST(OptionString, set_overrides_what_was_written) {
    OptionString options = *OptionString::parse("a=1", "");
    options.set("a", "2");
    EXPECT_EQ(options.take("a"), "2");
}

TEST(OptionString, take_prefix_cuts_it_off_and_leaves_the_rest) {
    OptionString options =
        *OptionString::parse("file.driver=raw,file=x,file.a.0.b=y,filex.c=z", "");
    EXPECT_EQ(spelled(options.take_prefix("file")), "driver=raw;a.0.b=y;");
    EXPECT_EQ(spelled(options), "file=x;filex.c=z;");
}

TEST(OptionString, left_over_option_is_named) {
    OptionString options = *OptionString::parse("a=1,bogus=2", "");
    options.take("a");
    EXPECT_EQ(options.expect_empty().error().message(), "Invalid parameter 'bogus'");
    options.take("bogus");
    EXPECT_TRUE(options.expect_empty());
}

TEST(OptionString, take_bool_knows_four_words_each_way) {
    OptionString options = *OptionString::parse("a,b=off,c=yes,d=n,e=2", "");
    EXPECT_EQ(*options.take_bool("a"), true);
    EXPECT_EQ(*options.take_bool("b"), false);
    EXPECT_EQ(*options.take_bool("c"), true);
    EXPECT_EQ(*options.take_bool("d"), false);
    EXPECT_EQ(*options.take_bool("absent"), std::nullopt);
    EXPECT_EQ(options.take_bool("e").error().message(), "Parameter 'e' expects 'on' or 'off'");
}

TEST(OptionString, take_number_and_size_convert) {
    OptionString options = *OptionString::parse("n=0x10,s=2k", "");
    EXPECT_EQ(*options.take_number("n"), 16u);
    EXPECT_EQ(*options.take_size("s"), 2048u);
    EXPECT_EQ(*options.take_size("absent"), std::nullopt);
    EXPECT_EQ(*options.take_number("absent"), std::nullopt);
}

TEST(ParseNumber, decimal_and_hexadecimal) {
    EXPECT_EQ(*parse_number("n", "007"), 7u);
    EXPECT_EQ(*parse_number("n", "0xFf"), 255u);
    EXPECT_EQ(*parse_number("n", "18446744073709551615"), UINT64_MAX);
}

TEST(ParseNumber, anything_else_is_refused) {
    for (const char* text : {"", "x", "-1", "+1", " 1", "1 ", "0x", "1k", "1.5", "0xg"}) {
        EXPECT_EQ(parse_number("n", text).error().message(), "Parameter 'n' expects a number")
            << text;
    }
}

TEST(ParseNumber, overflow_says_so) {
    EXPECT_EQ(parse_number("n", "18446744073709551616").error().message(),
              "Value '18446744073709551616' is too large for parameter 'n'");
}

TEST(ParseSize, suffixes_are_powers_of_1024) {
    EXPECT_EQ(*parse_size("s", "64"), 64u);
    EXPECT_EQ(*parse_size("s", "64B"), 64u);
    EXPECT_EQ(*parse_size("s", "64k"), 64u << 10);
    EXPECT_EQ(*parse_size("s", "64M"), 64u << 20);
    EXPECT_EQ(*parse_size("s", "3G"), uint64_t{3} << 30);
    EXPECT_EQ(*parse_size("s", "1T"), uint64_t{1} << 40);
    EXPECT_EQ(*parse_size("s", "1p"), uint64_t{1} << 50);
    EXPECT_EQ(*parse_size("s", "15E"), uint64_t{15} << 60);
}

TEST(ParseSize, default_unit_applies_without_suffix_only) {
    EXPECT_EQ(*parse_size("m", "512", 1 << 20), 512u << 20);
    EXPECT_EQ(*parse_size("m", "512k", 1 << 20), 512u << 10);
}

TEST(ParseSize, fractions_need_a_unit) {
    EXPECT_EQ(*parse_size("s", "1.5G"), uint64_t{3} << 29);
    EXPECT_EQ(*parse_size("s", "0.25k"), 256u);
    EXPECT_EQ(*parse_size("s", "1.0"), 1u);
    EXPECT_FALSE(parse_size("s", "1.5"));
    EXPECT_FALSE(parse_size("s", "1.k"));
    EXPECT_FALSE(parse_size("s", ".5k"));
}

TEST(ParseSize, junk_is_refused_with_a_hint) {
    for (const char* text : {"", "k", "-1", "1kk", "1 k", "1x", "0x", "1e3", "0x20M"}) {
        const Result<uint64_t> result = parse_size("s", text);
        ASSERT_FALSE(result) << text;
        EXPECT_EQ(result.error().message(), "Parameter 's' expects a size") << text;
        EXPECT_NE(result.error().hint(), "");
    }
}

TEST(ParseSize, overflow_is_out_of_range) {
    for (const char* text : {"16E", "18446744073709551616", "17179869184G", "15.9999999999E1"}) {
        EXPECT_FALSE(parse_size("s", text)) << text;
    }
    EXPECT_EQ(parse_size("s", "16E").error().message(),
              "Value '16E' is out of range for parameter 's'");
    EXPECT_EQ(*parse_size("s", "15.5E"), 0xf800000000000000u);
}

}  // namespace
}  // namespace qc
