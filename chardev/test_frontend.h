// SPDX-License-Identifier: GPL-2.0-or-later
//
// A front end for unit tests: writes down what it hears.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "chardev/chardev.h"

namespace qc::chardev {

class TestFrontend final : public ChardevFrontend {
 public:
    size_t can_receive() override { return room; }
    void receive(std::span<const std::byte> data) override {
        heard.append(reinterpret_cast<const char*>(data.data()), data.size());
    }
    void event(ChardevEvent event) override {
        switch (event) {
            case ChardevEvent::kOpened: heard += "<open>"; return;
            case ChardevEvent::kClosed: heard += "<close>"; return;
            case ChardevEvent::kBreak: heard += "<break>"; return;
            case ChardevEvent::kFocusGained: heard += "<focus>"; return;
            case ChardevEvent::kFocusLost: heard += "<no focus>"; return;
        }
    }
    void writable() override { heard += "<writable>"; }

    bool change_back_end(const std::function<void()>& swap) override {
        if (changes) swap();
        return changes;
    }

    bool changes = false;
    size_t room = 4096;
    std::string heard;
};

inline std::span<const std::byte> text(std::string_view characters) {
    return std::as_bytes(std::span(characters));
}

}  // namespace qc::chardev
