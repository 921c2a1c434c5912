// SPDX-License-Identifier: GPL-2.0-or-later
//
// A file in memory, for tests of what reads and writes at positions.
//
// Threading: as io::RandomAccess; the contents are looked at while nobody is at work.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "io/random_access.h"
#include "util/mutex.h"

namespace qc::migration {

class TestFile final : public io::Channel, private io::RandomAccess {
 public:
    // The contents outlive it.
    explicit TestFile(std::vector<std::byte>& contents) : contents_(contents) {}

    Result<std::optional<size_t>> try_read(io::Bytes buffer) override {
        MutexLock lock(mutex_);
        if (position_ >= contents_.size()) return std::optional<size_t>(0);
        const size_t count = std::min<size_t>(buffer.size(), contents_.size() - position_);
        std::memcpy(buffer.data(), contents_.data() + position_, count);
        position_ += count;
        return std::optional<size_t>(count);
    }
    using Channel::try_write;
    Result<std::optional<size_t>> try_write(std::span<const io::ConstBytes> parts) override {
        TRY(write_at(position_, parts.front()));
        position_ += parts.front().size();
        return std::optional<size_t>(parts.front().size());
    }
    bool two_way() const override { return false; }
    io::RandomAccess* random_access() override { return this; }
    std::string peer_name() const override { return "test file"; }

    // It has no file system that could.
    Result<void> use_direct_io() override { return fail("no direct I/O with a test file"); }
    Result<void> read_at(uint64_t offset, io::Bytes data) override {
        MutexLock lock(mutex_);
        if (offset > contents_.size() || data.size() > contents_.size() - offset) {
            return fail("reading from test file: it ends at offset {:#x}", contents_.size());
        }
        if (!data.empty()) std::memcpy(data.data(), contents_.data() + offset, data.size());
        return {};
    }
    Result<void> write_at(uint64_t offset, io::ConstBytes data) override {
        MutexLock lock(mutex_);
        if (data.empty()) return {};
        if (contents_.size() < offset + data.size()) contents_.resize(offset + data.size());
        std::memcpy(contents_.data() + offset, data.data(), data.size());
        return {};
    }
    Result<uint64_t> position() override { return position_; }
    Result<void> seek(uint64_t offset) override {
        position_ = offset;
        return {};
    }

 private:
    io::WaitOutcome wait(FdEvents, io::Deadline) override { return io::WaitOutcome::kReady; }
    void on_shutdown() noexcept override {}

    Mutex mutex_;
    std::vector<std::byte>& contents_;
    uint64_t position_ = 0;
};

}  // namespace qc::migration
