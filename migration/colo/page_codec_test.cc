// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/page_codec.h"

#include <gtest/gtest.h>

namespace qc::migration::colo {
namespace {

// A message up to the bytes of its pages.
template <typename List, typename ParseHead, typename ParseRest>
Result<List> parse_list(std::span<const std::byte> bytes, ParseHead parse_head,
                        ParseRest parse_rest) {
    Header header = TRY(parse_header(bytes.first(kHeaderSize)));
    List list;
    size_t rest = TRY(parse_head(header, bytes.subspan(kHeaderSize, kPageListHeadSize), list));
    TRY(parse_rest(bytes.subspan(kHeaderSize + kPageListHeadSize, rest), list));
    return list;
}

class PageListTest : public testing::Test {
 protected:
    static Result<PageList> parse(std::span<const std::byte> bytes) {
        return parse_list<PageList>(bytes, parse_page_list_head, parse_page_runs);
    }
    PageList list{.block = 3, .pages = 6, .runs = {{10, 4}, {100, 2}}};
};

TEST_F(PageListTest, both_kinds_round_trip) {
    for (MessageType type : {MessageType::kPages, MessageType::kZeros}) {
        Result<PageList> back = parse(encode_page_list(type, 9, list));
        ASSERT_TRUE(back) << back.error().message();
        EXPECT_EQ(back->block, 3u);
        EXPECT_EQ(back->runs, list.runs);
    }
}

TEST_F(PageListTest, counts_that_do_not_add_up_are_refused) {
    list.pages = 7;
    EXPECT_FALSE(parse(encode_page_list(MessageType::kZeros, 9, list)));
}

TEST_F(PageListTest, empty_run_and_empty_list_are_refused) {
    EXPECT_FALSE(parse(encode_page_list(MessageType::kZeros, 9, {.block = 0, .pages = 0})));
    PageList empty_run{.block = 0, .pages = 1, .runs = {{5, 0}, {6, 1}}};
    EXPECT_FALSE(parse(encode_page_list(MessageType::kZeros, 9, empty_run)));
}

TEST_F(PageListTest, more_pages_or_runs_than_allowed_are_refused) {
    PageList many{.block = 0, .pages = kMaxZeroPagesPerMessage + 1};
    many.runs = {{0, kMaxZeroPagesPerMessage + 1}};
    EXPECT_FALSE(parse(encode_page_list(MessageType::kZeros, 9, many)));
    PageList runs{.block = 0, .pages = kMaxRuns + 1};
    runs.runs.assign(kMaxRuns + 1, {0, 1});
    EXPECT_FALSE(parse(encode_page_list(MessageType::kZeros, 9, runs)));
}

class PieceListTest : public testing::Test {
 protected:
    static Result<PieceList> parse(std::span<const std::byte> bytes) {
        return parse_list<PieceList>(bytes, parse_piece_list_head, parse_piece_pages);
    }
    static bool refused(const PieceList& list) { return !parse(encode_piece_list(9, list)); }
};

TEST_F(PieceListTest, pages_and_their_pieces_round_trip) {
    PieceList list{.block = 3, .pieces = 19, .pages = {{10, 0xffff}, {11, 0x8001}, {90, 0x10}}};
    Result<PieceList> back = parse(encode_piece_list(9, list));
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(back->block, 3u);
    EXPECT_EQ(back->pages, list.pages);
}

TEST_F(PieceListTest, lists_that_contradict_themselves_are_refused) {
    EXPECT_FALSE(refused({.pieces = 2, .pages = {{1, 1}, {2, 1}}}));
    EXPECT_TRUE(refused({.pieces = 3, .pages = {{1, 1}, {2, 1}}}));  // count
    EXPECT_TRUE(refused({.pieces = 2, .pages = {{2, 1}, {1, 1}}}));  // order
    EXPECT_TRUE(refused({.pieces = 2, .pages = {{1, 1}, {1, 1}}}));  // twice
    EXPECT_TRUE(refused({.pieces = 2, .pages = {{1, 0}, {2, 3}}}));  // no piece
    EXPECT_TRUE(refused({.pieces = 0, .pages = {}}));
    PieceList many{.pieces = kMaxPagesPerMessage + 1, .pages = {}};
    for (uint64_t page = 0; page <= kMaxPagesPerMessage; ++page)
        many.pages.push_back({page, 1});
    EXPECT_TRUE(refused(many));
}

class DeltaListTest : public testing::Test {
 protected:
    static Result<DeltaList> parse(std::span<const std::byte> bytes) {
        return parse_list<DeltaList>(bytes, parse_delta_list_head, parse_delta_pages);
    }
    static bool refused(const DeltaList& list) { return !parse(encode_delta_list(9, list)); }
};

TEST_F(DeltaListTest, pages_and_their_lengths_round_trip) {
    DeltaList list{.block = 3, .bytes = 4105, .pages = {{10, 9}, {11, 0}, {90, 4096}}};
    Result<DeltaList> back = parse(encode_delta_list(9, list));
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(back->block, 3u);
    EXPECT_EQ(back->bytes, 4105u);
    EXPECT_EQ(back->pages, list.pages);
}

TEST_F(DeltaListTest, lists_that_contradict_themselves_are_refused) {
    EXPECT_FALSE(refused({.bytes = 5, .pages = {{1, 2}, {2, 3}}}));
    EXPECT_TRUE(refused({.bytes = 6, .pages = {{1, 2}, {2, 3}}}));  // bytes
    EXPECT_TRUE(refused({.bytes = 5, .pages = {{2, 2}, {1, 3}}}));  // order
    EXPECT_TRUE(refused({.bytes = 5, .pages = {{2, 2}, {2, 3}}}));  // twice
    EXPECT_TRUE(refused({.bytes = 4097, .pages = {{2, 4097}, {3, 0}}}));
    EXPECT_TRUE(refused({.bytes = 0, .pages = {}}));
    DeltaList many{.bytes = 0, .pages = {}};
    for (uint64_t page = 0; page <= kMaxPagesPerMessage; ++page)
        many.pages.push_back({page, 0});
    EXPECT_TRUE(refused(many));
}

}  // namespace
}  // namespace qc::migration::colo
