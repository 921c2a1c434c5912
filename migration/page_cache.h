// SPDX-License-Identifier: GPL-2.0-or-later
//
// Pages as they were sent last, for XBZRLE: each number has one place, which it
// shares with others. A page that was used lately keeps its place.
//
// Threading: one thread. Owned by XbzrlePageSink.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "util/result.h"

namespace qc::migration {

class PageCache {
 public:
    // `bytes` is a power of two, not less than a page.
    static Result<std::unique_ptr<PageCache>> create(uint64_t bytes);

    // The place of page `number` if it is here, else null. It counts as used.
    std::byte* find(uint64_t number);
    // A place for it, with any contents; null if a page that was used lately has it.
    std::byte* insert(uint64_t number);
    void erase(uint64_t number);
    // Another pass over memory begins: used lately is since two passes.
    void age() { ++generation_; }

    uint64_t bytes() const { return places_.size() * kPageBytes; }

 private:
    static constexpr size_t kPageBytes = 4096;
    static constexpr uint64_t kNobody = ~uint64_t{0};
    struct Place {
        uint64_t number = kNobody;
        uint32_t used = 0;
    };

    PageCache(std::vector<Place> places, std::unique_ptr<std::byte[]> data)
        : places_(std::move(places)), data_(std::move(data)) {}
    size_t index_of(uint64_t number) const { return number & (places_.size() - 1); }
    std::byte* data_at(size_t index) { return data_.get() + index * kPageBytes; }

    std::vector<Place> places_;
    std::unique_ptr<std::byte[]> data_;
    uint32_t generation_ = 1;
};

}  // namespace qc::migration
