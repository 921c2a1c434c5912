// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where random bytes for guests come from. Nobody waits for them.
//
// Threading: one thread at a time (the machine lock). Owned by the object that the
// user made, or by the device that needs it.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "util/fd_sets.h"
#include "util/result.h"

namespace qc {

class EntropySource {
 public:
    virtual ~EntropySource() = default;
    // How many bytes there were, up to data.size(); 0: none at the moment.
    virtual size_t read(std::span<std::byte> data) = 0;
};

// The kernel's generator.
class BuiltinEntropy final : public EntropySource {
 public:
    size_t read(std::span<std::byte> data) override;
};

// A file or device: /dev/urandom, /dev/hwrng.
class FileEntropy final : public EntropySource {
 public:
    static Result<std::unique_ptr<FileEntropy>> open(const std::string& path,
                                                     FdSets* fd_sets = nullptr);
    size_t read(std::span<std::byte> data) override;

 private:
    explicit FileEntropy(OpenedPath file) : file_(std::move(file)) {}
    OpenedPath file_;
};

}  // namespace qc
