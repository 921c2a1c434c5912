// SPDX-License-Identifier: GPL-2.0-or-later
//
// A client that sends anything, in any pieces, goes and comes again: each line has one
// reply, and the next client is served.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "qtest/fake_target.h"

namespace {

using namespace qc::qtest_server;

class NoLog final : public SessionLog {
 public:
    void log(Kind, std::string_view) override {}
};

size_t execute(Session& session) {
    while (session.ready())
        session.execute();
    size_t replies = 0;
    const std::string text = session.take_output();
    std::string_view output = text;
    while (!output.empty()) {
        const std::string_view line = output.substr(0, output.find('\n'));
        if (!line.starts_with("IRQ ")) ++replies;
        output.remove_prefix(line.size() + 1);
    }
    return replies;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    FakeTarget target;
    target.time.deadlines = {10, 20, 1'000'000};
    target.time_passes = size > 0 && data[0] % 4 == 0;
    NoLog log;
    Session session({.target = target, .log = log, .pin_news = [] {}});
    session.opened();
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    size_t lines = 0;
    size_t replies = 0;
    while (!rest.empty()) {
        const std::string_view piece = rest.substr(0, 1 + static_cast<uint8_t>(rest.front()) % 64);
        rest.remove_prefix(piece.size());
        if (piece.size() == 64) {
            session.closed();
            session.opened();
            lines = replies = 0;
        }
        for (const char c : piece)
            lines += c == '\n' ? 1 : 0;
        session.receive(piece);
        replies += execute(session);
        if (replies != lines) std::abort();
    }
    session.closed();
    session.opened();
    session.receive("endianness\n");
    if (execute(session) != 1) std::abort();
    return 0;
}
