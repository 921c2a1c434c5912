// SPDX-License-Identifier: GPL-2.0-or-later
//
// A channel into a regular file, a block device or another file that never makes
// its user wait for a peer. It is read or written from a position on; nobody
// answers.
//
// Threading: as Channel. A slow disk holds up the thread that reads or writes.
#pragma once

#include <memory>
#include <string>

#include "io/channel.h"
#include "io/random_access.h"
#include "util/fd_sets.h"

namespace qc::io {

class FileChannel final : public Channel, private RandomAccess {
 public:
    // Creates the file, or empties it; what lies before `offset` reads as zeros.
    // FIFOs, sockets and directories are refused.
    // `fd_sets` (may be null) is where /dev/fdset/N is looked up.
    static Result<std::unique_ptr<FileChannel>> create_file(const std::string& path,
                                                            uint64_t offset,
                                                            FdSets* fd_sets = nullptr);
    static Result<std::unique_ptr<FileChannel>> open_file(const std::string& path, uint64_t offset,
                                                          FdSets* fd_sets = nullptr);
    // A descriptor that is open in this direction; its position stays.
    enum class Direction : uint8_t { kRead, kWrite };
    static Result<std::unique_ptr<FileChannel>> adopt(UniqueFd fd, Direction direction,
                                                      std::string name);

    Result<std::optional<size_t>> try_read(Bytes buffer) override;
    using Channel::try_write;
    Result<std::optional<size_t>> try_write(std::span<const ConstBytes> parts) override;
    bool two_way() const override { return false; }
    Result<void> finish_writing(Deadline deadline) override;
    // Not for character devices, nor for a file that is open for appending.
    RandomAccess* random_access() override { return seekable_ ? this : nullptr; }
    std::string peer_name() const override { return name_; }

 private:
    FileChannel(UniqueFd fd, Direction direction, bool seekable, std::string name)
        : fd_(std::move(fd)), direction_(direction), seekable_(seekable), name_(std::move(name)) {}
    static Result<std::unique_ptr<FileChannel>> open_at(const std::string& path, uint64_t offset,
                                                        Direction direction, FdSets* fd_sets);
    WaitOutcome wait(FdEvents direction, Deadline deadline) override;
    void on_shutdown() noexcept override {}
    Result<void> use_direct_io() override;
    int descriptor_for(uint64_t offset, ConstBytes data) const;
    Result<void> read_at(uint64_t offset, Bytes data) override;
    Result<void> write_at(uint64_t offset, ConstBytes data) override;
    Result<uint64_t> position() override;
    Result<void> seek(uint64_t offset) override;

    FdUse use_;  // outlives fd_
    UniqueFd fd_;
    UniqueFd direct_fd_;  // the same file past the host's cache, if that is wanted
    const Direction direction_;
    const bool seekable_;
    std::string name_;
};

}  // namespace qc::io
