// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/log_file.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace qc {

Result<void> LogFile::open(const std::string& path) {
    UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666));
    if (!file) return fail_errno(errno, "cannot open the log file '{}'", path);
    MutexLock lock(mutex_);
    file_ = std::move(file);
    return {};
}

void LogFile::write_line(std::string_view line) {
    char newline = '\n';
    std::array<iovec, 2> parts = {{{const_cast<char*>(line.data()), line.size()}, {&newline, 1}}};
    MutexLock lock(mutex_);
    const int fd = file_ ? file_.get() : STDERR_FILENO;
    while (writev(fd, parts.data(), parts.size()) < 0 && errno == EINTR) {
    }
}

}  // namespace qc
