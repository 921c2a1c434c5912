// SPDX-License-Identifier: GPL-2.0-or-later
//
// A large piece of anonymous memory of the host: zeros, allocated page by page when
// touched, left out of core dumps. In huge pages where the host gives them to who
// asks (MADV_HUGEPAGE), which saves most of the faults and TLB misses of walking
// through a guest's memory.
//
// Threading: plain memory; the object itself belongs to its owner.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "util/result.h"

namespace qc {

// Small pages for what is touched here and there, and must not take more than that.
enum class HostPages : uint8_t { kHuge, kSmall };

class HostMemory {
 public:
    HostMemory() = default;
    ~HostMemory();
    HostMemory(HostMemory&& other) noexcept { swap(other); }
    HostMemory& operator=(HostMemory&& other) noexcept {
        swap(other);
        return *this;
    }

    // `size` > 0, in bytes. The error carries the reason; the caller adds what it
    // wanted the memory for.
    static Result<HostMemory> map(uint64_t size, HostPages pages = HostPages::kHuge);

    std::byte* data() const { return data_; }
    uint64_t size() const { return size_; }
    std::span<std::byte> bytes() const { return {data_, size_}; }
    bool empty() const { return data_ == nullptr; }

    // Gives the host back what whole pages of [offset, size()) hold; they are zeros then.
    void discard_from(uint64_t offset);

 private:
    void swap(HostMemory& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
    }

    std::byte* data_ = nullptr;
    uint64_t size_ = 0;
};

}  // namespace qc
