// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/qtest/guest_memory.h"

#include <nlohmann/json.hpp>
#include <string>

namespace qc::qtest {
namespace {

constexpr uint64_t kPageSize = 4096;

}  // namespace

Result<void> check_incrementer(Vm& vm, GuestRange range) {
    bool was_running = false;
    std::string memory;
    // A guest that stood still for a moment only has run while it was looked at.
    do {
        was_running = TRY(vm.run_state()) == "running";
        if (was_running) TRY(vm.qmp().execute("stop"));
        memory = TRY(vm.read_memory(range.first, range.end - range.first));
    } while (!was_running && TRY(vm.run_state()) == "running");
    std::string page_bytes;
    for (size_t offset = 0; offset < memory.size(); offset += kPageSize) {
        page_bytes += memory[offset];
    }
    TRY(check_one_step(page_bytes).context("{}", vm.name()));
    if (was_running) TRY(vm.qmp().execute("cont"));
    return {};
}

Result<void> check_one_step(std::string_view page_bytes) {
    const auto byte = [&](size_t page) { return static_cast<uint8_t>(page_bytes[page]); };
    bool stepped = false;
    for (size_t page = 1; page < page_bytes.size(); ++page) {
        if (byte(page) == byte(page - 1)) continue;
        if (stepped || byte(page) != static_cast<uint8_t>(byte(page - 1) - 1)) {
            return fail("guest memory is torn: page {} holds {:#x} after {:#x}{}", page, byte(page),
                        byte(page - 1), stepped ? ", and there was a step before" : "");
        }
        stepped = true;
    }
    return {};
}

}  // namespace qc::qtest
