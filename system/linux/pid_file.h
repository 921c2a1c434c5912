// SPDX-License-Identifier: GPL-2.0-or-later
//
// -pidfile: a file with this process's number, locked as long as the process lives, so
// that nobody else takes it; at the end it is removed.
//
// Threading: main thread. Owned by main().
#pragma once

#include <string>

#include "util/result.h"
#include "util/unique_fd.h"

namespace qc::system {

class PidFile {
 public:
    static Result<PidFile> create(const std::string& path);
    ~PidFile();
    PidFile(PidFile&&) = default;
    PidFile& operator=(PidFile&&) = delete;

 private:
    PidFile(UniqueFd directory, std::string name, UniqueFd file)
        : directory_(std::move(directory)), name_(std::move(name)), file_(std::move(file)) {}

    // So that the file is found after chroot() and chdir().
    UniqueFd directory_;
    std::string name_;
    UniqueFd file_;
};

}  // namespace qc::system
