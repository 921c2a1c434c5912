// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "tests/qtest/guest_memory.h"
#include "tests/qtest/vm.h"

namespace qc::qtest {

// After the order to go on alone: one COLO_EXIT, the right status, a live guest whose
// memory is in order.
inline Result<void> check_survivor(Vm& survivor, std::string_view role, GuestRange range) {
    const Json exit = TRY(survivor.qmp().wait_event("COLO_EXIT", Deadline::in(kUsual)));
    if (exit["data"]["mode"] != role) return fail("COLO_EXIT is {}", exit.dump());
    for (const Deadline deadline = Deadline::in(kUsual); TRY(survivor.run_state()) != "running";) {
        if (deadline.passed()) return fail("{} does not run", survivor.name());
    }
    // The order is answered at once and carried out after that.
    Json status = TRY(survivor.qmp().execute("query-colo-status"));
    for (const Deadline deadline = Deadline::in(kUsual); status["mode"] != "none";) {
        if (deadline.passed()) return fail("query-colo-status says {}", status.dump());
        status = TRY(survivor.qmp().execute("query-colo-status"));
    }
    if (status["last-mode"] != role) return fail("query-colo-status says {}", status.dump());
    TRY(check_incrementer(survivor, range));
    const size_t printed = survivor.serial().size();
    TRY(survivor.serial().wait_growth(printed, Deadline::in(kUsual)));
    TRY(check_incrementer(survivor, range));
    if (survivor.qmp().count_events("COLO_EXIT") != 0) return fail("COLO_EXIT came twice");
    return {};
}

}  // namespace qc::qtest
