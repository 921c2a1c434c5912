// SPDX-License-Identifier: GPL-2.0-or-later
//
// The source's multifd channels: a thread each, with a bounded queue of packets.
// Whoever hands pages over gathers them into packets of one block; a packet goes
// to the channel that has the least to do. The threads look for zero pages,
// compress, and write from where the pages lie.
//
//   pages() -> packet -> queue 0 -> thread: zeros, compression, write -> channel 0
//                     \-> queue 1 -> ...
//   sync()  -> a sync packet in every queue: behind it nothing that was before it
//
// A channel that fails breaks the others; its error is the migration's.
//
// Threading: the owner's thread hands over; counters, error() and break_channels()
// are thread-safe. Owned by Outgoing.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "memory/ram_list.h"
#include "migration/break_point.h"
#include "migration/mapped_ram_writer.h"
#include "migration/multifd_packet.h"
#include "migration/ram_page_sink.h"
#include "migration/ram_source.h"
#include "util/mutex.h"
#include "util/thread.h"

namespace qc::migration {

class MultifdSender {
 public:
    struct Config {
        MultifdSession session;
        uint8_t channels = 2;
        MultifdCompression compression = MultifdCompression::kNone;
        int level = 0;
        // The threads look for zero pages; else all that is handed over is sent whole.
        bool detect_zeros = true;
        // Pages go to their places in this file; there are threads, but no connections.
        MappedRamWriter* file = nullptr;
        // Pages are sent from where they lie, without being copied if the kernel can. They
        // stay under way until the next sync().
        bool zero_copy = false;
    };

    // Opens one channel more to the same destination.
    using Open = std::function<Result<std::unique_ptr<io::Channel>>()>;
    // Opens the channels, introduces itself on each and starts the threads. `breaks`
    // breaks the channels from now on. With a file nothing is opened.
    static Result<std::unique_ptr<MultifdSender>> create(const Config& config,
                                                         const memory::RamList& ram,
                                                         BreakPoint& breaks, const Open& open);
    // Breaks the channels and joins the threads.
    ~MultifdSender();
    MultifdSender(const MultifdSender&) = delete;
    MultifdSender& operator=(const MultifdSender&) = delete;

    // Hands pages over, of which `data` are the contents; waits while every queue is
    // full. After an error nothing happens: sync() and drain() return it. The
    // contents may change until they are sent.
    void pages(uint32_t block, uint64_t first, io::ConstBytes data);
    // A barrier: no channel sends what is handed over later before all that was
    // handed over sooner. The other side has to be told that there is one.
    Result<void> sync();
    // Sends what is gathered and does not fill a packet yet.
    void hand_over() EXCLUDES(mutex_);
    // Waits until all that was handed over has been written. What that was, since the
    // last drain().
    Result<SentPages> drain();

    // The first error of any channel.
    std::optional<Error> error() const EXCLUDES(mutex_);

    MultifdCompression compression() const { return config_.compression; }
    size_t channel_count() const { return channels_.size(); }
    // How long a write of one packet may take; 0, the default: for ever.
    void set_write_limit_ms(int64_t limit_ms) { write_limit_ms_.store(limit_ms); }

    // Totals. bytes_owed() is what was handed over and is not written, uncompressed.
    uint64_t bytes_sent() const { return bytes_sent_.load(std::memory_order_relaxed); }
    uint64_t bytes_owed() const { return bytes_owed_.load(std::memory_order_relaxed); }
    uint64_t normal_pages() const { return normal_pages_.load(std::memory_order_relaxed); }
    // Barriers before which a channel's kernel copied everything after all.
    uint64_t missed_zero_copy() const { return missed_zero_copy_.load(std::memory_order_relaxed); }
    uint64_t zero_pages() const { return zero_pages_.load(std::memory_order_relaxed); }
    // Packets with pages that a channel has sent.
    uint64_t packets_of(size_t channel) const { return channels_[channel]->packets.load(); }

 private:
    // Packets that wait in one channel's queue: enough to keep its thread busy.
    static constexpr size_t kQueueDepth = 4;

    // Neighbours, and where their contents lie one after the other.
    struct Piece {
        uint64_t first;
        io::ConstBytes data;
    };
    struct Job {
        bool sync = false;
        uint32_t block = 0;
        uint64_t number = 0;
        uint64_t pages = 0;
        std::vector<Piece> pieces;
    };
    struct Sending {
        uint8_t id = 0;
        std::unique_ptr<io::Channel> channel;  // null with a file
        CondVar work;
        std::atomic<uint64_t> packets{0};
        Thread thread;
    };
    class Worker;

    MultifdSender(const Config& config, const memory::RamList& ram, BreakPoint& breaks)
        : config_(config), ram_(ram), breaks_(breaks) {}
    Result<void> connect(Sending& sending, const Open& open);
    void thread_main(Sending& sending);
    bool take(Sending& sending, Job& job) EXCLUDES(mutex_);
    void job_done(const Job& job) EXCLUDES(mutex_);
    void fail_with(Error error) EXCLUDES(mutex_);
    void push(size_t channel, Job job) REQUIRES(mutex_);
    // Nothing if all are full.
    std::optional<size_t> idlest() REQUIRES(mutex_);

    const Config config_;
    const memory::RamList& ram_;
    BreakPoint& breaks_;
    std::vector<std::unique_ptr<Sending>> channels_;
    // The owner's: the packet that is being gathered.
    Job gathered_;
    SentPages drained_;

    mutable Mutex mutex_;
    CondVar progress_;  // a queue has room, or a job is done
    std::optional<Error> error_ GUARDED_BY(mutex_);
    bool stopping_ GUARDED_BY(mutex_) = false;
    // What each channel has to do, in the order of the channels.
    std::vector<std::deque<Job>> queues_ GUARDED_BY(mutex_);
    size_t unfinished_ GUARDED_BY(mutex_) = 0;
    uint64_t next_number_ GUARDED_BY(mutex_) = 0;
    size_t next_channel_ GUARDED_BY(mutex_) = 0;

    std::atomic<int64_t> write_limit_ms_{0};
    std::atomic<uint64_t> bytes_sent_{0};
    std::atomic<uint64_t> bytes_owed_{0};
    std::atomic<uint64_t> normal_pages_{0};
    std::atomic<uint64_t> zero_pages_{0};
    std::atomic<uint64_t> missed_zero_copy_{0};
};

}  // namespace qc::migration
