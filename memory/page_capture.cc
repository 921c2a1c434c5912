// SPDX-License-Identifier: GPL-2.0-or-later
#include "memory/page_capture.h"

#include <bit>
#include <cstring>
#include <thread>

#include "memory/phys_addr.h"
#include "util/assert.h"

namespace qc::memory {

namespace {

// Copies beyond these are given back to the host: one large capture is no reason
// to keep that much memory for ever.
constexpr uint64_t kKeptPages = 32768;

}  // namespace

PageCapture::PageCapture(std::span<const std::byte> memory)
    : memory_(memory),
      captured_(memory.size() / kPageSize),
      captured_before_word_(captured_.words().size()),
      unclaimed_(captured_.size()),
      copied_(captured_.size()) {}

Result<void> PageCapture::begin(const Bitmap& pages) {
    QC_ASSERT(!active() && pages.size() == captured_.size());
    if (copies_.empty()) {
        copies_ = TRY(HostMemory::map(memory_.size()).context("no memory for captured pages"));
    }
    captured_ = pages;
    captured_count_ = 0;
    for (size_t word = 0; word < captured_.words().size(); ++word) {
        captured_before_word_[word] = captured_count_;
        captured_count_ += static_cast<uint64_t>(std::popcount(captured_.words()[word]));
    }
    unclaimed_.assign(captured_);
    copied_.clear_all();
    active_.store(true, std::memory_order_release);
    return {};
}

void PageCapture::end() {
    active_.store(false, std::memory_order_release);
    if (captured_count_ > kKeptPages) {
        copies_.discard_from(kKeptPages * kPageSize);
    }
}

std::span<const std::byte> PageCapture::hold(uint64_t first, uint64_t count) {
    for (uint64_t page = first; page < first + count; ++page)
        copy(page);
    return copies_.bytes().subspan(slot(first) * kPageSize, count * kPageSize);
}

void PageCapture::copy(uint64_t page) {
    if (copied_.test(page)) return;
    if (unclaimed_.test_and_clear(page)) {
        std::memcpy(copies_.data() + slot(page) * kPageSize, memory_.data() + page * kPageSize,
                    kPageSize);
        copied_.set(page);
        return;
    }
    await_copy(page);
}

// Somebody else is at it, for less than a microsecond unless it is preempted.
void PageCapture::await_copy(uint64_t page) const {
    while (!copied_.test(page))
        std::this_thread::yield();
}

uint64_t PageCapture::slot(uint64_t page) const {
    const uint64_t below = (uint64_t{1} << (page % 64)) - 1;
    const uint64_t word = captured_.words()[page / 64];
    return captured_before_word_[page / 64] + static_cast<uint64_t>(std::popcount(word & below));
}

}  // namespace qc::memory
