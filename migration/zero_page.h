// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <span>

namespace qc::migration {

// True if every byte is 0. `page` is a whole number of 256-byte pieces. A guest
// may write it meanwhile: the answer is then about one of its contents, and the
// dirty log has the page again.
bool is_zero_page(std::span<const std::byte> page);

}  // namespace qc::migration
