// SPDX-License-Identifier: GPL-2.0-or-later
//
// Sorts the connections that reach a destination with multifd: which is the main
// stream, which are its channels, and who is a stranger. They may come in any
// order.
//
//   accepted -> 4 bytes: a stream's magic  -> the main stream
//           |            multifd's magic   -> 60 more bytes: parked, until the main
//           |                                 stream has named its session
//           \-> anything else, nothing in time, another session, a number that is
//               out of range or taken: refused, and named in the log
//
// It never waits for one connection while others could go on: reads do not block.
//
// Threading: the incoming thread. Owned by Incoming.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "io/channel.h"
#include "migration/multifd_packet.h"

namespace qc::migration {

class MultifdGate {
 public:
    // Waits for a connection; null if the deadline passed.
    using Accept = std::move_only_function<Result<std::unique_ptr<io::Channel>>(
        io::Deadline deadline, const io::Interrupt* interrupt)>;

    struct Limits {
        // How long a connection may take to say who it is, how long it may then wait
        // for its main stream, and how long a main stream waits for its channels.
        int64_t hello_ms = 10'000;
        int64_t parked_ms = 30'000;
        int64_t channels_ms = 30'000;
        // More connections than this do not wait: the oldest is refused.
        size_t waiting = kMaxMultifdChannels + 32;
    };

    // `interrupt` ends every wait with an error; it outlives the gate.
    MultifdGate(Accept accept, const io::Interrupt* interrupt)
        : MultifdGate(std::move(accept), interrupt, Limits{}) {}
    MultifdGate(Accept accept, const io::Interrupt* interrupt, const Limits& limits)
        : accept_(std::move(accept)), interrupt_(interrupt), limits_(limits) {}
    ~MultifdGate();
    MultifdGate(const MultifdGate&) = delete;
    MultifdGate& operator=(const MultifdGate&) = delete;

    // The main stream; its magic number has been read. An error: accepting failed, or
    // the interrupt.
    Result<std::unique_ptr<io::Channel>> await_main();

    // The channels 0 to count-1 of a session, in that order. Once, and the last call:
    // nobody is accepted any more.
    Result<std::vector<std::unique_ptr<io::Channel>>> await_channels(const MultifdSession& session,
                                                                     size_t count);

    // How many connections were refused so far.
    uint64_t refused() const { return refused_; }

 private:
    struct Waiting {
        std::unique_ptr<io::Channel> channel;
        io::Deadline deadline;
        std::array<std::byte, kMultifdHelloSize> bytes{};
        size_t have = 0;
        bool parked = false;
        MultifdHello hello{};  // if parked
    };
    enum class Verdict : uint8_t { kWait, kMain, kParked, kRefused };

    // Accepts what comes and reads what is there, once.
    Result<void> step(io::Deadline deadline);
    void look_at_all();
    Verdict look_at(Waiting& waiting);
    void refuse(const Waiting& waiting, std::string_view why);
    void seat(Waiting waiting);

    Accept accept_;
    const io::Interrupt* interrupt_;
    const Limits limits_;
    std::vector<Waiting> waiting_;
    std::unique_ptr<io::Channel> main_;
    bool have_main_ = false;
    // Once the main stream has named it.
    bool have_session_ = false;
    MultifdSession session_;
    std::vector<std::unique_ptr<io::Channel>> seats_;
    size_t seated_ = 0;
    uint64_t refused_ = 0;
};

}  // namespace qc::migration
