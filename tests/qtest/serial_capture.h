// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a guest has written to a serial port that goes to a file.
#pragma once

#include <string>

#include "tests/qtest/deadline.h"
#include "util/result.h"

namespace qc::qtest {

class SerialCapture {
 public:
    explicit SerialCapture(std::string path) : path_(std::move(path)) {}

    const std::string& path() const { return path_; }
    size_t size() const;
    std::string text() const;

    // Waits until `wanted` stands at offset `from` or later.
    Result<void> wait_for(std::string_view wanted, Deadline deadline, size_t from = 0) const;
    // Waits until more than `old_size` bytes are there; returns how many.
    Result<size_t> wait_growth(size_t old_size, Deadline deadline) const;

 private:
    std::string path_;
};

}  // namespace qc::qtest
