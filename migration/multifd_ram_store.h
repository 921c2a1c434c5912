// SPDX-License-Identifier: GPL-2.0-or-later
//
// Multifd pages into the memory of a machine that does not run.
//
// Threading: as MultifdStore. Owned by PrecopyLoader.
#pragma once

#include "memory/ram_list.h"
#include "migration/multifd_store.h"

namespace qc::migration {

class MultifdRamStore final : public MultifdStore {
 public:
    explicit MultifdRamStore(const memory::RamList& ram) : ram_(ram) {}

    std::span<std::byte> target(uint32_t block, PageSpan range) override;
    void stored(uint32_t block, PageSpan range) override;
    void store_zeros(uint32_t block, PageSpan range) override;

 private:
    const memory::RamList& ram_;
};

}  // namespace qc::migration
