// SPDX-License-Identifier: GPL-2.0-or-later
#include "monitor/monitor_thread.h"

#include <utility>

#include "monitor/monitor.h"

namespace qc::monitor {

namespace {

constexpr int64_t kPollMs = 2;

}  // namespace

Result<std::unique_ptr<MonitorThread>> MonitorThread::create() {
    return std::unique_ptr<MonitorThread>(new MonitorThread(TRY(EventLoop::create())));
}

MonitorThread::MonitorThread(std::unique_ptr<EventLoop> loop) : loop_(std::move(loop)) {}
MonitorThread::~MonitorThread() = default;

void MonitorThread::start() {
    thread_ = Thread("monitor", [this] { loop_->run(); });
}

void MonitorThread::stop(Monitor& monitor, int64_t grace_ms) {
    if (!thread_.joinable()) return;
    EventLoop::Watch poll;
    EventLoop::Watch deadline;
    // Watches are made on the loop's own thread, and die here after it was joined.
    loop_->post([&] {
        const auto quit_when_empty = [&] {
            if (monitor.output_empty()) loop_->quit();
        };
        poll = loop_->every_ms(kPollMs, quit_when_empty);
        deadline = loop_->after_ms(grace_ms, [this] { loop_->quit(); });
        quit_when_empty();
    });
    thread_.join();
}

}  // namespace qc::monitor
