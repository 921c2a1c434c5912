// SPDX-License-Identifier: GPL-2.0-or-later
//
// What must hold for the two sides of a COLO pair that has come apart: the one that
// goes on alone, and the one that was told nothing. Both run a page incrementer
// (tests/guest/page_incrementer.S).
//
// Threading: one thread.
#pragma once

#include <string>
#include <string_view>

#include "tests/qtest/guest_memory.h"
#include "tests/qtest/vm.h"

namespace qc::qtest {

// "primary" or "secondary", as QMP calls a side's mode.
using Role = std::string_view;

// `query-colo-status`; the answer is waited for, as a mode is told a moment after it began.
Result<void> wait_colo_status(Vm& vm, Role mode, Role last_mode, std::string_view reason);
Result<void> wait_run_state(Vm& vm, std::string_view wanted);

// True if the guest prints nothing for a while in which it would print often.
bool is_silent(Vm& vm);

// Waits until it has told of its exit; the event stays where it is.
Result<void> wait_exit(Vm& vm);

// Tells it to go on alone, which must be refused: "CLASS: text".
Result<std::string> refused_order(Vm& vm);
inline constexpr std::string_view kNotInColo = "GenericError: VM is not in COLO mode";
inline constexpr std::string_view kAlreadyTold = "GenericError: COLO failover is already activated";

// After the order to go on alone: one COLO_EXIT (with this reason, if one is given), the
// right status, a live guest that writes its pages and whose memory is in order; and a
// further order is refused.
Result<void> check_survivor(Vm& survivor, Role role, GuestRange range,
                            std::string_view reason = {});

// After its peer went on alone: one COLO_EXIT because of an error, memory in order; a
// primary stands still and is silent, a secondary's guest runs unheard.
Result<void> check_waits(Vm& other, Role role, GuestRange range);

}  // namespace qc::qtest
