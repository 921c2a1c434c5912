// SPDX-License-Identifier: GPL-2.0-or-later
//
// One client of the qtest protocol: its bytes become lines, each line becomes a request
// to the target, each request gets one line of reply. No socket, lock or clock.
//
//   receive() --> lines --> execute() --> take_output()
//                   |         ^    |
//                   |         |    +-- stepping(): guest time is on its way; go on
//                   +---------+
//
// A line that is too long is refused and skipped. Lines about pins come before the reply
// to the request that moved them.
//
// Threading: caller locks; execute(), tell_pins() and the destructor also under the machine
// lock. Owned by the server.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "qtest/pin_log.h"
#include "qtest/request.h"
#include "qtest/target.h"

namespace qc::qtest_server {

// What went over the wire, for -qtest-log.
class SessionLog {
 public:
    enum class Kind : char { kReceived = 'R', kSent = 'S', kInfo = 'I' };
    virtual void log(Kind kind, std::string_view line) = 0;

 protected:
    ~SessionLog() = default;
};

class Session {
 public:
    struct Deps {
        Target& target;
        SessionLog& log;
        // A pin moved while no request was executed. Any thread, under the machine lock.
        std::function<void()> pin_news;
    };
    explicit Session(const Deps& deps);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // A client came; the one before has gone.
    void opened();
    void closed();

    void receive(std::string_view bytes);
    // Whether execute() has something to do.
    bool ready() const { return stepping_ || line_complete(); }
    // One request, or a part of a long one.
    void execute();
    bool stepping() const { return stepping_.has_value(); }
    // Lines about pins, between two requests.
    void tell_pins();

    // Whole lines for the client.
    std::string take_output() { return std::exchange(output_, {}); }

 private:
    bool line_complete() const { return line_end_ != std::string::npos; }
    std::string take_line();
    void find_line();
    void send(std::string_view line);
    void reply(std::string_view line);
    void step();

    // Each carries out a request and returns the reply; empty: later.
    std::string run(AskByteOrder request);
    std::string run(PortRead request);
    std::string run(PortWrite request);
    std::string run(MemoryLoad request);
    std::string run(MemoryStore request);
    std::string run(BlockRead request);
    std::string run(const BlockWrite& request);
    std::string run(BlockFill request);
    std::string run(ClockStep request);
    std::string run(ClockSet request);
    std::string run(const InterceptInputs& request);
    std::string run(const InterceptOutputs& request);
    std::string run(const DriveInput& request);
    std::string run(LoadModule request);
    std::string run(const Refused& request);
    std::string intercept(WatchableDevice device, hw::GpioPins::Direction direction);

    Target& target_;
    SessionLog& log_;
    PinLog pins_;

    std::string input_;
    std::string line_;     // the request that is being executed
    size_t searched_ = 0;  // so much of the input has no end of a line
    size_t line_end_ = std::string::npos;
    bool skipping_ = false;  // until the end of a line that is too long
    std::string output_;
    std::optional<int64_t> stepping_;  // where guest time is going
    std::optional<WatchableDevice> watched_;
};

}  // namespace qc::qtest_server
