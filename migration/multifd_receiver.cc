// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/multifd_receiver.h"

#include <array>
#include <utility>

#include "migration/multifd_compressor.h"
#include "util/machine_lock.h"

namespace qc::migration {

namespace {

// A packet that has begun has to go on; a peer that stops in the middle of one is
// found by whoever watches the migration, and broken off.
constexpr std::string_view kEnded = "the connection ended";

std::string_view name_of(MultifdCompression method) {
    switch (method) {
        case MultifdCompression::kNone: break;
        case MultifdCompression::kZlib: return "zlib";
        case MultifdCompression::kZstd: return "zstd";
    }
    return "none";
}

}  // namespace

// What one thread does to a packet, and the buffers that it does it with.
class MultifdReceiver::Worker {
 public:
    Worker(MultifdReceiver& receiver, io::Channel& channel)
        : receiver_(receiver), channel_(channel) {}

    Result<void> start() {
        decompressor_ = TRY(MultifdDecompressor::create(receiver_.compression_));
        return {};
    }

    // True if it was a sync packet.
    Result<bool> receive() {
        std::array<std::byte, kMultifdHeadSize> bytes;
        size_t begin = TRY(channel_.read_some(bytes));
        if (begin == 0) return fail("{}", kEnded);
        TRY(channel_.read_exact(std::span(bytes).subspan(begin)));
        MultifdHead head = TRY(parse_multifd_head(bytes));
        TRY(check(head));
        if (!head.block.empty()) TRY(receive_pages(head));
        receiver_.bytes_ += kMultifdHeadSize + head.offsets_size() + head.payload_size;
        return head.sync;
    }

 private:
    Result<void> check(const MultifdHead& head) {
        if (head.compression != receiver_.compression_) {
            return fail("a packet is packed with '{}', this side expects '{}'",
                        name_of(head.compression), name_of(receiver_.compression_));
        }
        // They are numbered over all channels, so in one channel they grow.
        if (last_number_ && head.number <= *last_number_) {
            return fail("packet {} follows packet {}", head.number, *last_number_);
        }
        last_number_ = head.number;
        return {};
    }

    Result<void> receive_pages(const MultifdHead& head) {
        const auto& blocks = receiver_.ram_.blocks();
        uint32_t index = 0;
        while (index < blocks.size() && blocks[index]->id() != head.block)
            ++index;
        if (index == blocks.size()) return fail("a RAM block of the packet is unknown here");
        offsets_.resize(head.offsets_size());
        TRY(channel_.read_exact(offsets_));
        TRY(parse_multifd_pages(head, offsets_, blocks[index]->page_count(), normal_, zero_));
        targets_.clear();
        for (const PageSpan& range : normal_)
            targets_.push_back(receiver_.store_.target(index, range));
        TRY(receive_payload(head));
        for (const PageSpan& range : normal_) {
            receiver_.store_.stored(index, range);
            receiver_.arrived_[index].set_range(range.first, range.count);
        }
        for (const PageSpan& range : zero_) {
            receiver_.store_.store_zeros(index, range);
            receiver_.arrived_[index].set_range(range.first, range.count);
        }
        receiver_.normal_pages_ += head.normal_pages;
        receiver_.zero_pages_ += head.zero_pages;
        return {};
    }

    Result<void> receive_payload(const MultifdHead& head) {
        if (head.normal_pages == 0) return {};
        if (decompressor_ == nullptr) {
            return channel_.read_vector(targets_);
        }
        packed_.resize(head.payload_size);
        TRY(channel_.read_exact(packed_));
        return decompressor_->decompress(packed_, targets_);
    }

    MultifdReceiver& receiver_;
    io::Channel& channel_;
    std::unique_ptr<MultifdDecompressor> decompressor_;
    std::optional<uint64_t> last_number_;
    std::vector<std::byte> offsets_;
    std::vector<std::byte> packed_;
    std::vector<PageSpan> normal_;
    std::vector<PageSpan> zero_;
    std::vector<std::span<std::byte>> targets_;
};

MultifdReceiver::MultifdReceiver(const memory::RamList& ram, MultifdStore& store,
                                 MultifdCompression compression, BreakPoint* breaks)
    : ram_(ram), store_(store), compression_(compression), breaks_(breaks) {
    for (const auto& block : ram.blocks())
        arrived_.emplace_back(block->page_count());
}

std::unique_ptr<MultifdReceiver> MultifdReceiver::start(
    const memory::RamList& ram, MultifdStore& store, MultifdCompression compression,
    BreakPoint* breaks, std::vector<std::unique_ptr<io::Channel>> channels) {
    std::unique_ptr<MultifdReceiver> self(new MultifdReceiver(ram, store, compression, breaks));
    for (std::unique_ptr<io::Channel>& channel : channels) {
        auto receiving = std::make_unique<Receiving>();
        receiving->id = self->channels_.size();
        receiving->channel = std::move(channel);
        if (breaks != nullptr) breaks->add_channel(*receiving->channel);
        self->channels_.push_back(std::move(receiving));
    }
    for (auto& receiving : self->channels_) {
        receiving->thread =
            Thread(fmt::format("multifdrecv_{}", receiving->id),
                   [raw = self.get(), r = receiving.get()] { raw->thread_main(*r); });
    }
    return self;
}

MultifdReceiver::~MultifdReceiver() {
    {
        MutexLock lock(mutex_);
        stopping_ = true;
        changed_.notify_all();
    }
    for (auto& receiving : channels_) {
        receiving->channel->shutdown();
        if (receiving->thread.joinable()) receiving->thread.join();
        if (breaks_ != nullptr) breaks_->remove_channel(*receiving->channel);
    }
}

void MultifdReceiver::thread_main(Receiving& receiving) {
    Worker worker(*this, *receiving.channel);
    Result<void> status = worker.start();
    while (status) {
        Result<bool> sync = worker.receive();
        if (!sync) {
            status = Failure(std::move(sync).error());
            break;
        }
        if (wants_progress_.load(std::memory_order_acquire)) note_progress();
        if (*sync && !hold()) return;
    }
    fail_with(std::move(std::move(status).context("multifd channel {} from {}", receiving.id,
                                                  receiving.channel->peer_name()))
                  .error());
}

bool MultifdReceiver::hold() {
    assert_may_block();
    MutexLock lock(mutex_);
    const uint64_t before = releases_;
    ++held_;
    changed_.notify_all();
    while (releases_ == before && !stopping_)
        changed_.wait(mutex_);
    return !stopping_;
}

Result<void> MultifdReceiver::wait_sync() {
    assert_may_block();
    MutexLock lock(mutex_);
    while (held_ < channels_.size() && !error_)
        changed_.wait(mutex_);
    if (error_) return Failure(*error_);
    return {};
}

void MultifdReceiver::release() {
    MutexLock lock(mutex_);
    held_ = 0;
    ++releases_;
    changed_.notify_all();
}

void MultifdReceiver::fail_with(Error error) {
    MutexLock lock(mutex_);
    if (stopping_ || error_) return;
    error_ = std::move(error);
    for (auto& receiving : channels_)
        receiving->channel->shutdown();
    changed_.notify_all();
    if (failed_) failed_(error_->message());
}

std::optional<Error> MultifdReceiver::error() const {
    MutexLock lock(mutex_);
    return error_;
}

void MultifdReceiver::set_handlers(std::function<void(const std::string&)> failed,
                                   std::function<void()> progressed) {
    MutexLock lock(mutex_);
    failed_ = std::move(failed);
    progressed_ = std::move(progressed);
    wants_progress_.store(progressed_ != nullptr, std::memory_order_release);
    if (error_ && failed_) failed_(error_->message());
}

void MultifdReceiver::note_progress() {
    MutexLock lock(mutex_);
    if (progressed_) progressed_();
}

SentPages MultifdReceiver::take_counts() {
    return {.normal = normal_pages_.exchange(0), .zero = zero_pages_.exchange(0)};
}

void MultifdReceiver::take_arrived(std::vector<Bitmap>& into) {
    for (size_t i = 0; i < arrived_.size(); ++i)
        arrived_[i].drain_into(into[i]);
}

}  // namespace qc::migration
