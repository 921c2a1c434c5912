// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/stdio_chardev.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "io/fd_channel.h"
#include "util/log.h"

namespace qc::chardev {

StdioChardev::StdioChardev(EventLoop& loop, std::string id) : ChannelChardev(loop, std::move(id)) {}

StdioChardev::~StdioChardev() {
    for (const SavedFlags& saved : saved_flags_)
        fcntl(saved.fd, F_SETFL, saved.flags);
}

// The shell and other programs share our standard input and output, and a
// non-blocking mode with them. A terminal or a pipe can be opened once more; for
// the rest the mode is put back at the end.
Result<UniqueFd> StdioChardev::private_copy(int fd, int access) {
    struct stat status;
    if (fstat(fd, &status) != 0) return fail_errno(errno, "standard input or output");
    if (S_ISCHR(status.st_mode) || S_ISFIFO(status.st_mode)) {
        UniqueFd copy(open(fmt::format("/proc/self/fd/{}", fd).c_str(),
                           access | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
        if (copy) return copy;
    }
    const int flags = fcntl(fd, F_GETFL);
    UniqueFd copy(fcntl(fd, F_DUPFD_CLOEXEC, 3));
    if (flags < 0 || !copy) return fail_errno(errno, "standard input or output");
    saved_flags_.push_back({fd, flags});
    return copy;
}

Result<std::unique_ptr<StdioChardev>> StdioChardev::create(EventLoop& loop, std::string id,
                                                           TerminalSignals signals, int input_fd,
                                                           int output_fd) {
    std::unique_ptr<StdioChardev> chardev(new StdioChardev(loop, std::move(id)));
    UniqueFd input = TRY(chardev->private_copy(input_fd, O_RDONLY));
    UniqueFd output = TRY(chardev->private_copy(output_fd, O_WRONLY));
    auto channel = TRY(io::FdChannel::create(std::move(input), std::move(output), "stdio"));
    chardev->open_channel(std::move(channel));
    StdioChardev* const raw = chardev.get();
    raw->terminal_setup_ =
        loop.after_ms(0, [raw, input_fd, signals] { raw->set_terminal(input_fd, signals); });
    return chardev;
}

void StdioChardev::set_terminal(int input_fd, TerminalSignals signals) {
    Result<std::unique_ptr<TerminalMode>> mode = TerminalMode::make_raw(input_fd, signals);
    if (mode) {
        terminal_ = *std::move(mode);
    } else {
        warn_report("chardev '{}': {}", id(), mode.error().message());
    }
}

void StdioChardev::input_ended(const Error* error) {
    if (error != nullptr) warn_report("chardev '{}': {}", id(), error->message());
    end_input();
}

void StdioChardev::output_failed(const Error& error, size_t) {
    if (std::exchange(reported_, true)) return;
    warn_report("chardev '{}': {}; output is lost", id(), error.message());
}

}  // namespace qc::chardev
