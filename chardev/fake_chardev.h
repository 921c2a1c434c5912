// SPDX-License-Identifier: GPL-2.0-or-later
//
// For unit tests: a back end whose room a test sets and whose output it reads.
//
// Threading: one thread.
#pragma once

#include <algorithm>
#include <span>
#include <string>

#include "chardev/chardev.h"

namespace qc::chardev {

class FakeChardev final : public Chardev {
 public:
    FakeChardev() : Chardev("fake") {}

    ChardevClaim claim() { return std::move(*ChardevClaim::claim(*this)); }
    std::string_view backend() const override { return "fake"; }
    std::string description() const override { return "fake"; }
    ChardevCounters counters() const override { return {}; }

    // Offers text as a host would; returns what was taken.
    size_t type(std::string_view text) {
        size_t taken = 0;
        while (taken < text.size()) {
            const size_t count = std::min(frontend()->can_receive(), text.size() - taken);
            if (count == 0) break;
            frontend()->receive(std::as_bytes(std::span(text.substr(taken, count))));
            taken += count;
        }
        return taken;
    }
    void open() { frontend()->event(ChardevEvent::kOpened); }
    void close() { frontend()->event(ChardevEvent::kClosed); }
    void make_room(size_t bytes) {
        room = bytes;
        frontend()->writable();
    }

    std::string output;
    size_t room = 1'000'000;
    int input_requests = 0;

 private:
    size_t write(std::span<const std::byte> data) override {
        const size_t count = std::min(room, data.size());
        output.append(reinterpret_cast<const char*>(data.data()), count);
        room -= count;
        return count;
    }
    void accept_input() override { ++input_requests; }
    void frontend_changed() override {}
};

}  // namespace qc::chardev
