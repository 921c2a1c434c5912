// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/xbzrle_page_sink.h"

#include <cstring>

#include "migration/precopy_fixture.h"
#include "migration/ram_loader.h"

namespace qc::migration {
namespace {

using runstate::RunState;

// A sink on one side, a loader on the other, pages in between.
class XbzrleSinkTest : public testing::Test {
 protected:
    static constexpr uint32_t kBlock = 0;
    static constexpr size_t kPage = memory::kPageSize;

    void SetUp() override {
        plain_.block_list();
        for (uint32_t block = 0; block < from_.ram.blocks().size(); ++block) {
            memory::RamBlock& ram = *from_.ram.blocks()[block];
            sink_.pages(block, 0, {ram.host(), ram.size()});
        }
        deliver(RamLoader::Section::kFirst);
        ASSERT_TRUE(loader_.check_complete());
        ASSERT_TRUE(sink_.set_cache_size(64 * kPage));
        sink_.age();
    }

    std::span<std::byte> source_page(uint64_t page) {
        return from_.ram.blocks()[kBlock]->page(page);
    }
    void send(uint64_t page) {
        sink_.pages(kBlock, page, source_page(page));
        deliver(RamLoader::Section::kMore);
        EXPECT_EQ(std::memcmp(to_.ram.blocks()[kBlock]->page(page).data(), source_page(page).data(),
                              kPage),
                  0)
            << "page " << page;
    }
    void deliver(RamLoader::Section section) {
        plain_.end_of_section();
        ASSERT_TRUE(sink_.flush());
        Result<void> loaded = loader_.load_section(reader_, section);
        ASSERT_TRUE(loaded) << loaded.error().message();
    }

    TestMachine from_{{.ram_pages = 128}};
    TestMachine to_{{.ram_pages = 128}};
    std::pair<std::unique_ptr<io::MemoryChannel>, std::unique_ptr<io::MemoryChannel>> channels_ =
        io::MemoryChannel::create_pair(4 * 1024 * 1024);
    GatherWriter writer_{*channels_.first};
    StreamReader reader_{*channels_.second};
    PrecopyPageSink plain_{writer_, from_.ram, PrecopyPageSink::Records::kForRuns};
    XbzrleCounters counters_;
    XbzrlePageSink sink_{plain_, from_.ram, counters_};
    RamLoader loader_{to_.ram};
};

TEST_F(XbzrleSinkTest, page_is_sent_whole_once_then_by_its_differences) {
    source_page(5)[7] = std::byte{1};
    send(5);
    EXPECT_EQ(counters_.cache_miss, 1u);
    uint64_t whole = writer_.bytes_put();
    source_page(5)[7] = std::byte{2};
    source_page(5)[4000] = std::byte{3};
    send(5);
    EXPECT_EQ(counters_.pages, 1u);
    EXPECT_LT(writer_.bytes_put() - whole, 100u);
    EXPECT_EQ(counters_.bytes, 3u + 4u);
}

TEST_F(XbzrleSinkTest, page_that_is_as_before_is_not_sent) {
    send(5);
    uint64_t before = writer_.bytes_put();
    send(5);
    EXPECT_EQ(writer_.bytes_put() - before, sizeof(uint64_t)) << "the end of the section";
    EXPECT_EQ(counters_.pages, 1u);
}

TEST_F(XbzrleSinkTest, page_that_changed_everywhere_is_sent_whole_and_remembered) {
    send(5);
    std::ranges::fill(source_page(5), std::byte{9});
    send(5);
    EXPECT_EQ(counters_.overflow, 1u);
    source_page(5)[0] = std::byte{8};
    send(5);
    EXPECT_EQ(counters_.pages, 1u);
}

TEST_F(XbzrleSinkTest, page_that_was_zero_meanwhile_is_not_mistaken_for_the_old_one) {
    std::ranges::fill(source_page(5), std::byte{9});
    send(5);
    std::ranges::fill(source_page(5), std::byte{0});
    sink_.zero_pages(kBlock, 5, 1);
    deliver(RamLoader::Section::kMore);
    source_page(5)[1] = std::byte{9};
    send(5);
}

TEST_F(XbzrleSinkTest, pages_that_share_a_place_arrive_right) {
    for (int round = 0; round < 6; ++round) {
        for (uint64_t page : {3u, 3u + 64u}) {
            source_page(page)[static_cast<size_t>(round)] = std::byte{0x70};
            send(page);
        }
        if (round % 2 == 0) sink_.age();
    }
    EXPECT_GT(counters_.cache_miss, 2u);
}

TEST_F(XbzrleSinkTest, other_size_forgets_and_goes_on) {
    send(5);
    ASSERT_TRUE(sink_.set_cache_size(16 * kPage));
    EXPECT_EQ(counters_.cache_size, 16 * kPage);
    send(5);
    EXPECT_EQ(counters_.cache_miss, 2u);
    source_page(5)[100] = std::byte{1};
    send(5);
    EXPECT_EQ(counters_.pages, 1u);
}

TEST_F(XbzrleSinkTest, colo_cache_gets_the_same_page) {
    auto cache = *colo::RamCache::create(to_.ram);
    loader_.set_cache(*cache);
    send(5);
    source_page(5)[17] = std::byte{1};
    send(5);
    EXPECT_EQ(std::memcmp(cache->pages(kBlock, 5, 1).data(), source_page(5).data(), kPage), 0);
}

class XbzrleMigrationTest : public PrecopyTest {
 protected:
    // A guest that never pauses has something left to send after most passes.
    XbzrleMigrationTest() : PrecopyTest({.burst = 1u << 30}) {}
};

TEST_F(XbzrleMigrationTest, guest_arrives_whole_and_the_numbers_are_told) {
    enable(source_migration, {Capability::kXbzrle});
    ASSERT_TRUE(
        source_migration.set_parameters({.max_bandwidth = 50'000'000, .downtime_limit_ms = 0}));
    ASSERT_TRUE(source.vm->start());
    begin();
    ASSERT_TRUE(source_reaches(MigrationStatus::kCompleted));
    ASSERT_TRUE(eventually([&] { return destination.vm->running(); }));
    ASSERT_TRUE(destination.vm->stop(RunState::kPaused));
    EXPECT_EQ(destination.cpu->check_memory(), "");
    MigrationInfo info = source_migration.info();
    ASSERT_TRUE(info.xbzrle);
    EXPECT_EQ(info.xbzrle->cache_size, 64u * 1024 * 1024);
}

TEST_F(XbzrleMigrationTest, cache_that_cannot_be_had_fails_and_the_source_runs_on) {
    enable(source_migration, {Capability::kXbzrle});
    ASSERT_TRUE(source_migration.set_parameters(
        {.downtime_limit_ms = 0, .xbzrle_cache_size = uint64_t{1} << 62}));
    ASSERT_TRUE(source.vm->start());
    begin();
    ASSERT_TRUE(source_reaches(MigrationStatus::kFailed));
    EXPECT_NE(source_migration.info().error_desc->find("XBZRLE"), std::string::npos);
    EXPECT_TRUE(source.vm->running());
}

TEST_F(XbzrleMigrationTest, multifd_is_refused_beside_it_by_name) {
    enable(source_migration, {Capability::kXbzrle});
    std::vector<Capabilities::Change> change = {{Capability::kMultifd, true}};
    Result<void> result = source_migration.set_capabilities(change);
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message().find("'xbzrle'"), std::string::npos);
}

}  // namespace
}  // namespace qc::migration
