// SPDX-License-Identifier: GPL-2.0-or-later
//
// RAM records, written by PrecopyPageSink or by hand, into a machine's memory.
#include "migration/ram_loader.h"

#include <gtest/gtest.h>

#include <cstring>
#include <optional>

#include "io/memory_channel.h"
#include "migration/precopy_page_sink.h"
#include "migration/stream_format.h"

namespace qc::migration {
namespace {

constexpr uint64_t kPages = 700;

class RamLoaderTest : public testing::Test {
 protected:
    RamLoaderTest() {
        for (memory::RamList* ram : {&source_, &destination_}) {
            EXPECT_TRUE(ram->create_block("pc.ram", kPages * memory::kPageSize,
                                          memory::RamBlock::Kind::kRam));
            EXPECT_TRUE(
                ram->create_block("pc.bios", memory::kPageSize, memory::RamBlock::Kind::kRom));
        }
        loader_.emplace(destination_);
        auto pair = io::MemoryChannel::create_pair(size_t{8} << 20);
        out_ = std::move(pair.first);
        in_ = std::move(pair.second);
        for (uint64_t page = 0; page < kPages; ++page) {
            const std::span<std::byte> data = block().page(page);
            std::memset(data.data(), static_cast<int>(page % 251 + 1), data.size());
        }
    }

    memory::RamBlock& block() { return *source_.blocks()[0]; }
    memory::RamBlock& loaded() { return *destination_.blocks()[0]; }
    std::span<const std::byte> pages(uint64_t first, uint64_t count) {
        return block().pages(first, count);
    }

    // Sends what `write` puts, after the list of blocks, and loads it.
    template <typename Write>
    Result<void> load(PrecopyPageSink::Records records, Write write) {
        GatherWriter writer(*out_);
        PrecopyPageSink sink(writer, source_, records);
        sink.block_list();
        write(sink, writer);
        sink.end_of_section();
        EXPECT_TRUE(writer.flush());
        bytes_ = writer.bytes_put();
        out_.reset();
        StreamReader reader(*in_);
        return loader_->load_section(reader, RamLoader::Section::kFirst);
    }
    // A list with addresses, in which the first block's is this.
    std::string error_of_address(uint64_t word) {
        GatherWriter writer(*out_);
        writer.be64(source_.total_bytes() | kRamMemSize);
        for (const auto& each : source_.blocks()) {
            writer.counted_string(each->id());
            writer.be64(each->size());
            writer.be64(each->id() == "pc.ram" ? word : 0);
        }
        writer.be64(kRamEos);
        EXPECT_TRUE(writer.flush());
        StreamReader reader(*in_);
        loader_->expect_addresses();
        const Result<void> result = loader_->load_section(reader, RamLoader::Section::kFirst);
        return result ? "" : result.error().message();
    }
    // One record by hand; the block has been named.
    std::string error_of(uint64_t word, uint32_t count) {
        const Result<void> result = load(PrecopyPageSink::Records::kForRuns,
                                         [&](PrecopyPageSink& sink, GatherWriter& writer) {
                                             sink.pages(0, 0, pages(0, 1));
                                             writer.be64(word | kRamContinue);
                                             writer.be32(count);
                                             writer.u8(0);
                                         });
        return result ? "" : result.error().message();
    }

    memory::RamList source_;
    memory::RamList destination_;
    std::unique_ptr<io::MemoryChannel> out_, in_;
    std::optional<RamLoader> loader_;
    uint64_t bytes_ = 0;
};

TEST_F(RamLoaderTest, runs_and_single_pages_give_the_same_memory) {
    for (auto records : {PrecopyPageSink::Records::kForRuns, PrecopyPageSink::Records::kForPages}) {
        auto pair = io::MemoryChannel::create_pair(size_t{8} << 20);
        out_ = std::move(pair.first);
        in_ = std::move(pair.second);
        RamLoader loader(destination_);
        std::memset(loaded().host(), 0xee, loaded().size());
        GatherWriter writer(*out_);
        PrecopyPageSink sink(writer, source_, records);
        sink.block_list();
        sink.pages(0, 0, pages(0, 300));
        sink.zero_pages(0, 300, 200);
        sink.pages(0, 500, pages(500, 1));
        sink.zero_pages(0, 501, 1);
        sink.pages(0, 502, pages(502, 198));
        sink.zero_pages(1, 0, 1);
        sink.end_of_section();
        ASSERT_TRUE(writer.flush());
        StreamReader reader(*in_);
        const Result<void> result = loader.load_section(reader, RamLoader::Section::kFirst);
        ASSERT_TRUE(result) << result.error().message();
        EXPECT_TRUE(loader.check_complete());
        EXPECT_EQ(loader.normal_pages(), 499u);
        EXPECT_EQ(loader.zero_pages(), 202u);
        std::memset(block().host() + 300 * memory::kPageSize, 0, 200 * memory::kPageSize);
        std::memset(block().host() + 501 * memory::kPageSize, 0, memory::kPageSize);
        EXPECT_EQ(std::memcmp(block().host(), loaded().host(), loaded().size()), 0);
    }
}

TEST_F(RamLoaderTest, page_that_never_came_is_named) {
    ASSERT_TRUE(load(PrecopyPageSink::Records::kForRuns, [&](PrecopyPageSink& sink, auto&) {
        sink.pages(0, 0, pages(0, 256));
        sink.zero_pages(0, 257, kPages - 257);
    }));
    const Result<void> result = loader_->check_complete();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().message(), "RAM block 'pc.ram': page 256 is missing");
}

TEST_F(RamLoaderTest, run_of_zeros_takes_one_record) {
    ASSERT_TRUE(load(PrecopyPageSink::Records::kForRuns,
                     [&](PrecopyPageSink& sink, auto&) { sink.zero_pages(0, 0, kPages); }));
    EXPECT_LT(bytes_, 100u);
}

TEST_F(RamLoaderTest, run_that_leaves_its_block_is_refused) {
    EXPECT_EQ(error_of((kPages - 2) * memory::kPageSize | kRamPage | kRamRun, 3),
              "RAM block 'pc.ram': 3 pages at offset 0x2ba000 do not lie in it");
}

TEST_F(RamLoaderTest, run_of_zeros_that_leaves_its_block_is_refused) {
    EXPECT_NE(error_of(memory::kPageSize | kRamZero | kRamRun, 0xffffffff), "");
}

TEST_F(RamLoaderTest, run_of_no_pages_is_refused) {
    EXPECT_NE(error_of(memory::kPageSize | kRamZero | kRamRun, 0), "");
}

TEST_F(RamLoaderTest, run_of_differences_is_refused) {
    EXPECT_NE(error_of(kRamXbzrle | kRamRun, 1).find("unknown flags"), std::string::npos);
}

TEST_F(RamLoaderTest, address_of_a_block_is_checked_with_its_flags) {
    EXPECT_EQ(error_of_address(0), "");
}

TEST_F(RamLoaderTest, block_at_another_address_is_refused) {
    EXPECT_NE(error_of_address(0x1000).find("at guest address 0x1000"), std::string::npos);
}

TEST_F(RamLoaderTest, address_with_unknown_flags_is_refused) {
    EXPECT_NE(error_of_address(2).find("unknown flags 0x2"), std::string::npos);
}

TEST_F(RamLoaderTest, block_that_is_left_out_must_be_shared_here) {
    EXPECT_NE(error_of_address(kBlockLeftOut).find("shares RAM block 'pc.ram'"), std::string::npos);
}

}  // namespace
}  // namespace qc::migration
