// SPDX-License-Identifier: GPL-2.0-or-later
//
// A large piece of the host's memory, allocated page by page when touched: anonymous,
// which begins as zeros, or a file's. In huge pages where the host gives them to who
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

// How memory is mapped if not as anonymous memory of this process alone, left out of
// core dumps.
struct HostMapping {
    int fd = -1;          // stays the caller's; -1: anonymous
    uint64_t offset = 0;  // in the file, a multiple of page_size
    bool shared = false;  // with who maps the same
    bool reserve = true;  // swap space, or huge pages of the pool
    bool dump = true;     // in core dumps
    bool merge = false;   // pages that are equal may become one (KSM)
    // Of the address: a power of two, at least page_size; 0: what huge pages need.
    uint64_t alignment = 0;
    uint64_t page_size = 4096;  // a hugetlbfs file's is larger
};

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
    static Result<HostMemory> map(uint64_t size, const HostMapping& how);

    std::byte* data() const { return data_; }
    uint64_t size() const { return size_; }
    std::span<std::byte> bytes() const { return {data_, size_}; }
    bool empty() const { return data_ == nullptr; }

    // Has the host allocate all of it now, by that many threads; contents stay, whoever
    // writes meanwhile. Too little memory is an error, where touching a page would end
    // the process.
    Result<void> populate(unsigned threads);

    // Gives the host back what whole pages of [offset, size()) hold; they are zeros then.
    void discard_from(uint64_t offset);

 private:
    void swap(HostMemory& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(mapped_, other.mapped_);
    }

    std::byte* data_ = nullptr;
    uint64_t size_ = 0;
    uint64_t mapped_ = 0;  // in whole pages
};

}  // namespace qc
