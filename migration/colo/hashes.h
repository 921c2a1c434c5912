// SPDX-License-Identifier: GPL-2.0-or-later
//
// What x-colo-verify compares: XXH3-128 of every page and of every component's
// state.
//
// Threading: the guest stands still.
#pragma once

#include <span>

#include "memory/ram_list.h"
#include "migration/colo/codec.h"
#include "migration/device_state.h"

namespace qc::migration::colo {

Hash128 hash_bytes(std::span<const std::byte> data);
// False if the machine has more pages than one HASHES message can hold.
bool can_verify(const memory::RamList& ram);
HashesMessage hash_machine(const memory::RamList& ram, std::span<const SavedComponent> saved);
// An error names the first block and page, or the component, that differs.
Result<void> compare_hashes(const HashesMessage& ours, const HashesMessage& theirs,
                            const memory::RamList& ram, std::span<const SavedComponent> saved);

}  // namespace qc::migration::colo
