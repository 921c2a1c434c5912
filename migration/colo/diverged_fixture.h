// SPDX-License-Identifier: GPL-2.0-or-later
//
// One checkpoint without a cache, both ends of it, for tests: what the primary finds to
// send and what the secondary makes of it. With `xbzrle`, differences too.
//
// Threading: one thread.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/memory_channel.h"
#include "migration/colo/page_comparison.h"
#include "migration/colo/page_receiver.h"
#include "migration/colo/page_sink.h"
#include "migration/colo/ram_commit.h"
#include "migration/test_machine.h"
#include "migration/xbzrle_page_sink.h"

namespace qc::migration::colo {

class DivergedTest : public testing::Test {
 protected:
    static constexpr uint64_t kPages = 300;

    struct Side {
        memory::RamList ram;
        TestDirtyLog log{ram};
        Side() {
            for (const char* id : {"bios", "ram"}) {
                EXPECT_TRUE(
                    ram.create_block(id, kPages * memory::kPageSize, memory::RamBlock::Kind::kRam));
            }
        }
        void write(uint64_t page, size_t offset, uint8_t value, size_t count = 1) {
            const std::vector<std::byte> data(count, std::byte{value});
            ram.blocks()[1]->write(page * memory::kPageSize + offset, data);
        }
        void fill(uint64_t page, uint8_t value) { write(page, 0, value, memory::kPageSize); }
    };

    void SetUp() override {
        auto [a, b] = io::MemoryChannel::create_pair();
        ours = std::move(a);
        theirs = std::move(b);
        writer = std::make_unique<GatherWriter>(*ours);
        reader = std::make_unique<StreamReader>(*theirs);
        ASSERT_TRUE(source.start());
        // The first load is over: both are equal, and nothing is pending.
        PageSink nowhere(*writer);
        source.send(nowhere, 2 * kPages);
        receive_all();
        ASSERT_TRUE(staging_.log.start());
        staging = *RamCache::create(svm().ram, RamCache::Kind::kStaging);
        receiver = std::make_unique<PageReceiver>(svm().ram, *staging, key);
    }
    Side& svm() { return staging_; }

    // What the secondary tells, as it is.
    void list(Compare compare) {
        comparison.begin(compare);
        written = make_page_bitmaps(svm().ram);
        ASSERT_TRUE(svm().log.collect(written));
        for (const PageRange& range : page_ranges(written)) {
            auto count = static_cast<uint32_t>(range.count);
            ASSERT_TRUE(comparison.note_written(
                {.block = range.block, .pages = count, .runs = {{range.first, count}}}));
        }
        ASSERT_TRUE(source.sync());
        source.add_pending(comparison.written());
        ASSERT_TRUE(source.begin_capture());
    }
    PageHashesMessage hashes(Compare compare) {
        PageHasher hasher(key);
        const PageIndex index(written);
        PageHashesMessage message{compare,
                                  std::vector<uint64_t>(index.count() * hash_words(compare))};
        for (const PageRange& range : index.ranges()) {
            for (uint64_t page = range.first; page < range.first + range.count; ++page) {
                hasher.words(compare, svm().ram.blocks()[range.block]->page(page),
                             std::span(message.words)
                                 .subspan(index.number(range.block, page) * hash_words(compare),
                                          hash_words(compare)));
            }
        }
        return message;
    }
    // Everything up to COMMIT.
    void send(Compare compare) {
        list(compare);
        comparison.hash();
        if (compare != Compare::kNothing) {
            ASSERT_TRUE(comparison.note_hashes(hashes(compare)));
        }
        ASSERT_TRUE(comparison.complete());
        outcome = comparison.settle();
        comparison.send_pieces(*writer, 1);
        PageSink plain(*writer);
        if (xbzrle) {
            xbzrle->redirect(plain);
            xbzrle->age();
            xbzrle->forget(comparison.written());
        }
        SentPages sent =
            source.send(xbzrle ? static_cast<RamPageSink&>(*xbzrle) : plain, 2 * kPages);
        ASSERT_TRUE(plain.flush());
        commit = {.pages = sent.normal,
                  .zero_pages = sent.zero,
                  .patched = outcome.patched,
                  .equal = outcome.equal,
                  .digest = comparison.digest()};
        source.end_capture();
        receive_all();
    }
    void receive_all() {
        ASSERT_TRUE(writer->flush());
        received = {};
        while (received && waiting() > 0) {
            std::array<std::byte, kHeaderSize> bytes;
            ASSERT_TRUE(reader->bytes(bytes, "message"));
            Header header = *parse_header(bytes);
            if (receiver == nullptr) {
                ASSERT_TRUE(reader->skip(header.length, "first load"));
                continue;
            }
            received = receiver->receive(header, *reader);
        }
    }
    uint64_t waiting() const { return writer->bytes_put() - reader->bytes_read(); }
    void load() {
        Result<void> complete = receiver->check_staged(commit, written);
        ASSERT_TRUE(complete) << complete.error().message();
        commit_pages(svm().ram, *staging, receiver->received());
        receiver->patches().apply(svm().ram);
        receiver->reopen();
    }
    void expect_equal() {
        for (size_t i = 0; i < 2; ++i) {
            for (uint64_t page = 0; page < kPages; ++page) {
                EXPECT_EQ(std::memcmp(pvm.ram.blocks()[i]->page(page).data(),
                                      svm().ram.blocks()[i]->page(page).data(), memory::kPageSize),
                          0)
                    << "block " << i << " page " << page;
            }
        }
    }
    std::string staged_error() {
        Result<void> staged = receiver->check_staged(commit, written);
        return staged ? "" : staged.error().message();
    }
    void put(const std::vector<std::byte>& head, const std::vector<std::byte>& data) {
        writer->copy(head);
        writer->copy(data);
        receive_all();
    }
    void put(const std::vector<std::byte>& head, size_t data_size) {
        put(head, std::vector<std::byte>(data_size));
    }

    HashKey key{std::byte{1}, std::byte{77}};
    Side pvm;
    Side staging_;
    RamSource source{pvm.ram, pvm.log};
    PageComparison comparison{pvm.ram, source, key};
    std::unique_ptr<io::Channel> ours;
    std::unique_ptr<io::Channel> theirs;
    std::unique_ptr<GatherWriter> writer;
    std::unique_ptr<StreamReader> reader;
    std::unique_ptr<RamCache> staging;
    std::unique_ptr<PageReceiver> receiver;
    std::vector<Bitmap> written;
    ComparePolicy::Outcome outcome;
    CommitMessage commit;
    Result<void> received;
    std::optional<XbzrlePageSink> xbzrle;
};

}  // namespace qc::migration::colo
