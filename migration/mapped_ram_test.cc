// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/mapped_ram.h"

#include <gtest/gtest.h>

#include <cstring>

#include "migration/mapped_ram_loader.h"
#include "migration/mapped_ram_writer.h"
#include "migration/precopy_fixture.h"
#include "migration/test_file.h"

namespace qc::migration {
namespace {

constexpr uint64_t kPages = 1100;
constexpr uint64_t kStart = 5000;

class MappedRamTest : public testing::Test {
 protected:
    MappedRamTest() {
        for (memory::RamList* ram : {&from_, &to_}) {
            EXPECT_TRUE(ram->create_block("pc.ram", kPages * memory::kPageSize,
                                          memory::RamBlock::Kind::kRam));
            EXPECT_TRUE(
                ram->create_block("pc.bios", 3 * memory::kPageSize, memory::RamBlock::Kind::kRom));
        }
    }
    static void fill(memory::RamBlock& block, uint64_t page, int value) {
        std::memset(block.page(page).data(), value, memory::kPageSize);
    }
    memory::RamBlock& source() { return *from_.blocks()[0]; }

    // Half of the pages, some rewritten, through two "threads".
    void write() {
        auto writer = *MappedRamWriter::create(*file_.random_access(), from_);
        layout_ = writer->begin(kStart);
        for (uint64_t page = 0; page < kPages; page += 2)
            fill(source(), page, static_cast<int>(page % 255 + 1));
        for (uint64_t page = 0; page < kPages; page += 2)
            writer->pages(0, page, source().page(page));
        writer->zero_pages(0, 1, 1);
        ASSERT_TRUE(writer->write(1, {0, 3}));
        // Has content, then is zeros; the other way round.
        fill(source(), 10, 0);
        writer->note_zeros(0, {10, 1});
        fill(source(), 11, 77);
        ASSERT_TRUE(writer->write(0, {11, 1}));
        EXPECT_TRUE(writer->flush());
        summaries_ = *writer->finish();
    }
    Result<std::vector<Bitmap>> load(unsigned threads = 1) {
        MappedRamLoader loader(*file_.random_access(), 0, to_, threads);
        TRY(loader.set_layout(layout_));
        return loader.load(summaries_, left_out_);
    }
    std::string load_error() {
        auto loaded = load();
        return loaded ? "" : loaded.error().message();
    }
    std::string layout_error() {
        const Result<void> result = check_layout(from_, layout_);
        return result ? "" : result.error().message();
    }

    memory::RamList from_, to_;
    std::vector<std::byte> contents_;
    TestFile file_{contents_};
    MappedLayout layout_;
    std::vector<MappedSummary> summaries_;
    std::vector<bool> left_out_ = {false, false};
};

TEST_F(MappedRamTest, block_that_is_left_out_keeps_its_contents_and_has_none_in_the_file) {
    write();
    fill(*to_.blocks()[0], 3, 9);
    left_out_ = {true, false};
    EXPECT_NE(load_error().find("RAM block 'pc.ram' was left out"), std::string::npos);
    summaries_[0] = summarise(Bitmap(kPages));
    const std::vector<std::byte> empty((kPages + 63) / 64 * 8);
    ASSERT_TRUE(file_.random_access()->write_at(layout_.blocks[0].bitmap, empty));
    ASSERT_TRUE(load());
    EXPECT_EQ(to_.blocks()[0]->page(3)[0], std::byte{9});
}

TEST_F(MappedRamTest, direct_io_needs_a_stream_at_a_page_and_a_file_that_can) {
    const Result<void> place = use_direct_io(*file_.random_access(), 512);
    ASSERT_FALSE(place);
    EXPECT_NE(place.error().message().find("multiple of 4096 bytes, not at 512"),
              std::string::npos);
    EXPECT_FALSE(use_direct_io(*file_.random_access(), 8192));
}

TEST_F(MappedRamTest, layout_is_aligned_behind_the_header_and_fits) {
    layout_ = lay_out(from_, kStart);
    ASSERT_EQ(layout_.blocks.size(), 2u);
    EXPECT_GE(layout_.blocks[0].bitmap, kStart);
    for (const MappedPlace& place : layout_.blocks)
        EXPECT_EQ(place.pages % kMappedPagesAlignment, 0u);
    EXPECT_EQ(layout_.resume, layout_.blocks[1].pages + 3 * memory::kPageSize);
    EXPECT_EQ(layout_error(), "");
}

TEST_F(MappedRamTest, places_that_do_not_fit_are_refused_by_the_blocks_name) {
    const MappedLayout good = lay_out(from_, kStart);
    const auto error_with = [&](uint64_t MappedPlace::* which, uint64_t offset) {
        layout_ = good;
        layout_.blocks[1].*which = offset;
        return layout_error();
    };
    EXPECT_NE(error_with(&MappedPlace::pages, good.blocks[0].pages + memory::kPageSize), "");
    EXPECT_NE(error_with(&MappedPlace::bitmap, good.blocks[0].pages + memory::kPageSize), "");
    EXPECT_NE(error_with(&MappedPlace::bitmap, good.blocks[0].bitmap), "");
    EXPECT_EQ(error_with(&MappedPlace::pages, good.blocks[1].pages + 1),
              "RAM block 'pc.bios' cannot have its place at offset 0x600001");
    EXPECT_NE(error_with(&MappedPlace::pages, good.resume), "");
    EXPECT_NE(error_with(&MappedPlace::pages, ~uint64_t{4095}), "");
    layout_ = good;
    layout_.resume = ~uint64_t{4095};
    EXPECT_EQ(layout_error(), "the stream goes on beyond every file");
}

TEST_F(MappedRamTest, memory_comes_back_as_it_was_written_last) {
    write();
    for (unsigned threads : {1u, 4u}) {
        std::memset(to_.blocks()[0]->host(), 0xee, kPages * memory::kPageSize);
        auto content = load(threads);
        ASSERT_TRUE(content) << content.error().message();
        EXPECT_EQ((*content)[0].count(), kPages / 2);
        EXPECT_FALSE((*content)[0].test(10));
        EXPECT_EQ(std::memcmp(to_.blocks()[0]->host(), source().host(), source().size()), 0);
    }
}

TEST_F(MappedRamTest, pages_that_are_written_again_do_not_make_the_file_larger) {
    write();
    const size_t size = contents_.size();
    write();
    EXPECT_EQ(contents_.size(), size);
    EXPECT_LE(size, layout_.resume);
}

TEST_F(MappedRamTest, damaged_bitmap_is_refused_and_nothing_is_stored) {
    write();
    contents_[layout_.blocks[0].bitmap + 3] ^= std::byte{1};
    fill(*to_.blocks()[0], 0, 0xee);
    EXPECT_EQ(load_error(), "the bitmap of RAM block 'pc.ram' is damaged");
    EXPECT_EQ(to_.blocks()[0]->page(0)[0], std::byte{0xee});
}

TEST_F(MappedRamTest, pages_beyond_the_block_are_refused) {
    write();
    Bitmap longer(64);
    longer.set_range(0, 3);
    longer.set(40);
    summaries_[1] = summarise(longer);
    contents_[layout_.blocks[1].bitmap + 5] |= std::byte{1};
    EXPECT_NE(load_error(), "");
}

TEST_F(MappedRamTest, file_that_ends_early_is_refused_by_the_blocks_name) {
    write();
    contents_.resize(layout_.blocks[0].pages + 100 * memory::kPageSize);
    EXPECT_NE(load_error().find("RAM block 'pc.ram'"), std::string::npos) << load_error();
    contents_.resize(layout_.blocks[0].bitmap + 3);
    EXPECT_NE(load_error().find("bitmap of RAM block 'pc.ram'"), std::string::npos) << load_error();
}

// Whole machines, over a file.
class MappedRamMigrationTest : public PrecopyTest {
 protected:
    MappedRamMigrationTest() = default;
    explicit MappedRamMigrationTest(const TestMachine::Config& config) : PrecopyTest(config) {}

    void use(std::vector<Capability> capabilities) {
        enable(source_migration, capabilities);
        enable(destination_migration, capabilities);
    }
    void save() {
        auto opener = [this](const io::Interrupt*) -> Result<std::unique_ptr<io::Channel>> {
            return std::make_unique<TestFile>(contents_);
        };
        ASSERT_TRUE(source_migration.migrate_over(std::move(opener)));
        ASSERT_TRUE(source_reaches(MigrationStatus::kCompleted))
            << source_migration.info().error_desc.value_or("");
    }
    void restore() {
        ASSERT_TRUE(
            destination_migration.migrate_incoming_from(std::make_unique<TestFile>(contents_)));
    }
    std::string refusal() {
        restore();
        EXPECT_TRUE(destination.events.wait_for("incoming failed"));
        return destination.events.failure();
    }
    void expect_same_memory() {
        ASSERT_TRUE(destination.events.wait_for("completed"));
        EXPECT_EQ(source.compare_ram(destination), "");
        EXPECT_EQ(destination.cpu->check_memory(), "");
    }

    std::vector<std::byte> contents_;
};

TEST_F(MappedRamMigrationTest, stopped_guest_goes_through_a_file) {
    use({Capability::kMappedRam, Capability::kEvents});
    source.fill_cold_pages(9);
    save();
    restore();
    expect_same_memory();
    const MigrationInfo info = source_migration.info();
    EXPECT_EQ(info.ram->remaining, 0u);
    EXPECT_EQ(info.ram->duplicate + info.ram->normal, (2048u + 16u));
}

// The guest never pauses, so that every pass leaves something for the next.
class MappedRamBusyGuestTest : public MappedRamMigrationTest {
 protected:
    MappedRamBusyGuestTest() : MappedRamMigrationTest({.burst = 1u << 30}) {}
};

TEST_F(MappedRamBusyGuestTest, running_guest_does_not_make_the_file_grow) {
    use({Capability::kMappedRam, Capability::kEvents});
    // Many passes: each takes so long that the guest writes meanwhile.
    ASSERT_TRUE(
        source_migration.set_parameters({.max_bandwidth = 1'000'000, .downtime_limit_ms = 0}));
    ASSERT_TRUE(source.vm->start());
    ASSERT_TRUE(eventually([&] { return source.cpu->steps() > 100; }));
    auto opener = [this](const io::Interrupt*) -> Result<std::unique_ptr<io::Channel>> {
        return std::make_unique<TestFile>(contents_);
    };
    ASSERT_TRUE(source_migration.migrate_over(std::move(opener)));
    ASSERT_TRUE(eventually([&] {
        auto ram = source_migration.info().ram;
        return ram && ram->dirty_sync_count >= 5;
    }));
    ASSERT_TRUE(source_migration.set_parameters({.max_bandwidth = 0, .downtime_limit_ms = 1000}));
    ASSERT_TRUE(source_reaches(MigrationStatus::kCompleted));
    EXPECT_LT(contents_.size(), (2048u + 16u) * 4096 + (size_t{4} << 20));
    restore();
    ASSERT_TRUE(eventually([&] { return destination.cpu->steps() > 100; }));
    ASSERT_TRUE(destination.vm->stop(runstate::RunState::kPaused));
    EXPECT_EQ(destination.cpu->check_memory(), "");
}

TEST_F(MappedRamMigrationTest, multifd_writes_what_one_thread_reads_and_the_other_way_round) {
    enable(source_migration, {Capability::kMultifd, Capability::kMappedRam});
    enable(destination_migration, {Capability::kMappedRam, Capability::kEvents});
    ASSERT_TRUE(source_migration.set_parameters({.multifd_channels = 4}));
    source.fill_cold_pages(3);
    save();
    EXPECT_GT(source_migration.info().ram->multifd_bytes, 1'000'000u);
    restore();
    expect_same_memory();
}

TEST_F(MappedRamMigrationTest, threads_read_what_a_running_guest_wrote_with_threads) {
    use({Capability::kMultifd, Capability::kMappedRam, Capability::kEvents});
    ASSERT_TRUE(source_migration.set_parameters({.multifd_channels = 4}));
    ASSERT_TRUE(destination_migration.set_parameters({.multifd_channels = 3}));
    source.fill_cold_pages(5);
    ASSERT_TRUE(source.vm->start());
    ASSERT_TRUE(eventually([&] { return source.cpu->steps() > 200; }));
    save();
    restore();
    ASSERT_TRUE(eventually([&] { return destination.cpu->steps() > 100; }));
    ASSERT_TRUE(destination.vm->stop(runstate::RunState::kPaused));
    EXPECT_EQ(destination.cpu->check_memory(), "");
}

TEST_F(MappedRamMigrationTest, zero_pages_may_be_looked_for_by_anybody_or_nobody) {
    for (ZeroPageDetection who : {ZeroPageDetection::kLegacy, ZeroPageDetection::kNone}) {
        TestMachine from, to{{.incoming = true}};
        Migration out(from.deps()), in(to.deps());
        enable(out, {Capability::kMultifd, Capability::kMappedRam});
        enable(in, {Capability::kMultifd, Capability::kMappedRam, Capability::kEvents});
        ASSERT_TRUE(out.set_parameters({.zero_page_detection = who}));
        from.fill_cold_pages(3);
        contents_.clear();
        auto opener = [this](const io::Interrupt*) -> Result<std::unique_ptr<io::Channel>> {
            return std::make_unique<TestFile>(contents_);
        };
        ASSERT_TRUE(out.migrate_over(std::move(opener)));
        ASSERT_TRUE(eventually([&] { return out.info().status == MigrationStatus::kCompleted; }));
        ASSERT_TRUE(in.migrate_incoming_from(std::make_unique<TestFile>(contents_)));
        ASSERT_TRUE(to.events.wait_for("completed"));
        EXPECT_EQ(from.compare_ram(to), "");
        out.shut_down();
        in.shut_down();
    }
}

TEST_F(MappedRamMigrationTest, file_with_places_needs_the_capability_at_the_destination) {
    enable(source_migration, {Capability::kMappedRam});
    save();
    EXPECT_NE(refusal().find("'mapped-ram' is off on this side"), std::string::npos) << refusal();
}

TEST_F(MappedRamMigrationTest, stream_without_places_is_refused_where_they_are_wanted) {
    enable(destination_migration, {Capability::kMappedRam});
    save();
    EXPECT_NE(refusal().find("'mapped-ram' is on on this side"), std::string::npos);
}

TEST_F(MappedRamMigrationTest, file_that_was_cut_off_is_refused) {
    use({Capability::kMappedRam});
    source.fill_cold_pages(3);
    save();
    contents_.resize(contents_.size() / 2);
    EXPECT_NE(refusal().find("load of migration failed"), std::string::npos);
}

TEST_F(MappedRamMigrationTest, channel_without_positions_fails_by_name) {
    use({Capability::kMappedRam});
    auto opener = [](const io::Interrupt*) -> Result<std::unique_ptr<io::Channel>> {
        return std::move(io::MemoryChannel::create_pair().first);
    };
    ASSERT_TRUE(source_migration.migrate_over(std::move(opener)));
    ASSERT_TRUE(source_reaches(MigrationStatus::kFailed));
    EXPECT_NE(source_migration.info().error_desc->find("mapped-ram"), std::string::npos);
}

}  // namespace
}  // namespace qc::migration
