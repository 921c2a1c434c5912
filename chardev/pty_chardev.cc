// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/pty_chardev.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <termios.h>

#include <array>
#include <cerrno>

#include "io/fd_channel.h"
#include "util/log.h"

namespace qc::chardev {

PtyChardev::PtyChardev(EventLoop& loop, std::string id, UniqueFd master, std::string path)
    : ChannelChardev(loop, std::move(id)), master_(std::move(master)), path_(std::move(path)) {}

Result<std::unique_ptr<PtyChardev>> PtyChardev::create(EventLoop& loop, std::string id) {
    UniqueFd master(open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK));
    std::array<char, 64> path = {};
    if (!master || grantpt(master.get()) != 0 || unlockpt(master.get()) != 0 ||
        ptsname_r(master.get(), path.data(), path.size()) != 0) {
        return fail_errno(errno, "Failed to create PTY");
    }
    // Opened and closed again: bytes pass as they are, and from now on the kernel tells
    // whether anybody has it open.
    const UniqueFd terminal(open(path.data(), O_RDWR | O_NOCTTY | O_CLOEXEC));
    termios settings;
    if (!terminal || tcgetattr(terminal.get(), &settings) != 0) {
        return fail_errno(errno, "Failed to create PTY");
    }
    cfmakeraw(&settings);
    if (tcsetattr(terminal.get(), TCSAFLUSH, &settings) != 0) {
        return fail_errno(errno, "Failed to create PTY");
    }
    std::unique_ptr<PtyChardev> chardev(
        new PtyChardev(loop, std::move(id), std::move(master), path.data()));
    chardev->wait_for_user();
    return chardev;
}

void PtyChardev::wait_for_user() {
    look_timer_ = loop().every_ms(kLookMs, [this] { look(); });
}

void PtyChardev::look() {
    pollfd state = {master_.get(), POLLIN, 0};
    if (poll(&state, 1, 0) < 0 || (state.revents & POLLHUP) != 0) return;
    UniqueFd input(fcntl(master_.get(), F_DUPFD_CLOEXEC, 3));
    UniqueFd output(fcntl(master_.get(), F_DUPFD_CLOEXEC, 3));
    // Without descriptors to spare it is tried again.
    if (!input || !output) return;
    auto channel = io::FdChannel::create(std::move(input), std::move(output), path_);
    if (!channel) return;
    look_timer_ = {};
    open_channel(*std::move(channel));
}

void PtyChardev::lost_user() {
    // Before the front end hears of it, because it may remove this chardev then.
    wait_for_user();
    close_channel();
}

}  // namespace qc::chardev
