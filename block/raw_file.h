// SPDX-License-Identifier: GPL-2.0-or-later
//
// An image whose bytes are those of a regular file or of a host block device.
//
// Threading: as Image. Owned by the image above it or by its BlockBackend.
#pragma once

#include <memory>
#include <string>

#include "block/image.h"
#include "util/fd_sets.h"

namespace qc::block {

class RawFile final : public Image {
 public:
    // kWriteThrough: each write is on stable storage when it completes. kUnsafe:
    // flushes do nothing.
    enum class Cache : uint8_t { kWriteBack, kWriteThrough, kUnsafe };
    enum class Access : uint8_t { kReadWrite, kReadOnly };

    // Opened but not activated. `fd_sets` may be null. Error: "Could not open 'x': No such file or
    // directory".
    static Result<std::unique_ptr<RawFile>> open(const std::string& path, Access access,
                                                 Cache cache, FdSets* fd_sets = nullptr);

    uint64_t length() const override { return length_; }
    bool read_only() const override { return access_ == Access::kReadOnly; }
    int read(uint64_t offset, std::span<const iovec> buffers) override;
    bool read_cached(uint64_t offset, std::span<const iovec> buffers) override;
    int write(uint64_t offset, std::span<const iovec> buffers) override;
    int flush() override;
    int discard(uint64_t offset, uint64_t bytes) override;
    int write_zeroes(uint64_t offset, uint64_t bytes, bool may_unmap) override;
    Result<void> activate() override;
    void inactivate() override;

 private:
    RawFile(OpenedPath file, std::string path, Access access, Cache cache, uint64_t length)
        : use_(std::move(file.use)),
          fd_(std::move(file.fd)),
          path_(std::move(path)),
          access_(access),
          cache_(cache),
          length_(length) {}

    FdUse use_;
    UniqueFd fd_;
    std::string path_;
    Access access_;
    Cache cache_;
    uint64_t length_;
};

}  // namespace qc::block
