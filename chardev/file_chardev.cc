// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/file_chardev.h"

#include <fcntl.h>

#include <cerrno>

#include "io/fd_channel.h"
#include "util/log.h"

namespace qc::chardev {

FileChardev::FileChardev(EventLoop& loop, std::string id, std::string path)
    : ChannelChardev(loop, std::move(id)), path_(std::move(path)) {}

Result<std::unique_ptr<FileChardev>> FileChardev::create(EventLoop& loop, std::string id,
                                                         std::string path, FileMode mode,
                                                         const std::string& input_path,
                                                         FdSets* fd_sets) {
    const int how = mode == FileMode::kAppend ? O_APPEND : O_TRUNC;
    OpenedPath output =
        open_path(fd_sets, path, O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY | how, 0666);
    if (!output.fd) return fail_errno(errno, "Could not open '{}'", path);
    OpenedPath input;
    if (!input_path.empty()) {
        input = open_path(fd_sets, input_path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
        if (!input.fd) return fail_errno(errno, "Could not open '{}'", input_path);
    }
    auto channel = TRY(io::FdChannel::create(std::move(input.fd), std::move(output.fd),
                                             fmt::format("'{}'", path)));
    std::unique_ptr<FileChardev> chardev(new FileChardev(loop, std::move(id), std::move(path)));
    chardev->input_use_ = std::move(input.use);
    chardev->output_use_ = std::move(output.use);
    chardev->open_channel(std::move(channel));
    return chardev;
}

void FileChardev::input_ended(const Error*) {
    end_input();
}

void FileChardev::output_failed(const Error& error, size_t) {
    if (std::exchange(reported_, true)) return;
    warn_report("chardev '{}': {}; output is lost until the file takes it again", id(),
                error.message());
}

}  // namespace qc::chardev
