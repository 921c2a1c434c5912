// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/cli/config_file.h"

#include <gtest/gtest.h>

namespace qc::system {
namespace {

std::string refusal(std::string_view text) {
    auto groups = parse_config(text);
    EXPECT_FALSE(groups) << text;
    return groups ? "" : groups.error().message();
}

TEST(ConfigFile, groups_become_options) {
    auto groups = parse_config(
        "# disks\n\n[drive \"d0\"]\n  if = \"none\"\n\tfile=\"a,b.img\"\r\n[machine]\ntype = "
        "\"q35\"");
    ASSERT_TRUE(groups) << groups.error().message();
    ASSERT_EQ(groups->size(), 2u);
    EXPECT_EQ((*groups)[0].name, "drive");
    EXPECT_EQ((*groups)[0].line, 3u);
    EXPECT_EQ((*groups)[0].as_option(), "if=none,file=a,,b.img,id=d0");
    EXPECT_EQ((*groups)[1].as_option(), "type=q35");
}

TEST(ConfigFile, group_without_settings_is_an_empty_option) {
    auto groups = parse_config("[msg]\n");
    ASSERT_TRUE(groups);
    EXPECT_EQ(groups->at(0).as_option(), "");
    EXPECT_TRUE(parse_config("")->empty());
}

TEST(ConfigFile, errors_name_the_line) {
    EXPECT_EQ(refusal("\nx = \"y\"\n"), "2: no group defined");
    EXPECT_EQ(refusal("[rtc]\nbase = utc\n"), "2: parse error: 'base = utc'");
    EXPECT_EQ(refusal("[rtc]\nbase\n"), "2: parse error: 'base'");
    EXPECT_EQ(refusal("[rtc]\nbase = \"u\"t\"\n"), "2: parse error: 'base = \"u\"t\"'");
    EXPECT_EQ(refusal("[rtc]\nba,se = \"utc\"\n"), "2: parse error: 'ba,se = \"utc\"'");
    EXPECT_EQ(refusal("[rtc\n"), "1: a group's head ends with ']'");
    EXPECT_EQ(refusal("[]\n"), "1: parse error: '[]'");
    EXPECT_EQ(refusal("[drive d]\n"), "1: parse error: '[drive d]'");
    EXPECT_EQ(refusal("[drive \"\"]\n"), "1: parse error: '[drive \"\"]'");
    EXPECT_EQ(refusal(std::string_view("[rtc]\na\0b", 9)), "2: there is a zero byte");
}

}  // namespace
}  // namespace qc::system
