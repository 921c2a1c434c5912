// SPDX-License-Identifier: GPL-2.0-or-later
//
// The destination's multifd channels: a thread each, which receives packets and
// puts their pages straight to where the store wants them. A sync packet holds
// its channel until the owner lets all of them go on:
//
//   channel 0  packet  packet  SYNC | held      | packet ...
//   channel 1  packet  SYNC | held              | SYNC ...
//   owner             wait_sync() ........ true | release()
//
// While the channels are held nothing of what they sent is being stored, and
// nothing that comes later has been.
//
// A packet is checked whole before a byte of it is stored. A channel that fails,
// or that ends, breaks the others; its error is the migration's.
//
// Threading: thread-safe, but wait_sync(), release() and what says "while held" are
// one thread's at a time. Owned by PrecopyLoader, then by the COLO driver.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/channel.h"
#include "memory/ram_list.h"
#include "migration/break_point.h"
#include "migration/multifd_store.h"
#include "migration/ram_source.h"
#include "util/bitmap.h"
#include "util/mutex.h"
#include "util/thread.h"

namespace qc::migration {

class MultifdReceiver {
 public:
    // `channels` have said their hellos and are in the order of their numbers. The
    // store outlives the receiver. `compression` is the only one that is accepted.
    static std::unique_ptr<MultifdReceiver> start(
        const memory::RamList& ram, MultifdStore& store, MultifdCompression compression,
        BreakPoint* breaks, std::vector<std::unique_ptr<io::Channel>> channels);
    // Breaks the channels and joins the threads.
    ~MultifdReceiver();
    MultifdReceiver(const MultifdReceiver&) = delete;
    MultifdReceiver& operator=(const MultifdReceiver&) = delete;

    // Waits until every channel is held. An error: one of them failed; later calls
    // return it too.
    Result<void> wait_sync() EXCLUDES(mutex_);
    // Lets them go on, until their next sync packets.
    void release() EXCLUDES(mutex_);

    std::optional<Error> error() const EXCLUDES(mutex_);
    // How many pages were stored since the last call.
    SentPages take_counts();
    // While held: moves which pages were stored since the last call into `into`, one
    // bitmap a block, or-ing.
    void take_arrived(std::vector<Bitmap>& into);

    // Called in a channel's thread: once, with the first error, also if that was
    // before now; and after each packet. They must not block or call back: the mutex
    // is held.
    void set_handlers(std::function<void(const std::string&)> failed,
                      std::function<void()> progressed) EXCLUDES(mutex_);

    uint64_t bytes_received() const { return bytes_.load(std::memory_order_relaxed); }
    size_t channel_count() const { return channels_.size(); }

 private:
    struct Receiving {
        size_t id = 0;
        std::unique_ptr<io::Channel> channel;
        Thread thread;
    };
    class Worker;

    MultifdReceiver(const memory::RamList& ram, MultifdStore& store, MultifdCompression compression,
                    BreakPoint* breaks);
    void thread_main(Receiving& receiving);
    // Held at a barrier; false if that is the end.
    bool hold() EXCLUDES(mutex_);
    void note_progress() EXCLUDES(mutex_);
    void fail_with(Error error) EXCLUDES(mutex_);

    const memory::RamList& ram_;
    MultifdStore& store_;
    const MultifdCompression compression_;
    BreakPoint* const breaks_;
    std::vector<std::unique_ptr<Receiving>> channels_;
    std::vector<AtomicBitmap> arrived_;
    std::atomic<uint64_t> normal_pages_{0};
    std::atomic<uint64_t> zero_pages_{0};
    std::atomic<uint64_t> bytes_{0};
    std::atomic<bool> wants_progress_{false};

    mutable Mutex mutex_;
    CondVar changed_;
    size_t held_ GUARDED_BY(mutex_) = 0;
    uint64_t releases_ GUARDED_BY(mutex_) = 0;
    bool stopping_ GUARDED_BY(mutex_) = false;
    std::optional<Error> error_ GUARDED_BY(mutex_);
    std::function<void(const std::string&)> failed_ GUARDED_BY(mutex_);
    std::function<void()> progressed_ GUARDED_BY(mutex_);
};

}  // namespace qc::migration
