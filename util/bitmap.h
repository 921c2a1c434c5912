// SPDX-License-Identifier: GPL-2.0-or-later
//
// Bitmaps over page numbers. `Bitmap` belongs to one thread; `AtomicBitmap` is
// set by vCPUs and DMA while another thread harvests it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace qc {

class Bitmap {
 public:
    Bitmap() = default;
    explicit Bitmap(size_t bits) : bits_(bits), words_((bits + 63) / 64) {}

    size_t size() const { return bits_; }
    bool test(size_t bit) const { return (words_[bit / 64] >> (bit % 64)) & 1; }
    void set(size_t bit) { words_[bit / 64] |= uint64_t{1} << (bit % 64); }
    void clear(size_t bit) { words_[bit / 64] &= ~(uint64_t{1} << (bit % 64)); }
    // [first, first + count) lies in the bitmap.
    void set_range(size_t first, size_t count);
    void clear_range(size_t first, size_t count);
    void set_all();
    void clear_all();
    void or_with(const Bitmap& other);
    // Clears what is set in `other`.
    void and_not(const Bitmap& other);
    size_t count() const;
    bool none() const;

    // The first set (clear) bit at or after `from`; size() if there is none.
    size_t find_next_set(size_t from) const;
    size_t find_next_clear(size_t from) const;
    // How many bits from `first` on are set in a row; it does not look beyond `most`.
    size_t run_length(size_t first, size_t most) const;

    // Bit b of word w is page 64*w+b. Bits past size() are zero.
    std::vector<uint64_t>& words() { return words_; }
    const std::vector<uint64_t>& words() const { return words_; }

 private:
    size_t bits_ = 0;
    std::vector<uint64_t> words_;
};

class AtomicBitmap {
 public:
    explicit AtomicBitmap(size_t bits);

    size_t size() const { return bits_; }
    bool test(size_t bit) const {
        return (words_[bit / 64].load(std::memory_order_acquire) >> (bit % 64)) & 1;
    }
    // The same, and nothing that the caller read before is read after it: a reader that
    // finds the bit still set has seen what was there before whoever clears it goes on.
    bool test_after_reads(size_t bit) const {
        return (words_[bit / 64].fetch_or(0, std::memory_order_acq_rel) >> (bit % 64)) & 1;
    }
    void set(size_t bit) {
        words_[bit / 64].fetch_or(uint64_t{1} << (bit % 64), std::memory_order_release);
    }
    void clear(size_t bit) {
        words_[bit / 64].fetch_and(~(uint64_t{1} << (bit % 64)), std::memory_order_release);
    }
    // True for the one caller, of several at once, that found the bit set.
    bool test_and_clear(size_t bit) {
        const uint64_t mask = uint64_t{1} << (bit % 64);
        return (words_[bit / 64].fetch_and(~mask, std::memory_order_acq_rel) & mask) != 0;
    }
    void set_range(size_t first, size_t count);
    void clear_range(size_t first, size_t count);
    void clear_all();
    // Becomes a copy of `other`, which has as many bits. Nobody else is at work.
    void assign(const Bitmap& other);

    // Moves every set bit into `into` (or-ing) and clears it here. Bits set
    // concurrently are either moved or stay; none is lost.
    void drain_into(Bitmap& into);

 private:
    size_t bits_;
    std::unique_ptr<std::atomic<uint64_t>[]> words_;
};

}  // namespace qc
