// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/host_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <vector>

#include "util/assert.h"
#include "util/bus_error.h"
#include "util/thread.h"

namespace qc {

namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kHugePage = 2 * 1024 * 1024;

uint64_t round_up(uint64_t size, uint64_t unit) {
    return (size + unit - 1) / unit * unit;
}

// Address space of `size` bytes at a multiple of `alignment`, with nothing behind it.
// Alignment needs a little more than the size, and what is too much at both ends is
// given back.
std::byte* reserve_aligned(uint64_t size, uint64_t alignment) {
    const uint64_t slack = alignment > kPage ? alignment : 0;
    if (size + slack < size) return nullptr;
    void* mapped =
        mmap(nullptr, size + slack, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) return nullptr;
    auto* start = static_cast<std::byte*>(mapped);
    const uint64_t misaligned = slack > 0 ? reinterpret_cast<uintptr_t>(start) % alignment : 0;
    const uint64_t head = misaligned > 0 ? alignment - misaligned : 0;
    if (head > 0) munmap(start, head);
    if (slack > head) munmap(start + head + size, slack - head);
    return start + head;
}

// 0 or an errno value. Each page is written as it is.
int populate_pages(std::span<std::byte> bytes) {
    constexpr int kPopulateWrite = 23;  // MADV_POPULATE_WRITE: since Linux 5.14
    while (madvise(bytes.data(), bytes.size(), kPopulateWrite) != 0) {
        if (errno == EINVAL) return touch_pages(bytes) ? 0 : ENOMEM;
        if (errno != EINTR && errno != EAGAIN) return errno;
    }
    return 0;
}

}  // namespace

Result<HostMemory> HostMemory::map(uint64_t size, HostPages pages) {
    const bool huge = pages == HostPages::kHuge && size >= kHugePage;
    HostMemory memory =
        TRY(map(size, {.reserve = false, .dump = false, .alignment = huge ? kHugePage : kPage}));
    if (!huge) (void)madvise(memory.data_, memory.mapped_, MADV_NOHUGEPAGE);
    return memory;
}

Result<HostMemory> HostMemory::map(uint64_t size, const HostMapping& how) {
    QC_ASSERT(size > 0);
    const bool huge = size >= kHugePage;
    const uint64_t alignment =
        std::max(how.alignment != 0 ? how.alignment : (huge ? kHugePage : kPage), how.page_size);
    const uint64_t mapped = round_up(size, how.page_size);
    if (mapped < size) return fail_errno(ENOMEM, "cannot map {} bytes", size);
    std::byte* const place = reserve_aligned(mapped, alignment);
    if (place == nullptr) return fail_errno(ENOMEM, "cannot map {} bytes", size);
    HostMemory memory;
    memory.data_ = place;
    memory.size_ = size;
    memory.mapped_ = mapped;
    const int flags = MAP_FIXED | (how.shared ? MAP_SHARED : MAP_PRIVATE) |
                      (how.fd < 0 ? MAP_ANONYMOUS : 0) | (how.reserve ? 0 : MAP_NORESERVE);
    if (mmap(place, mapped, PROT_READ | PROT_WRITE, flags, how.fd,
             static_cast<off_t>(how.offset)) == MAP_FAILED) {
        return fail_errno(errno, "cannot map {} bytes", size);
    }
    if (!how.dump) (void)madvise(place, mapped, MADV_DONTDUMP);
    if (how.merge) (void)madvise(place, mapped, MADV_MERGEABLE);
    if (huge) (void)madvise(place, mapped, MADV_HUGEPAGE);
    return memory;
}

HostMemory::~HostMemory() {
    if (data_ != nullptr) munmap(data_, mapped_);
}

Result<void> HostMemory::populate(unsigned threads) {
    const uint64_t share = round_up(mapped_ / std::max(threads, 1U) + 1, kHugePage);
    std::atomic<int> error{0};
    auto work = [&](uint64_t first) {
        const uint64_t count = std::min(share, mapped_ - first);
        const int result = populate_pages({data_ + first, count});
        if (result != 0) error = result;
    };
    std::vector<Thread> others;
    for (uint64_t first = share; first < mapped_; first += share)
        others.emplace_back("prealloc", [&work, first] { work(first); });
    work(0);
    for (Thread& thread : others)
        thread.join();
    if (error != 0) {
        return fail_errno(
            error, "insufficient free host memory pages available to allocate {} bytes", size_);
    }
    return {};
}

void HostMemory::discard_from(uint64_t offset) {
    const uint64_t first = round_up(offset, kPage);
    if (first < size_) (void)madvise(data_ + first, size_ - first, MADV_DONTNEED);
}

}  // namespace qc
