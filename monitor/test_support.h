// SPDX-License-Identifier: GPL-2.0-or-later
//
// For tests of sessions: a transport that keeps what was written, and a monitor
// whose two loops run only when told to, on the test's own thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "monitor/monitor.h"
#include "monitor/qmp_session.h"
#include "monitor/transport.h"
#include "qapi/command.h"
#include "util/clock.h"
#include "util/event/event_loop.h"

namespace qc::monitor {

class FakeTransport final : public Transport {
 public:
    size_t write(std::string_view bytes) override {
        const size_t count = std::min(bytes.size(), room);
        room -= count;
        written += bytes.substr(0, count);
        return count;
    }
    void set_reading(bool now) override { reading = now; }

    // What was written since the last call, CR left out.
    std::string take() {
        std::string text = std::exchange(written, {});
        std::erase(text, '\r');
        return text;
    }

    std::string written;
    size_t room = SIZE_MAX;
    bool reading = true;
};

struct MonitorFixture {
    explicit MonitorFixture(const qapi::CommandTable& commands, MonitorServices services = {})
        : monitor({.main_loop = *main_loop,
                   .io_loop = *io_loop,
                   .commands = commands,
                   .services = services,
                   .host_clock = clock,
                   .event_clock = clock,
                   .call_at = [this](int64_t deadline_ns) { called_at_ns = deadline_ns; },
                   .version = {.qemu = {.major = 9, .minor = 0, .micro = 1}, .package = "test"}}),
          session(monitor.add_session(transport)) {}

    // The session reads `text`, commands are executed, answers are written.
    std::string say(std::string_view text) {
        session.received(text);
        settle();
        return transport.take();
    }
    void settle() {
        for (int round = 0; round < 20; ++round) {
            main_loop->run_once(0);
            io_loop->run_once(0);
        }
    }

    std::unique_ptr<EventLoop> main_loop = *EventLoop::create();
    std::unique_ptr<EventLoop> io_loop = *EventLoop::create();
    FakeClock clock;
    int64_t called_at_ns = 0;
    FakeTransport transport;
    Monitor monitor;
    QmpSession& session;
};

}  // namespace qc::monitor
