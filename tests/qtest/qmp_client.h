// SPDX-License-Identifier: GPL-2.0-or-later
//
// A QMP session over a unix socket, as docs/interop/qmp-spec of QEMU describes
// the protocol. Whatever arrives while something else is awaited is kept: events
// in a queue, replies by their id, so that commands may overlap.
//
// Threading: one thread. Nothing is read in the background. A caller includes
// <nlohmann/json.hpp> itself; it is too heavy for a header.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "tests/qtest/deadline.h"
#include "util/result.h"
#include "util/unique_fd.h"

namespace qc::qtest {

using Json = nlohmann::json;

class QmpClient {
 public:
    // Connects as soon as the server listens, and reads the greeting.
    static Result<QmpClient> connect(const std::string& socket_path, Deadline deadline);
    // The same on a connection that the server made.
    static Result<QmpClient> adopt(UniqueFd socket, Deadline deadline);
    ~QmpClient();
    QmpClient(QmpClient&&) noexcept;
    QmpClient& operator=(QmpClient&&) = delete;

    const Json& greeting() const;
    // Leaves negotiation mode; asks for out-of-band execution if it is offered.
    Result<void> negotiate();

    // The reply's "return"; an "error" becomes an error "CLASS: text".
    Result<Json> execute(std::string_view command);
    Result<Json> execute(std::string_view command, const Json& arguments,
                         Deadline::Clock::duration patience = kUsual);
    // The same with a descriptor beside the command's bytes.
    Result<Json> execute_with_fd(std::string_view command, const Json& arguments, int fd);
    // `getfd`.
    Result<void> pass_fd(int fd, std::string_view name);
    // The same by "exec-oob", which overtakes commands that wait.
    Result<Json> execute_oob(std::string_view command, const Json& arguments);

    // The two halves of execute(), for commands that overlap: the id of a
    // command that was sent, and the whole reply to it.
    enum class Band : uint8_t { kIn, kOut };
    Result<uint64_t> send(std::string_view command, const Json& arguments, Band band = Band::kIn);
    Result<Json> await_reply(uint64_t id, Deadline deadline);

    // Bytes that need not be QMP, and the next message, whatever it is.
    Result<void> send_raw(std::string_view bytes);
    Result<Json> next_message(Deadline deadline);

    // Takes the oldest event of this name from the queue, waiting for it if
    // need be; events of other names stay where they are.
    Result<Json> wait_event(std::string_view name, Deadline deadline);
    // How many of this name are in the queue, without waiting.
    size_t count_events(std::string_view name);
    void drop_events();

 private:
    struct State;
    explicit QmpClient(std::unique_ptr<State> state);

    std::unique_ptr<State> state_;
};

// When an event happened, in seconds since the epoch.
double event_time(const Json& event);

}  // namespace qc::qtest
