// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/pipe_chardev.h"

#include <fcntl.h>

#include <cerrno>

#include "io/fd_channel.h"
#include "util/log.h"

namespace qc::chardev {

namespace {

UniqueFd open_pipe(const std::string& path) {
    return UniqueFd(open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
}

}  // namespace

Result<std::unique_ptr<PipeChardev>> PipeChardev::create(EventLoop& loop, std::string id,
                                                         const std::string& path) {
    UniqueFd input = open_pipe(path + ".in");
    UniqueFd output = open_pipe(path + ".out");
    if (!input || !output) {
        input = open_pipe(path);
        if (!input) return fail_errno(errno, "Could not open '{}'", path);
        output.reset(fcntl(input.get(), F_DUPFD_CLOEXEC, 3));
        if (!output) return fail_errno(errno, "Could not open '{}'", path);
    }
    auto channel =
        TRY(io::FdChannel::create(std::move(input), std::move(output), fmt::format("'{}'", path)));
    std::unique_ptr<PipeChardev> chardev(new PipeChardev(loop, std::move(id)));
    chardev->open_channel(std::move(channel));
    return chardev;
}

void PipeChardev::output_failed(const Error& error, size_t) {
    if (std::exchange(reported_, true)) return;
    warn_report("chardev '{}': {}; output is lost", id(), error.message());
}

}  // namespace qc::chardev
