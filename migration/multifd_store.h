// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "migration/multifd_packet.h"

namespace qc::migration {

// Where the pages go that arrive over multifd: the guest's RAM, COLO's cache, or
// both.
//
// Threading: all receiver threads at once. Ranges lie inside their block. If a
// peer sends one page over two channels between two barriers, any mixture of the
// two may be stored.
class MultifdStore {
 public:
    virtual ~MultifdStore() = default;
    // Where the bytes of normal pages are to be put...
    virtual std::span<std::byte> target(uint32_t block, PageSpan range) = 0;
    // ... and that they are there.
    virtual void stored(uint32_t block, PageSpan range) = 0;
    virtual void store_zeros(uint32_t block, PageSpan range) = 0;
};

}  // namespace qc::migration
