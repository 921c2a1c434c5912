// SPDX-License-Identifier: GPL-2.0-or-later
//
// A client of the qtest protocol (docs/devel/qtest.rst): one request at a time, one line of
// reply; the lines about interrupt pins that come before it are kept.
//
// Threading: one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/qtest/deadline.h"
#include "util/result.h"
#include "util/unique_fd.h"

namespace qc::qtest {

class QtestClient {
 public:
    explicit QtestClient(UniqueFd socket) : socket_(std::move(socket)) {}

    // The whole reply, without the end of the line.
    Result<std::string> ask(std::string_view request);
    // The number, or the data, of an "OK" reply.
    Result<uint64_t> ask_number(std::string_view request);
    Result<std::string> ask_data(std::string_view request);
    // A request whose reply is a plain "OK".
    Result<void> tell(std::string_view request);

    // The two halves of ask().
    Result<void> send(std::string_view bytes);
    Result<std::string> reply(Deadline deadline);

    // "raise 8", "lower 8" in the order in which they came, since the last call.
    std::vector<std::string> take_pins() { return std::exchange(pins_, {}); }

 private:
    Result<std::string> line(Deadline deadline);

    UniqueFd socket_;
    std::string unread_;
    std::vector<std::string> pins_;
};

}  // namespace qc::qtest
