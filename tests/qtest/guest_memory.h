// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the memory of a page incrementer (tests/guest/page_incrementer.S) must
// look like at any moment, after a migration or a failover above all.
#pragma once

#include <cstdint>
#include <string_view>

#include "tests/qtest/vm.h"

namespace qc::qtest {

struct GuestRange {
    uint64_t first;
    uint64_t end;
};
// The ranges of the two images.
inline constexpr GuestRange kIncrementer = {0x100000, 0x6400000};
inline constexpr GuestRange kSmallIncrementer = {0x100000, 0x900000};

// Looks at byte 0 of each page of the range; a running guest is stopped for it.
Result<void> check_incrementer(Vm& vm, GuestRange range);

// The rule: the bytes are one run of V, followed by at most one run of V - 1.
Result<void> check_one_step(std::string_view page_bytes);

}  // namespace qc::qtest
