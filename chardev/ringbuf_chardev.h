// SPDX-License-Identifier: GPL-2.0-or-later
//
// The back end "ringbuf", or "memory": keeps the newest bytes of the output until
// somebody reads them.
//
// Threading: as Chardev; read() and put() are thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "chardev/chardev_config.h"
#include "chardev/local_chardev.h"
#include "util/mutex.h"

namespace qc::chardev {

class RingbufChardev final : public LocalChardev {
 public:
    // A size that is no power of two, or too large, is refused.
    static Result<std::unique_ptr<RingbufChardev>> create(EventLoop& loop, std::string id,
                                                          const RingbufConfig& config);

    std::string_view backend() const override { return name_; }
    std::string description() const override { return name_; }
    // What was pushed out counts as dropped.
    ChardevCounters counters() const override;

    // Takes out the oldest bytes, `size` at most.
    std::string read(size_t size);
    void put(std::span<const std::byte> data);

 private:
    RingbufChardev(EventLoop& loop, std::string id, const RingbufConfig& config);
    size_t write(std::span<const std::byte> data) override;

    std::string name_;
    mutable Mutex mutex_;
    std::vector<std::byte> buffer_ GUARDED_BY(mutex_);
    // Counted from the beginning of time; the buffer holds [first_, end_).
    uint64_t first_ GUARDED_BY(mutex_) = 0;
    uint64_t end_ GUARDED_BY(mutex_) = 0;
    ChardevCounters counters_ GUARDED_BY(mutex_);
};

}  // namespace qc::chardev
