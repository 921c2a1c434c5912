// SPDX-License-Identifier: GPL-2.0-or-later
//
// What an arbiter keeps on a disk: 512 bytes, which a disk writes whole or not at all,
// that end with a hash of the rest.
//
// Threading: pure functions on plain values.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "util/bytes.h"
#include "util/result.h"

namespace qc::migration::heartbeat {

inline constexpr size_t kSealedRecordSize = 512;

// Begins with `magic`, on which `fields` follow; the rest is zeros.
std::vector<std::byte> seal_record(uint32_t magic, const ByteWriter& fields);

// At the first of the fields.
Result<ByteReader> open_record(uint32_t magic, std::span<const std::byte> bytes);

}  // namespace qc::migration::heartbeat
