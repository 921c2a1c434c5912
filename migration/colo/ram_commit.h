// SPDX-License-Identifier: GPL-2.0-or-later
//
// The secondary's commit of RAM: pages are copied from the cache or the staging area
// to RAM, by several threads if it is many.
//
// Threading: the guest stands still and the cache does not change.
#pragma once

#include <cstdint>
#include <vector>

#include "memory/ram_list.h"
#include "migration/colo/ram_cache.h"
#include "util/bitmap.h"

namespace qc::migration::colo {

// `pages` has one bitmap a block. Returns how many pages were copied.
uint64_t commit_pages(const memory::RamList& ram, const RamCache& cache,
                      const std::vector<Bitmap>& pages);

}  // namespace qc::migration::colo
