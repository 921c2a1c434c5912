// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/page_cache.h"

#include <new>

namespace qc::migration {

namespace {

// More places than this would not be a cache but a second guest.
constexpr uint64_t kMaxBytes = uint64_t{1} << 36;
constexpr uint32_t kLately = 2;

}  // namespace

Result<std::unique_ptr<PageCache>> PageCache::create(uint64_t bytes) {
    auto refuse = [&] { return fail("no memory for an XBZRLE cache of {} bytes", bytes); };
    if (bytes > kMaxBytes) return refuse();
    // Uninitialised: the host gives pages to it as they are used.
    std::unique_ptr<std::byte[]> data(new (std::nothrow) std::byte[bytes]);
    if (data == nullptr) return refuse();
    return std::unique_ptr<PageCache>(
        new PageCache(std::vector<Place>(bytes / kPageBytes), std::move(data)));
}

std::byte* PageCache::find(uint64_t number) {
    size_t index = index_of(number);
    if (places_[index].number != number) return nullptr;
    places_[index].used = generation_;
    return data_at(index);
}

std::byte* PageCache::insert(uint64_t number) {
    size_t index = index_of(number);
    Place& place = places_[index];
    bool lately = place.number != kNobody && generation_ - place.used < kLately;
    if (place.number != number && lately) return nullptr;
    place = {number, generation_};
    return data_at(index);
}

void PageCache::erase(uint64_t number) {
    Place& place = places_[index_of(number)];
    if (place.number == number) place = {};
}

}  // namespace qc::migration
