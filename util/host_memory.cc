// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/host_memory.h"

#include <sys/mman.h>

#include <cerrno>

#include "util/assert.h"

namespace qc {

namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kHugePage = 2 * 1024 * 1024;

uint64_t round_up_to_page(uint64_t size) {
    return (size + kPage - 1) / kPage * kPage;
}

}  // namespace

Result<HostMemory> HostMemory::map(uint64_t size, HostPages pages) {
    QC_ASSERT(size > 0);
    // Huge pages need their alignment: a little more is reserved, and what is too
    // much at both ends is given back.
    const bool huge = pages == HostPages::kHuge && size >= kHugePage;
    const uint64_t slack = huge ? kHugePage : 0;
    if (size + slack < size) return fail_errno(ENOMEM, "cannot map {} bytes", size);
    void* mapped = mmap(nullptr, size + slack, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) return fail_errno(errno, "cannot map {} bytes", size);
    auto* start = static_cast<std::byte*>(mapped);
    const uint64_t misaligned = reinterpret_cast<uintptr_t>(start) % kHugePage;
    const uint64_t head = slack > 0 && misaligned > 0 ? kHugePage - misaligned : 0;
    const uint64_t used = head + round_up_to_page(size);
    if (head > 0) munmap(start, head);
    if (used < size + slack) munmap(start + used, size + slack - used);
    HostMemory memory;
    memory.data_ = start + head;
    memory.size_ = size;
    (void)madvise(memory.data_, size, MADV_DONTDUMP);
    (void)madvise(memory.data_, size, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    return memory;
}

HostMemory::~HostMemory() {
    if (data_ != nullptr) munmap(data_, size_);
}

void HostMemory::discard_from(uint64_t offset) {
    const uint64_t first = round_up_to_page(offset);
    if (first < size_) (void)madvise(data_ + first, size_ - first, MADV_DONTNEED);
}

}  // namespace qc
