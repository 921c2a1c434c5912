// SPDX-License-Identifier: GPL-2.0-or-later
//
// The one thing that needs a thread to be seen: a client is heard while the main
// loop is busy.
#include "monitor/monitor_thread.h"

#include <gtest/gtest.h>

#include <chrono>
#include <future>

#include "monitor/monitor.h"
#include "monitor/qmp_session.h"
#include "monitor/test_support.h"
#include "qapi/generated/qapi_commands_control.h"

namespace qc::monitor {
namespace {

constexpr std::chrono::seconds kDeadline{20};

Result<qapi::Value> run_now(MonitorContext&, const qapi::Object&) {
    return qapi::Value("now");
}
constexpr qapi::CommandDef kCommands[] = {
    {.name = "now", .invoke = run_now, .allow_oob = true},
};

// Tells when a text containing `wanted` was written.
class WaitingTransport final : public Transport {
 public:
    explicit WaitingTransport(std::string wanted) : wanted_(std::move(wanted)) {}
    size_t write(std::string_view bytes) override {
        written_ += bytes;
        if (!told_ && written_.find(wanted_) != std::string::npos) {
            told_ = true;
            seen_.set_value();
        }
        return bytes.size();
    }
    void set_reading(bool) override {}
    std::future<void> seen() { return seen_.get_future(); }

 private:
    std::string wanted_;
    std::string written_;
    bool told_ = false;
    std::promise<void> seen_;
};

TEST(MonitorThread, exec_oob_is_answered_while_the_main_loop_does_not_run) {
    qapi::CommandTable commands;
    commands.add(kCommands);
    commands.add(qapi::control_commands());
    auto main_loop = *EventLoop::create();
    auto thread = *MonitorThread::create();
    const FakeClock clock;
    WaitingTransport transport("\"return\": \"now\"");
    Monitor monitor({.main_loop = *main_loop,
                     .io_loop = thread->loop(),
                     .commands = commands,
                     .host_clock = clock,
                     .event_clock = clock});
    QmpSession& session = monitor.add_session(transport);
    session.opened();
    ASSERT_TRUE(session.negotiate({qapi::QMPCapability::kOob}));
    std::future<void> seen = transport.seen();
    thread->start();

    thread->loop().post([&] { session.received("{'execute':'now'}{'exec-oob':'now'}"); });
    EXPECT_EQ(seen.wait_for(kDeadline), std::future_status::ready);
    thread->stop(monitor);
}

TEST(MonitorThread, stop_lets_clients_take_their_answers) {
    const qapi::CommandTable commands;
    auto main_loop = *EventLoop::create();
    auto thread = *MonitorThread::create();
    const FakeClock clock;
    WaitingTransport transport("LAST");
    Monitor monitor({.main_loop = *main_loop,
                     .io_loop = thread->loop(),
                     .commands = commands,
                     .host_clock = clock,
                     .event_clock = clock});
    QmpSession& session = monitor.add_session(transport);
    session.opened();
    ASSERT_TRUE(session.negotiate({}));
    std::future<void> seen = transport.seen();
    thread->start();
    monitor.emit("LAST", std::nullopt);
    thread->stop(monitor);
    EXPECT_EQ(seen.wait_for(std::chrono::seconds(0)), std::future_status::ready);
}

}  // namespace
}  // namespace qc::monitor
