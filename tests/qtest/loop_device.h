// SPDX-License-Identifier: GPL-2.0-or-later
//
// A file as a block device of this host, for as long as the object lives. Needs root
// and the kernel's loop driver.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "util/result.h"
#include "util/unique_fd.h"

namespace qc::qtest {

class LoopDevice {
 public:
    // Makes `file`, with zeros.
    static Result<std::unique_ptr<LoopDevice>> create(const std::string& file, uint64_t size);
    ~LoopDevice();
    LoopDevice(const LoopDevice&) = delete;
    LoopDevice& operator=(const LoopDevice&) = delete;

    const std::string& path() const { return path_; }

 private:
    LoopDevice(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}

    std::string path_;
    UniqueFd fd_;
};

}  // namespace qc::qtest
