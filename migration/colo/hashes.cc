// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/hashes.h"

#include <xxhash.h>

namespace qc::migration::colo {

Hash128 hash_bytes(std::span<const std::byte> data) {
    XXH128_hash_t hash = XXH3_128bits(data.data(), data.size());
    return {hash.high64, hash.low64};
}

bool can_verify(const memory::RamList& ram) {
    // Leaves room for the counts and the components.
    constexpr uint64_t kMostPages = (kMaxPayload - 1024 * 1024) / sizeof(Hash128);
    return ram.total_bytes() / memory::kPageSize <= kMostPages;
}

HashesMessage hash_machine(const memory::RamList& ram, std::span<const SavedComponent> saved) {
    HashesMessage hashes;
    for (const auto& block : ram.blocks()) {
        std::vector<Hash128>& pages = hashes.blocks.emplace_back();
        pages.reserve(block->page_count());
        for (uint64_t page = 0; page < block->page_count(); ++page)
            pages.push_back(hash_bytes(block->page(page)));
    }
    for (const SavedComponent& component : saved)
        hashes.components.push_back(hash_bytes(component.data));
    return hashes;
}

Result<void> compare_hashes(const HashesMessage& ours, const HashesMessage& theirs,
                            const memory::RamList& ram, std::span<const SavedComponent> saved) {
    if (theirs.blocks.size() != ours.blocks.size() ||
        theirs.components.size() != ours.components.size()) {
        return fail("verification: the secondary has another number of blocks or components");
    }
    for (size_t b = 0; b < ours.blocks.size(); ++b) {
        const std::string& id = ram.blocks()[b]->id();
        if (theirs.blocks[b].size() != ours.blocks[b].size()) {
            return fail("verification: RAM block '{}' has another size on the secondary", id);
        }
        for (size_t page = 0; page < ours.blocks[b].size(); ++page) {
            if (theirs.blocks[b][page] != ours.blocks[b][page]) {
                return fail("verification: RAM block '{}' differs in page {}", id, page);
            }
        }
    }
    for (size_t i = 0; i < ours.components.size(); ++i) {
        if (theirs.components[i] != ours.components[i]) {
            return fail("verification: the state of '{}' differs",
                        component_label(saved[i].name, saved[i].instance));
        }
    }
    return {};
}

}  // namespace qc::migration::colo
