// SPDX-License-Identifier: GPL-2.0-or-later
//
// Pages that go as differences in a checkpoint (capability xbzrle).
#include <random>

#include "migration/colo/diverged_fixture.h"

namespace qc::migration::colo {
namespace {

class DeltasTest : public DivergedTest {
 protected:
    void SetUp() override {
        DivergedTest::SetUp();
        xbzrle.emplace(*nowhere_, pvm.ram, counters_);
        ASSERT_TRUE(xbzrle->set_cache_size(256 * memory::kPageSize));
    }
    void checkpoint(Compare compare) {
        send(compare);
        ASSERT_TRUE(received) << received.error().message();
        load();
        expect_equal();
    }
    // One byte of page `page` becomes 7.
    static std::vector<std::byte> difference() {
        return {std::byte{16}, std::byte{1}, std::byte{7}};
    }
    void put_difference(uint64_t page, const std::vector<std::byte>& encoded) {
        auto length = static_cast<uint16_t>(encoded.size());
        put(encode_delta_list(1, {.block = 1, .bytes = length, .pages = {{page, length}}}),
            encoded);
    }

    XbzrleCounters counters_;

 private:
    // Until the first checkpoint sets another.
    struct Nowhere final : DeltaPageSink {
        void pages(uint32_t, uint64_t, std::span<const std::byte>) override {}
        void zero_pages(uint32_t, uint64_t, uint64_t) override {}
        void copied_page(uint32_t, uint64_t, std::span<const std::byte>) override {}
        void encoded_page(uint32_t, uint64_t, std::span<const std::byte>) override {}
        Result<void> flush() override { return {}; }
    };
    std::unique_ptr<Nowhere> nowhere_ = std::make_unique<Nowhere>();
};

TEST_F(DeltasTest, page_that_only_the_primary_writes_goes_as_its_difference) {
    pvm.fill(20, 1);
    checkpoint(Compare::kPieces);
    pvm.write(20, 100, 9, 3);
    const uint64_t before = writer->bytes_put();
    checkpoint(Compare::kPieces);
    EXPECT_EQ(counters_.pages, 1u);
    EXPECT_LT(writer->bytes_put() - before, 100u);
}

TEST_F(DeltasTest, page_that_was_written_and_is_as_before_counts_as_sent) {
    pvm.fill(20, 1);
    checkpoint(Compare::kPieces);
    pvm.fill(20, 1);
    checkpoint(Compare::kPieces);
    EXPECT_EQ(counters_.pages, 1u);
    EXPECT_EQ(commit.pages, 1u);
}

TEST_F(DeltasTest, page_that_the_secondary_wrote_is_forgotten) {
    pvm.fill(20, 1);
    checkpoint(Compare::kPages);
    // Equal on both sides and not sent: what is remembered is out of date.
    pvm.fill(20, 2);
    svm().fill(20, 2);
    checkpoint(Compare::kPages);
    pvm.write(20, 5, 3);
    checkpoint(Compare::kPages);
    EXPECT_EQ(counters_.pages, 0u);
    pvm.write(20, 6, 3);
    checkpoint(Compare::kPages);
    EXPECT_EQ(counters_.pages, 1u);
}

TEST_F(DeltasTest, any_mixture_of_writes_makes_both_sides_equal) {
    std::minstd_rand random(20261121);
    auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
    for (int round = 0; round < 150; ++round) {
        for (unsigned writes = below(60); writes > 0; --writes) {
            const uint64_t page = below(40);
            const size_t offset = below(4000);
            const auto value = static_cast<uint8_t>(below(4));
            const size_t count = below(3) == 0 ? 4096 - offset : below(96) + 1;
            const unsigned who = below(4);
            if (who != 0) pvm.write(page, offset, value, count);
            if (who == 0 || who == 1) svm().write(page, offset, value, count);
        }
        checkpoint(static_cast<Compare>(below(3)));
        if (HasFatalFailure()) FAIL() << "round " << round;
    }
    EXPECT_GT(counters_.pages, 100u);
}

TEST_F(DeltasTest, cache_gets_differences_of_what_it_has) {
    staging = *RamCache::create(svm().ram, RamCache::Kind::kCache);
    receiver = std::make_unique<PageReceiver>(svm().ram, *staging, key);
    staging->pages(1, 5, 1)[3] = std::byte{42};
    put_difference(5, difference());
    ASSERT_TRUE(received) << received.error().message();
    EXPECT_EQ(staging->pages(1, 5, 1)[3], std::byte{42});
    EXPECT_EQ(staging->pages(1, 5, 1)[16], std::byte{7});
    EXPECT_TRUE(receiver->received()[1].test(5));
    EXPECT_EQ(svm().ram.blocks()[1]->page(5)[16], std::byte{0}) << "memory changed too early";
}

TEST_F(DeltasTest, difference_from_another_page_than_ours_is_found) {
    pvm.fill(20, 1);
    checkpoint(Compare::kNothing);
    pvm.write(20, 100, 9);
    svm().ram.blocks()[1]->host()[20 * memory::kPageSize] ^= std::byte{1};  // behind the log
    send(Compare::kNothing);
    ASSERT_TRUE(received);
    EXPECT_NE(staged_error().find("damaged"), std::string::npos) << staged_error();
}

TEST_F(DeltasTest, difference_that_cannot_be_decoded_is_refused_by_name) {
    put_difference(5, {std::byte{0xff}, std::byte{0xff}, std::byte{0xff}});
    ASSERT_FALSE(received);
    EXPECT_NE(received.error().message().find("'ram', page 5"), std::string::npos)
        << received.error().message();
}

TEST_F(DeltasTest, difference_beyond_the_block_is_refused) {
    put_difference(kPages, difference());
    ASSERT_FALSE(received);
    EXPECT_NE(received.error().message().find("no page 300"), std::string::npos);
}

TEST_F(DeltasTest, difference_that_comes_twice_is_refused) {
    put_difference(6, difference());
    ASSERT_TRUE(received);
    put_difference(6, difference());
    ASSERT_FALSE(received);
    EXPECT_NE(received.error().message().find("page 6 comes twice"), std::string::npos);
}

}  // namespace
}  // namespace qc::migration::colo
