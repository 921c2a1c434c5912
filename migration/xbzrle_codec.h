// SPDX-License-Identifier: GPL-2.0-or-later
//
// XBZRLE: what changed in a page since its last version, as the run lengths of the
// bytes of their exclusive or. The encoding is pairs of
//
//     unchanged bytes, ULEB128 (0 only at the very start)
//     changed bytes, ULEB128, not 0, and these bytes as they are now
//
// Unchanged bytes at the page's end are not mentioned.
//
// Threading: pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "util/result.h"

namespace qc::migration {

// How many bytes of `out` the difference takes: 0 if the pages are equal, nothing if
// it does not fit. The pages have the same size, at most 16383 bytes.
std::optional<size_t> xbzrle_encode(std::span<const std::byte> before,
                                    std::span<const std::byte> now, std::span<std::byte> out);

// Changes `page` from the version before to the one that was encoded. After an error
// it holds neither.
Result<void> xbzrle_decode(std::span<const std::byte> encoded, std::span<std::byte> page);

}  // namespace qc::migration
