// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/qtest/survivor.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

namespace qc::qtest {
namespace {

constexpr useconds_t kPollMicroseconds = 5000;

// The one COLO_EXIT of a side; `reason` may be empty.
Result<void> take_exit(Vm& vm, Role role, std::string_view reason) {
    const Json exit = TRY(vm.qmp().wait_event("COLO_EXIT", Deadline::in(kUsual)));
    const Json& data = exit["data"];
    if (data["mode"] != role || (!reason.empty() && data["reason"] != reason)) {
        return fail("{}: COLO_EXIT is {}", vm.name(), data.dump());
    }
    return {};
}

Result<void> no_second_exit(Vm& vm) {
    if (vm.qmp().count_events("COLO_EXIT") == 0) return {};
    return fail("{}: COLO_EXIT came twice", vm.name());
}

// The incrementer's first page changes with every round.
Result<void> wait_pages_change(Vm& vm, GuestRange range) {
    const std::string before = TRY(vm.read_memory(range.first, 1));
    for (const Deadline deadline = Deadline::in(kUsual);
         TRY(vm.read_memory(range.first, 1)) == before;) {
        if (deadline.passed()) return fail("{}: the guest writes nothing", vm.name());
        usleep(kPollMicroseconds);
    }
    return {};
}

}  // namespace

Result<void> wait_colo_status(Vm& vm, Role mode, Role last_mode, std::string_view reason) {
    const Json wanted = {{"mode", mode}, {"last-mode", last_mode}, {"reason", reason}};
    Json status = TRY(vm.qmp().execute("query-colo-status"));
    for (const Deadline deadline = Deadline::in(kUsual); status != wanted;) {
        if (deadline.passed()) {
            return fail("{}: query-colo-status says {}, not {}", vm.name(), status.dump(),
                        wanted.dump());
        }
        usleep(kPollMicroseconds);
        status = TRY(vm.qmp().execute("query-colo-status"));
    }
    return {};
}

Result<void> wait_run_state(Vm& vm, std::string_view wanted) {
    std::string state = TRY(vm.run_state());
    for (const Deadline deadline = Deadline::in(kUsual); state != wanted;) {
        if (deadline.passed()) return fail("{} is {}, not {}", vm.name(), state, wanted);
        usleep(kPollMicroseconds);
        state = TRY(vm.run_state());
    }
    return {};
}

bool is_silent(Vm& vm) {
    const size_t printed = vm.serial().size();
    usleep(400'000);
    return vm.serial().size() == printed;
}

Result<void> wait_exit(Vm& vm) {
    for (const Deadline deadline = Deadline::in(kUsual); vm.qmp().count_events("COLO_EXIT") == 0;) {
        if (deadline.passed()) return fail("{} notices nothing", vm.name());
        usleep(kPollMicroseconds);
    }
    return {};
}

Result<std::string> refused_order(Vm& vm) {
    constexpr std::string_view kOrder = "x-colo-lost-heartbeat";
    const auto reply = vm.qmp().execute(kOrder);
    if (reply) return fail("{}: an order that must be refused is taken", vm.name());
    return reply.error().message().substr(kOrder.size() + 2);
}

Result<void> check_survivor(Vm& survivor, Role role, GuestRange range, std::string_view reason) {
    TRY(take_exit(survivor, role, reason));
    // The order is answered at once and carried out after that.
    TRY(wait_run_state(survivor, "running"));
    TRY(wait_colo_status(survivor, "none", role, "request"));
    if (const std::string why = TRY(refused_order(survivor)); why != kNotInColo) {
        return fail("{}: a further order is answered with '{}'", role, why);
    }
    TRY(check_incrementer(survivor, range));
    const size_t printed = survivor.serial().size();
    TRY(survivor.serial().wait_growth(printed, Deadline::in(kUsual)).context("{}", role));
    TRY(wait_pages_change(survivor, range));
    TRY(check_incrementer(survivor, range));
    return no_second_exit(survivor);
}

Result<void> check_waits(Vm& other, Role role, GuestRange range) {
    TRY(take_exit(other, role, "error"));
    TRY(wait_colo_status(other, role, "none", "none"));
    if (role == "primary") {
        TRY(wait_run_state(other, "colo"));
        if (!is_silent(other)) return fail("{} is heard, though it was told nothing", role);
    } else {
        TRY(wait_run_state(other, "running"));
        TRY(wait_pages_change(other, range));
    }
    TRY(check_incrementer(other, range));
    return no_second_exit(other);
}

}  // namespace qc::qtest
