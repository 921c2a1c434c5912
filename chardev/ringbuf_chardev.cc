// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/ringbuf_chardev.h"

#include <algorithm>
#include <bit>

namespace qc::chardev {

namespace {

constexpr uint64_t kMaxSize = uint64_t{1} << 30;

}  // namespace

RingbufChardev::RingbufChardev(EventLoop& loop, std::string id, const RingbufConfig& config)
    : LocalChardev(loop, std::move(id)), name_(config.name), buffer_(config.size) {}

Result<std::unique_ptr<RingbufChardev>> RingbufChardev::create(EventLoop& loop, std::string id,
                                                               const RingbufConfig& config) {
    if (!std::has_single_bit(config.size))
        return fail("size of ringbuf chardev must be power of two");
    if (config.size > kMaxSize) return fail("size of ringbuf chardev is at most {}", kMaxSize);
    return std::unique_ptr<RingbufChardev>(new RingbufChardev(loop, std::move(id), config));
}

ChardevCounters RingbufChardev::counters() const {
    MutexLock lock(mutex_);
    return counters_;
}

void RingbufChardev::put(std::span<const std::byte> data) {
    MutexLock lock(mutex_);
    for (const std::byte byte : data)
        buffer_[end_++ % buffer_.size()] = byte;
    counters_.bytes_written += data.size();
    if (end_ - first_ <= buffer_.size()) return;
    counters_.bytes_dropped += end_ - first_ - buffer_.size();
    first_ = end_ - buffer_.size();
}

std::string RingbufChardev::read(size_t size) {
    MutexLock lock(mutex_);
    std::string text;
    const uint64_t until = first_ + std::min<uint64_t>(size, end_ - first_);
    while (first_ < until)
        text += static_cast<char>(buffer_[first_++ % buffer_.size()]);
    return text;
}

size_t RingbufChardev::write(std::span<const std::byte> data) {
    put(data);
    return data.size();
}

}  // namespace qc::chardev
