// SPDX-License-Identifier: GPL-2.0-or-later
//
// An event loop over a GLib main context: posted functions, file descriptors
// and timer queues. GLib stays inside event_loop.cc.
//
// Threading: post(), quit() and is_current() are thread-safe; everything else,
// and every callback, belongs to the thread that runs the loop (or to the
// creating thread before run() is first called).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "util/result.h"
#include "util/timer.h"

namespace qc {

class MachineLock;

enum class FdEvents : uint8_t { kRead = 1, kWrite = 2, kReadWrite = 3 };

class EventLoop {
 public:
    // Keeps a callback registered; unregisters when destroyed. May be destroyed
    // from inside its own callback.
    class Watch {
     public:
        Watch();
        ~Watch();
        Watch(Watch&&) noexcept;
        Watch& operator=(Watch&&) noexcept;
        explicit operator bool() const { return impl_ != nullptr; }

     private:
        friend class EventLoop;
        struct Impl;
        explicit Watch(std::unique_ptr<Impl> impl);
        std::unique_ptr<Impl> impl_;
    };

    static Result<std::unique_ptr<EventLoop>> create();
    ~EventLoop();

    // Runs until quit(). May be called again.
    void run();
    // Runs what is ready and returns; waits at most `timeout_ms` (0: not at all).
    void run_once(int timeout_ms);
    void quit();
    bool is_current() const;

    // Runs `function` on the loop's thread, in the order posted. Functions still
    // queued when the loop is destroyed are dropped, not run.
    void post(std::move_only_function<void()> function);

    // Calls back while `fd` is ready for one of `events`. Hang-up and error count
    // as readable and writable.
    [[nodiscard]] Watch watch_fd(int fd, FdEvents events, std::function<void()> callback);

    // Calls back once after `delay_ms`, or every `delay_ms` until destroyed.
    [[nodiscard]] Watch after_ms(int64_t delay_ms, std::function<void()> callback);
    [[nodiscard]] Watch every_ms(int64_t interval_ms, std::function<void()> callback);

    // Runs the queue's due timers on this loop, under `lock`, with nanosecond
    // deadlines (timerfd). The queue and the lock outlive the watch.
    // `reschedule` of the returned driver is called when the clock was started,
    // stopped or set.
    class TimerDriver;
    [[nodiscard]] Result<std::unique_ptr<TimerDriver>> drive_timers(TimerQueue& queue,
                                                                    MachineLock& lock);

 private:
    EventLoop();
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

class EventLoop::TimerDriver {
 public:
    ~TimerDriver();
    // Thread-safe; call after the queue's clock was started, stopped or set.
    void reschedule();
    // While disabled no timer runs (a stopped virtual clock).
    void set_enabled(bool enabled);

 private:
    friend class EventLoop;
    struct Impl;
    explicit TimerDriver(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace qc
