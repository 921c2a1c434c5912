// SPDX-License-Identifier: GPL-2.0-or-later
//
// Lines of text to stderr or to a file. A line is written with one system call,
// so lines of several threads and processes do not mix.
//
// Threading: thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "util/mutex.h"
#include "util/result.h"
#include "util/unique_fd.h"

namespace qc {

class LogFile {
 public:
    // Writes to stderr until open() succeeds.
    LogFile() = default;
    LogFile(const LogFile&) = delete;
    LogFile& operator=(const LogFile&) = delete;

    // Creates or truncates `path` and goes on there.
    Result<void> open(const std::string& path);

    // Appends `line` and a newline. What the host cannot take (a full disk) is
    // dropped: a log never stops what it describes.
    void write_line(std::string_view line);

 private:
    Mutex mutex_;
    UniqueFd file_ GUARDED_BY(mutex_);
};

}  // namespace qc
