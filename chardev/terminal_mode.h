// SPDX-License-Identifier: GPL-2.0-or-later
//
// A terminal in raw mode: keys arrive at once and are not echoed; output is
// processed as before. The old settings come back with the destructor.
//
// Threading: main loop.
#pragma once

#include <termios.h>

#include <cstdint>
#include <memory>

#include "util/result.h"

namespace qc::chardev {

enum class TerminalSignals : uint8_t { kOff, kOn };

class TerminalMode {
 public:
    // Null if `fd` is no terminal. With kOff, Control-C is a byte like others.
    static Result<std::unique_ptr<TerminalMode>> make_raw(int fd, TerminalSignals signals);
    ~TerminalMode();
    TerminalMode(const TerminalMode&) = delete;
    TerminalMode& operator=(const TerminalMode&) = delete;

 private:
    TerminalMode(int fd, const termios& old) : fd_(fd), old_(old) {}

    int fd_;
    termios old_;
};

}  // namespace qc::chardev
