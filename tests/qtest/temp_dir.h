// SPDX-License-Identifier: GPL-2.0-or-later
//
// A directory of a test's own, removed with everything in it when the test ends.
// KEEP_TEST_FILES=1 in the environment keeps it and prints where it is.
#pragma once

#include <string>

#include "util/result.h"

namespace qc::qtest {

class TempDir {
 public:
    static Result<TempDir> create();
    ~TempDir();
    TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    TempDir& operator=(TempDir&&) = delete;

    const std::string& path() const { return path_; }
    std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }

 private:
    explicit TempDir(std::string path) : path_(std::move(path)) {}

    std::string path_;
};

// The whole content of a file; empty if there is none.
std::string read_file(const std::string& path);
Result<void> write_file(const std::string& path, std::string_view content);

}  // namespace qc::qtest
