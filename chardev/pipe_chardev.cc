// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/pipe_chardev.h"

#include <fcntl.h>

#include <cerrno>

#include "io/fd_channel.h"
#include "util/log.h"

namespace qc::chardev {

namespace {

OpenedPath open_pipe(FdSets* fd_sets, const std::string& path) {
    return open_path(fd_sets, path, O_RDWR | O_NONBLOCK | O_NOCTTY);
}

}  // namespace

Result<std::unique_ptr<PipeChardev>> PipeChardev::create(EventLoop& loop, std::string id,
                                                         const std::string& path, FdSets* fd_sets) {
    OpenedPath input = open_pipe(nullptr, path + ".in");
    OpenedPath output = open_pipe(nullptr, path + ".out");
    if (!input.fd || !output.fd) {
        input = open_pipe(fd_sets, path);
        if (!input.fd) return fail_errno(errno, "Could not open '{}'", path);
        output.fd.reset(fcntl(input.fd.get(), F_DUPFD_CLOEXEC, 3));
        if (!output.fd) return fail_errno(errno, "Could not open '{}'", path);
    }
    auto channel = TRY(io::FdChannel::create(std::move(input.fd), std::move(output.fd),
                                             fmt::format("'{}'", path)));
    std::unique_ptr<PipeChardev> chardev(new PipeChardev(loop, std::move(id)));
    chardev->use_ = std::move(input.use);
    chardev->open_channel(std::move(channel));
    return chardev;
}

void PipeChardev::output_failed(const Error& error, size_t) {
    if (std::exchange(reported_, true)) return;
    warn_report("chardev '{}': {}; output is lost", id(), error.message());
}

}  // namespace qc::chardev
