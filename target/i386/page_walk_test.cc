// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/i386/page_walk.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "target/i386/registers.h"

namespace qc::i386 {
namespace {

constexpr uint64_t kAll = pte::kPresent | pte::kWritable | pte::kUser;

class PageWalk : public testing::Test {
 protected:
    PageWalk() { cpu_.cr0 = cr0::kPg | cr0::kPe; }

    std::optional<uint64_t> at(uint64_t linear) { return translate(cpu_, linear, read_); }
    std::vector<PageMapping> pages(uint64_t limit = 1 << 20) {
        std::vector<PageMapping> all;
        complete_ = for_each_page(cpu_, read_, limit, [&](const PageMapping& page) {
            all.push_back(page);
            return true;
        });
        return all;
    }

    CpuState cpu_;
    std::map<uint64_t, uint64_t> entries_;
    ReadEntry read_ = [this](uint64_t address, unsigned) {
        const auto found = entries_.find(address);
        return found == entries_.end() ? 0 : found->second;
    };
    bool complete_ = false;
};

TEST_F(PageWalk, without_paging_an_address_is_itself) {
    cpu_.cr0 = cr0::kPe;
    EXPECT_EQ(at(0x12345), 0x12345u);
}

TEST_F(PageWalk, two_levels_have_small_and_large_pages) {
    cpu_.cr3 = 0x1000;
    cpu_.cr4 = cr4::kPse;
    entries_ = {{0x1004, 0x2000 | kAll},
                {0x2008, 0x7000 | pte::kPresent},
                {0x1008, 0x0080'2000 | kAll | pte::kLarge}};
    EXPECT_EQ(at(0x40'2abc), 0x7abcu);
    EXPECT_EQ(at(0x40'3000), std::nullopt);
    EXPECT_EQ(at(0x0), std::nullopt);
    EXPECT_EQ(at(0x80'1234), 0x1'0080'1234u) << "bits 32 and up come from bit 13";
    const auto all = pages();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_EQ(all[0].linear, 0x40'2000u);
    EXPECT_EQ(all[0].entry & kAll, pte::kPresent);
    EXPECT_EQ(all[1].size, 4u << 20);
    cpu_.cr4 = 0;
    EXPECT_EQ(at(0x80'1234), std::nullopt) << "without PSE it is a table";
}

TEST_F(PageWalk, pae_has_a_root_without_rights) {
    cpu_.cr3 = 0x1020;
    cpu_.cr4 = cr4::kPae;
    entries_ = {{0x1028, 0x2000 | pte::kPresent},
                {0x2000, 0x40'0000 | kAll | pte::kLarge | pte::kNoExecute}};
    EXPECT_EQ(at(0x4012'3456), 0x52'3456u);
    const auto all = pages();
    ASSERT_EQ(all.size(), 1u);
    EXPECT_EQ(all[0].entry & kAll, kAll);
    EXPECT_NE(all[0].entry & pte::kNoExecute, 0u);
}

TEST_F(PageWalk, four_levels_reach_the_upper_half) {
    cpu_.efer = efer::kLma;
    cpu_.cr3 = 0x1000;
    entries_ = {{0x1ff8, 0x2000 | kAll},
                {0x2ff0, 0x3000 | pte::kPresent | pte::kWritable},
                {0x3000, 0x4000 | kAll},
                {0x4010, 0x9000 | kAll},
                {0x2ff8, 0x4000'0000 | kAll | pte::kLarge}};
    EXPECT_EQ(at(0xffff'ffff'8000'2123), 0x9123u);
    EXPECT_EQ(at(0xffff'ffff'c000'0001), 0x4000'0001u);
    const auto all = pages();
    ASSERT_EQ(all.size(), 2u);
    EXPECT_TRUE(complete_);
    EXPECT_EQ(all[0].linear, 0xffff'ffff'8000'2000u);
    EXPECT_EQ(all[0].entry & kAll, pte::kPresent | pte::kWritable);
    EXPECT_EQ(all[1].size, uint64_t{1} << 30);
}

TEST_F(PageWalk, five_levels_are_one_more) {
    cpu_.efer = efer::kLma;
    cpu_.cr4 = 1u << 12;
    cpu_.cr3 = 0x1000;
    entries_ = {{0x1008, 0x2000 | kAll}, {0x2000, 0x3000 | kAll}, {0x3000, 0x80 | kAll}};
    EXPECT_EQ(at(0x1'0000'0000'0005), 5u);
}

TEST_F(PageWalk, tables_that_refer_to_themselves_have_an_end) {
    cpu_.efer = efer::kLma;
    cpu_.cr3 = 0x1000;
    for (uint64_t i = 0; i < 512; ++i)
        entries_[0x1000 + i * 8] = 0x1000 | kAll;
    EXPECT_LE(pages(10'000).size(), 10'000u);
    EXPECT_FALSE(complete_);
}

}  // namespace
}  // namespace qc::i386
