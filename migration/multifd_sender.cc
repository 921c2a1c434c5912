// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/multifd_sender.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "migration/multifd_compressor.h"
#include "migration/stream_format.h"
#include "migration/zero_page.h"
#include "util/assert.h"
#include "util/machine_lock.h"

namespace qc::migration {

// What one thread does to a packet, and the buffers that it does it with.
class MultifdSender::Worker {
 public:
    Worker(MultifdSender& sender, Sending& sending)
        : sender_(sender), config_(sender.config_), sending_(sending) {}

    Result<void> start() {
        compressor_ = TRY(MultifdCompressor::create(config_.compression, config_.level));
        return {};
    }

    Result<void> send(const Job& job) {
        normal_.clear();
        zero_.clear();
        if (config_.file != nullptr) return store(job);
        parts_.assign(1, {});  // the head's place
        uint64_t payload = 0;
        if (!job.sync) {
            sort_pages(job);
            payload = TRY(pack());
        }
        encode_multifd_packet(
            {.sync = job.sync,
             .compression = config_.compression,
             .payload_size = static_cast<uint32_t>(payload),
             .number = job.number,
             .block = job.sync ? std::string_view() : sender_.ram_.blocks()[job.block]->id(),
             .normal = normal_,
             .zero = zero_},
            head_);
        parts_.front() = head_;
        int64_t limit_ms = sender_.write_limit_ms_.load(std::memory_order_relaxed);
        const io::Deadline deadline =
            limit_ms == 0 ? io::kNoDeadline : io::deadline_in_ms(limit_ms);
        if (config_.zero_copy) {
            TRY(send_in_place(job.sync, deadline));
        } else {
            TRY(sending_.channel->write_vector(parts_, deadline));
        }
        note_sent(head_.size() + payload);
        return {};
    }

 private:
    // Each page to its place in the file.
    Result<void> store(const Job& job) {
        parts_.assign(1, {});
        sort_pages(job);
        for (const PageSpan& range : normal_)
            TRY(config_.file->write(job.block, range));
        for (const PageSpan& range : zero_)
            config_.file->note_zeros(job.block, range);
        note_sent(count_pages(normal_) * memory::kPageSize);
        return {};
    }

    // The head is ours and is used again, so it is copied.
    Result<void> send_in_place(bool sync, io::Deadline deadline) {
        TRY(sending_.channel->write_all(parts_.front(), deadline));
        TRY(sending_.channel->write_in_place(std::span(parts_).subspan(1), deadline));
        if (!sync) return {};
        const io::Channel::InPlace done = TRY(sending_.channel->finish_in_place(deadline));
        if (done.writes > 0 && done.copied == done.writes) ++sender_.missed_zero_copy_;
        return {};
    }

    void note_sent(uint64_t bytes) {
        sender_.normal_pages_ += count_pages(normal_);
        sender_.zero_pages_ += count_pages(zero_);
        sender_.bytes_sent_ += bytes;
    }

    void sort_pages(const Job& job) {
        for (const Piece& piece : job.pieces) {
            if (!config_.detect_zeros) {
                normal_.push_back({piece.first, piece.data.size() / memory::kPageSize});
                add_part(piece.data);
                continue;
            }
            for (size_t at = 0; at < piece.data.size(); at += memory::kPageSize) {
                // What shows most pages' content, before it is asked for: the processor
                // does not look beyond a page by itself.
                constexpr size_t kAhead = 4 * memory::kPageSize;
                if (piece.data.size() - at > kAhead) {
                    __builtin_prefetch(piece.data.data() + at + kAhead);
                }
                io::ConstBytes data = piece.data.subspan(at, memory::kPageSize);
                bool zero = is_zero_page(data);
                append_page(zero ? zero_ : normal_, piece.first + at / memory::kPageSize);
                if (!zero) add_part(data);
            }
        }
    }

    // Grows the last part if this one follows it in memory; the head is never grown.
    void add_part(io::ConstBytes data) {
        if (parts_.size() > 1 && parts_.back().data() + parts_.back().size() == data.data()) {
            parts_.back() = {parts_.back().data(), parts_.back().size() + data.size()};
        } else {
            parts_.push_back(data);
        }
    }

    // The payload's size.
    Result<uint64_t> pack() {
        uint64_t raw = count_pages(normal_) * memory::kPageSize;
        if (compressor_ == nullptr || raw == 0) return raw;
        // A guest that writes a page while it is compressed would make the result
        // inconsistent in itself, not only old.
        copy_.resize(raw);
        std::byte* to = copy_.data();
        for (io::ConstBytes part : std::span(parts_).subspan(1)) {
            std::memcpy(to, part.data(), part.size());
            to += part.size();
        }
        TRY(compressor_->compress(copy_, compressed_));
        parts_.resize(1);
        parts_.push_back(compressed_);
        return compressed_.size();
    }

    MultifdSender& sender_;
    const Config& config_;
    Sending& sending_;
    std::unique_ptr<MultifdCompressor> compressor_;
    std::vector<PageSpan> normal_;
    std::vector<PageSpan> zero_;
    std::vector<std::byte> head_;
    std::vector<std::byte> copy_;
    std::vector<std::byte> compressed_;
    std::vector<io::ConstBytes> parts_;
};

Result<std::unique_ptr<MultifdSender>> MultifdSender::create(const Config& config,
                                                             const memory::RamList& ram,
                                                             BreakPoint& breaks, const Open& open) {
    QC_ASSERT(config.channels > 0);
    std::unique_ptr<MultifdSender> self(new MultifdSender(config, ram, breaks));
    for (uint8_t id = 0; id < config.channels; ++id) {
        self->channels_.push_back(std::make_unique<Sending>());
        self->channels_.back()->id = id;
        if (config.file == nullptr) TRY(self->connect(*self->channels_.back(), open));
    }
    {
        MutexLock lock(self->mutex_);
        self->queues_.resize(self->channels_.size());
    }
    for (std::unique_ptr<Sending>& sending : self->channels_) {
        sending->thread = Thread(fmt::format("multifdsend_{}", sending->id),
                                 [raw = self.get(), s = sending.get()] { raw->thread_main(*s); });
    }
    return self;
}

Result<void> MultifdSender::connect(Sending& sending, const Open& open) {
    sending.channel = TRY(open());
    breaks_.add_channel(*sending.channel);
    TRY(sending.channel->set_no_delay(true));
    if (config_.zero_copy) TRY(sending.channel->enable_in_place());
    return sending.channel
        ->write_all(encode_multifd_hello({config_.session, sending.id}),
                    io::deadline_in_ms(kHandshakeDeadlineMs))
        .context("multifd channel {}", sending.id);
}

MultifdSender::~MultifdSender() {
    {
        MutexLock lock(mutex_);
        stopping_ = true;
        for (auto& sending : channels_)
            sending->work.notify_all();
    }
    for (auto& sending : channels_) {
        if (sending->channel != nullptr) sending->channel->shutdown();
        if (sending->thread.joinable()) sending->thread.join();
        if (sending->channel != nullptr) breaks_.remove_channel(*sending->channel);
    }
}

void MultifdSender::thread_main(Sending& sending) {
    Worker worker(*this, sending);
    Result<void> result = worker.start();
    Job job;
    while (result && take(sending, job)) {
        result = worker.send(job);
        // A job that failed stays unfinished: drain() must see the error, not the end.
        if (!result) break;
        if (!job.sync) ++sending.packets;
        job_done(job);
    }
    if (!result) {
        fail_with(std::move(std::move(result).context("multifd channel {}", sending.id)).error());
    }
}

bool MultifdSender::take(Sending& sending, Job& job) {
    assert_may_block();
    MutexLock lock(mutex_);
    std::deque<Job>& queue = queues_[sending.id];
    while (queue.empty() && !stopping_ && !error_)
        sending.work.wait(mutex_);
    if (stopping_ || error_) return false;
    job = std::move(queue.front());
    queue.pop_front();
    progress_.notify_all();
    return true;
}

void MultifdSender::job_done(const Job& job) {
    bytes_owed_ -= job.pages * memory::kPageSize;
    MutexLock lock(mutex_);
    if (--unfinished_ == 0) progress_.notify_all();
}

void MultifdSender::fail_with(Error error) {
    MutexLock lock(mutex_);
    if (stopping_ || error_) return;
    error_ = std::move(error);
    // Whoever writes to another channel finds out at once, and so does the peer.
    for (auto& sending : channels_) {
        if (sending->channel != nullptr) sending->channel->shutdown();
        sending->work.notify_all();
    }
    progress_.notify_all();
}

std::optional<Error> MultifdSender::error() const {
    MutexLock lock(mutex_);
    return error_;
}

void MultifdSender::pages(uint32_t block, uint64_t first, io::ConstBytes data) {
    bytes_owed_ += data.size();
    while (!data.empty()) {
        if (gathered_.pages > 0 &&
            (gathered_.block != block || gathered_.pages == kMultifdPagesPerPacket)) {
            hand_over();
        }
        const uint64_t count = std::min<uint64_t>(data.size() / memory::kPageSize,
                                                  kMultifdPagesPerPacket - gathered_.pages);
        gathered_.block = block;
        gathered_.pages += count;
        gathered_.pieces.push_back({first, data.first(count * memory::kPageSize)});
        first += count;
        data = data.subspan(count * memory::kPageSize);
    }
    if (gathered_.pages == kMultifdPagesPerPacket) hand_over();
}

void MultifdSender::hand_over() {
    if (gathered_.pages == 0) return;
    Job job = std::exchange(gathered_, {});
    assert_may_block();
    MutexLock lock(mutex_);
    while (!error_) {
        if (std::optional<size_t> channel = idlest()) {
            push(*channel, std::move(job));
            return;
        }
        progress_.wait(mutex_);
    }
}

void MultifdSender::push(size_t channel, Job job) {
    job.number = next_number_++;
    ++unfinished_;
    queues_[channel].push_back(std::move(job));
    channels_[channel]->work.notify_one();
}

// The channel with the shortest queue, in turns.
std::optional<size_t> MultifdSender::idlest() {
    size_t best = next_channel_ % queues_.size();
    for (size_t i = 1; i < queues_.size(); ++i) {
        size_t channel = (next_channel_ + i) % queues_.size();
        if (queues_[channel].size() < queues_[best].size()) best = channel;
    }
    if (queues_[best].size() >= kQueueDepth) return std::nullopt;
    next_channel_ = best + 1;
    return best;
}

Result<void> MultifdSender::sync() {
    hand_over();
    MutexLock lock(mutex_);
    if (error_) return Failure(*error_);
    for (size_t channel = 0; channel < channels_.size(); ++channel) {
        Job job;
        job.sync = true;
        push(channel, std::move(job));
    }
    return {};
}

Result<SentPages> MultifdSender::drain() {
    hand_over();
    {
        assert_may_block();
        MutexLock lock(mutex_);
        while (unfinished_ > 0 && !error_)
            progress_.wait(mutex_);
        if (error_) return Failure(*error_);
    }
    const SentPages before = std::exchange(drained_, {normal_pages(), zero_pages()});
    return SentPages{.normal = drained_.normal - before.normal,
                     .zero = drained_.zero - before.zero};
}

}  // namespace qc::migration
