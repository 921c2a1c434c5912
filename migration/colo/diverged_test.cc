// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a primary without a cache on the other side finds to send, what the secondary
// makes of it, and what it makes of a peer that lies.
#include "migration/colo/diverged_fixture.h"

namespace qc::migration::colo {
namespace {

TEST_F(DivergedTest, every_comparison_makes_the_secondary_equal) {
    uint8_t value = 1;
    for (Compare compare : {Compare::kNothing, Compare::kPages, Compare::kPieces}) {
        for (uint64_t page : {7, 8, 9, 200}) {
            pvm.fill(page, value);
            svm().fill(page, value);
        }
        svm().write(8, 300, 0xfe);                          // differs in one piece
        svm().write(9, 0, 0xfe, 4096);                      // differs altogether
        pvm.fill(20, value);                                // only the primary's
        svm().fill(30, static_cast<uint8_t>(value + 100));  // only the secondary's
        pvm.fill(40, 0);
        svm().fill(40, 3);  // it becomes zero
        send(compare);
        ASSERT_TRUE(received) << received.error().message();
        load();
        expect_equal();
        ++value;
    }
}

TEST_F(DivergedTest, only_what_differs_is_sent) {
    for (uint64_t page = 100; page < 150; ++page) {
        pvm.fill(page, 5);
        svm().fill(page, 5);
    }
    pvm.write(120, 2000, 9);
    send(Compare::kPieces);
    EXPECT_EQ(outcome.equal, 49u);
    EXPECT_EQ(outcome.patched, 1u);
    EXPECT_EQ(outcome.pieces, 1u);
    EXPECT_EQ(commit.pages + commit.zero_pages, 0u);
    load();
    expect_equal();
}

TEST_F(DivergedTest, memory_is_left_alone_until_the_load) {
    pvm.fill(20, 1);
    svm().fill(21, 2);
    send(Compare::kPieces);
    EXPECT_EQ(svm().ram.blocks()[1]->page(20)[0], std::byte{0});
    EXPECT_EQ(svm().ram.blocks()[1]->page(21)[0], std::byte{2});
}

TEST_F(DivergedTest, page_written_by_the_primary_while_it_is_compared_is_sent_as_captured) {
    pvm.fill(20, 1);
    svm().fill(20, 1);
    pvm.fill(22, 1);
    svm().fill(22, 3);
    list(Compare::kPieces);
    pvm.fill(20, 9);
    pvm.fill(22, 9);
    comparison.hash();
    ASSERT_TRUE(comparison.note_hashes(hashes(Compare::kPieces)));
    EXPECT_EQ(comparison.settle().equal, 1u);
}

TEST_F(DivergedTest, damage_on_the_way_is_found) {
    pvm.fill(20, 1);
    pvm.write(21, 0, 1);
    svm().write(21, 0, 2);
    send(Compare::kPieces);
    ASSERT_EQ(staged_error(), "");
    staging->pages(1, 20, 1)[5] ^= std::byte{1};
    EXPECT_NE(staged_error().find("damaged"), std::string::npos);
    staging->pages(1, 20, 1)[5] ^= std::byte{1};
    commit.digest.low ^= 1;
    EXPECT_NE(staged_error().find("damaged"), std::string::npos);
}

TEST_F(DivergedTest, page_that_was_listed_and_is_missing_is_found) {
    pvm.fill(20, 1);
    svm().fill(30, 1);
    send(Compare::kPages);
    written[1].set(31);  // as if the primary had overlooked it
    EXPECT_NE(staged_error().find("1 of the pages"), std::string::npos) << staged_error();
}

TEST_F(DivergedTest, lists_that_cannot_be_are_refused_by_name) {
    comparison.begin(Compare::kPages);
    auto error = [&](const PageList& list) {
        Result<void> noted = comparison.note_written(list);
        return noted ? "" : noted.error().message();
    };
    EXPECT_NE(error({.block = 2, .pages = 1, .runs = {{0, 1}}}).find("block 2"), std::string::npos);
    EXPECT_NE(error({.block = 1, .pages = 1, .runs = {{kPages, 1}}}).find("'ram' has no pages 300"),
              std::string::npos);
    ASSERT_EQ(error({.block = 1, .pages = 2, .runs = {{5, 2}}}), "");
    EXPECT_NE(error({.block = 1, .pages = 1, .runs = {{6, 1}}}).find("page 6 is out of order"),
              std::string::npos);
    EXPECT_NE(error({.block = 0, .pages = 1, .runs = {{9, 1}}}).find("'bios' is out of order"),
              std::string::npos);
}

TEST_F(DivergedTest, hashes_of_more_pages_or_of_another_kind_are_refused) {
    svm().fill(30, 1);
    list(Compare::kPages);
    EXPECT_FALSE(comparison.note_hashes({Compare::kPieces, std::vector<uint64_t>(16)}));
    EXPECT_FALSE(comparison.note_hashes({Compare::kPages, std::vector<uint64_t>(4)}));
    EXPECT_TRUE(comparison.note_hashes({Compare::kPages, std::vector<uint64_t>(2)}));
    EXPECT_FALSE(comparison.note_hashes({Compare::kPages, std::vector<uint64_t>(2)}));
    EXPECT_FALSE(comparison.complete()) << "this side has not hashed yet";
}

TEST_F(DivergedTest, page_that_comes_twice_is_refused) {
    const PageList page{.block = 1, .pages = 1, .runs = {{5, 1}}};
    put(encode_page_list(MessageType::kZeros, 1, page), 0);
    ASSERT_TRUE(received);
    put(encode_page_list(MessageType::kZeros, 1, page), 0);
    ASSERT_FALSE(received);
    EXPECT_NE(received.error().message().find("page 5 comes twice"), std::string::npos);
}

TEST_F(DivergedTest, pieces_of_nowhere_are_refused) {
    put(encode_piece_list(1, {.block = 7, .pieces = 1, .pages = {{5, 1}}}), kPieceSize);
    ASSERT_FALSE(received);
    EXPECT_NE(received.error().message().find("block 7"), std::string::npos);
}

TEST_F(DivergedTest, pieces_beyond_the_block_are_refused) {
    put(encode_piece_list(1, {.block = 1, .pieces = 1, .pages = {{kPages, 1}}}), kPieceSize);
    ASSERT_FALSE(received);
    EXPECT_NE(received.error().message().find("no page 300"), std::string::npos);
}

TEST_F(DivergedTest, pieces_of_a_page_that_was_not_listed_or_came_whole_are_refused) {
    written = make_page_bitmaps(svm().ram);
    put(encode_piece_list(1, {.block = 1, .pieces = 1, .pages = {{5, 1}}}), kPieceSize);
    ASSERT_TRUE(received);
    EXPECT_NE(staged_error().find("page 5, which was not listed"), std::string::npos);
    written[1].set(5);
    put(encode_page_list(MessageType::kZeros, 1, {.block = 1, .pages = 1, .runs = {{5, 1}}}), 0);
    ASSERT_TRUE(received);
    EXPECT_NE(staged_error().find("whole and in pieces"), std::string::npos);
}

TEST_F(DivergedTest, pieces_are_refused_by_who_keeps_a_cache) {
    staging = *RamCache::create(svm().ram, RamCache::Kind::kCache);
    receiver = std::make_unique<PageReceiver>(svm().ram, *staging, key);
    put(encode_piece_list(1, {.block = 1, .pieces = 1, .pages = {{5, 1}}}), kPieceSize);
    ASSERT_FALSE(received);
}

}  // namespace
}  // namespace qc::migration::colo
