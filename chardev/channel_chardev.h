// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the back ends over a byte channel share: a bounded output queue that the
// main loop empties, and input that is read only as fast as the front end takes
// it.
//
//   write(), any thread -> queue -> main loop -> channel
//
// The queue holds kQueueLimit bytes; a longer write is taken in part
// (back-pressure). While no channel is connected, output is dropped and counted.
//
// Threading: as Chardev.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "chardev/chardev.h"
#include "io/channel.h"
#include "util/event/event_loop.h"
#include "util/mutex.h"

namespace qc::chardev {

class ChannelChardev : public Chardev {
 public:
    static constexpr size_t kQueueLimit = 1024 * 1024;

    ChardevCounters counters() const override;

 protected:
    ChannelChardev(EventLoop& loop, std::string id);
    // Offers the host once more what is still queued.
    ~ChannelChardev() override;

    EventLoop& loop() { return loop_; }
    // Posts a call of `method` that is forgotten if this object dies first. Thread-safe.
    void post(void (ChannelChardev::*method)());
    bool connected() const { return channel_ != nullptr; }
    // Thread-safe: calls of the channel that are under way and all later ones fail.
    void shut_down_channel();
    // The front end sees a break now.
    void report_break();
    const io::Channel* channel() const { return channel_.get(); }

    // Starts to use `channel`; the front end hears kOpened.
    void open_channel(std::unique_ptr<io::Channel> channel);
    // Drops the channel and what is queued; the front end hears kClosed.
    void close_channel();
    // Reads no more from this channel; the front end hears kClosed. Output goes on.
    void end_input();

    // There is no channel any more; the front end hears of it next.
    virtual void closed() {}
    // The channel's peer ended its stream, or reading failed.
    virtual void input_ended(const Error* error) = 0;
    // Writing failed; the output that was under way, `dropped` bytes, is lost and
    // counted.
    virtual void output_failed(const Error& error, size_t dropped) = 0;

 private:
    size_t write(std::span<const std::byte> data) final;
    void accept_input() final;
    void frontend_changed() final;

    void announce();
    void update_read_watch();
    void read_ready();
    // Input that the descriptor does not tell of.
    void read_buffered();
    void flush();
    // Writes until the queue is empty or the host takes no more; no callbacks.
    enum class Drained : uint8_t { kAll, kSome };
    Result<Drained> drain();
    void fail_output(const Error& error);
    void tell_writable();

    EventLoop& loop_;
    // Expires with this object; posted calls look at it on the main loop.
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    std::unique_ptr<io::Channel> channel_;
    bool input_open_ = false;
    bool announced_ = false;
    EventLoop::Watch read_watch_;
    EventLoop::Watch write_watch_;
    // Taken out of queue_, so that the host is written to without the mutex:
    // bytes [outgoing_done_, size) are left.
    std::vector<std::byte> outgoing_;
    size_t outgoing_done_ = 0;

    mutable Mutex mutex_;
    std::vector<std::byte> queue_ GUARDED_BY(mutex_);
    // queue_ and the rest of outgoing_.
    size_t queued_ GUARDED_BY(mutex_) = 0;
    bool accepting_ GUARDED_BY(mutex_) = false;
    // channel_, for shut_down_channel().
    io::Channel* live_ GUARDED_BY(mutex_) = nullptr;
    // From a write to an empty queue until the main loop has emptied it: a call of
    // flush() is on its way, or the write watch will make it.
    bool flush_due_ GUARDED_BY(mutex_) = false;
    // A write was cut short, and writable() is owed.
    bool refused_ GUARDED_BY(mutex_) = false;
    ChardevCounters counters_ GUARDED_BY(mutex_);
};

}  // namespace qc::chardev
