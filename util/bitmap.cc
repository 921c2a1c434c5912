// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/bitmap.h"

#include <algorithm>
#include <bit>

#include "util/assert.h"

namespace qc {

namespace {

// The bits of the last word that lie inside a bitmap of `bits` bits.
uint64_t last_word_mask(size_t bits) {
    return bits % 64 == 0 ? ~uint64_t{0} : (uint64_t{1} << (bits % 64)) - 1;
}

// The first bit at or after `from` of the words, each xor-ed with `invert`.
size_t find_next(const std::vector<uint64_t>& words, size_t bits, size_t from, uint64_t invert) {
    if (from >= bits) return bits;
    size_t index = from / 64;
    uint64_t word = (words[index] ^ invert) & (~uint64_t{0} << (from % 64));
    while (word == 0) {
        if (++index * 64 >= bits) return bits;
        word = words[index] ^ invert;
    }
    return std::min(bits, index * 64 + static_cast<size_t>(std::countr_zero(word)));
}

// Calls `change(word, mask)` for each word that [first, first + count) touches.
template <typename Change>
void for_range(size_t bits, size_t first, size_t count, Change change) {
    QC_ASSERT(first <= bits && count <= bits - first);
    const size_t end = first + count;
    while (first < end) {
        const size_t low = first % 64;
        const size_t length = std::min(end - first, 64 - low);
        const uint64_t ones = length == 64 ? ~uint64_t{0} : (uint64_t{1} << length) - 1;
        change(first / 64, ones << low);
        first += length;
    }
}

}  // namespace

void Bitmap::set_range(size_t first, size_t count) {
    for_range(bits_, first, count, [&](size_t word, uint64_t mask) { words_[word] |= mask; });
}

void Bitmap::clear_range(size_t first, size_t count) {
    for_range(bits_, first, count, [&](size_t word, uint64_t mask) { words_[word] &= ~mask; });
}

void Bitmap::set_all() {
    if (words_.empty()) return;
    std::ranges::fill(words_, ~uint64_t{0});
    words_.back() &= last_word_mask(bits_);
}

void Bitmap::clear_all() {
    std::ranges::fill(words_, 0);
}

void Bitmap::or_with(const Bitmap& other) {
    QC_ASSERT(other.bits_ == bits_);
    for (size_t i = 0; i < words_.size(); ++i)
        words_[i] |= other.words_[i];
}

void Bitmap::and_not(const Bitmap& other) {
    QC_ASSERT(other.bits_ == bits_);
    for (size_t i = 0; i < words_.size(); ++i)
        words_[i] &= ~other.words_[i];
}

size_t Bitmap::count() const {
    size_t total = 0;
    for (uint64_t word : words_)
        total += static_cast<size_t>(std::popcount(word));
    return total;
}

bool Bitmap::none() const {
    return std::ranges::all_of(words_, [](uint64_t word) { return word == 0; });
}

size_t Bitmap::find_next_set(size_t from) const {
    return find_next(words_, bits_, from, 0);
}

size_t Bitmap::find_next_clear(size_t from) const {
    return find_next(words_, bits_, from, ~uint64_t{0});
}

size_t Bitmap::run_length(size_t first, size_t most) const {
    QC_ASSERT(first <= bits_);
    const size_t end = first + std::min(most, bits_ - first);
    return find_next(words_, end, first, ~uint64_t{0}) - first;
}

AtomicBitmap::AtomicBitmap(size_t bits)
    : bits_(bits), words_(std::make_unique<std::atomic<uint64_t>[]>((bits + 63) / 64)) {}

void AtomicBitmap::set_range(size_t first, size_t count) {
    for_range(bits_, first, count, [&](size_t word, uint64_t mask) {
        words_[word].fetch_or(mask, std::memory_order_release);
    });
}

void AtomicBitmap::clear_range(size_t first, size_t count) {
    for_range(bits_, first, count, [&](size_t word, uint64_t mask) {
        words_[word].fetch_and(~mask, std::memory_order_release);
    });
}

void AtomicBitmap::clear_all() {
    const size_t words = (bits_ + 63) / 64;
    for (size_t i = 0; i < words; ++i)
        words_[i].store(0, std::memory_order_release);
}

void AtomicBitmap::assign(const Bitmap& other) {
    QC_ASSERT(other.size() == bits_);
    for (size_t i = 0; i < other.words().size(); ++i)
        words_[i].store(other.words()[i], std::memory_order_release);
}

void AtomicBitmap::drain_into(Bitmap& into) {
    QC_ASSERT(into.size() == bits_);
    std::vector<uint64_t>& target = into.words();
    for (size_t i = 0; i < target.size(); ++i) {
        // Most words are zero in most harvests, and a plain load does not take the
        // cache line away from a writer as an exchange would.
        if (words_[i].load(std::memory_order_relaxed) == 0) continue;
        target[i] |= words_[i].exchange(0, std::memory_order_acq_rel);
    }
}

}  // namespace qc
