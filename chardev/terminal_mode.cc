// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/terminal_mode.h"

#include <unistd.h>

#include <cerrno>

namespace qc::chardev {

Result<std::unique_ptr<TerminalMode>> TerminalMode::make_raw(int fd, TerminalSignals signals) {
    if (!isatty(fd)) return std::unique_ptr<TerminalMode>();
    termios old;
    if (tcgetattr(fd, &old) != 0) return fail_errno(errno, "reading the terminal's settings");
    termios raw = old;
    cfmakeraw(&raw);
    // Other programs' lines, and our own messages, still begin at the left margin.
    raw.c_oflag |= OPOST;
    if (signals == TerminalSignals::kOn) raw.c_lflag |= ISIG;
    if (tcsetattr(fd, TCSANOW, &raw) != 0) return fail_errno(errno, "setting the terminal raw");
    return std::unique_ptr<TerminalMode>(new TerminalMode(fd, old));
}

TerminalMode::~TerminalMode() {
    tcsetattr(fd_, TCSANOW, &old_);
}

}  // namespace qc::chardev
