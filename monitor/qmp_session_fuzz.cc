// SPDX-License-Identifier: GPL-2.0-or-later
//
// A client that sends anything, in any pieces, reads when it likes, goes and comes
// again: the session lives, and is ready for the next client.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "monitor/test_support.h"
#include "qapi/generated/qapi_commands_control.h"
#include "qapi/generated/qapi_commands_introspect.h"
#include "qapi/generated/qapi_commands_qom.h"
#include "qom/object_tree.h"

qc::Result<void> qc::qapi::qmp_quit(monitor::MonitorContext&) {
    return {};
}

namespace {

using namespace qc;

// The first byte of each step says what happens, its upper bits how much.
void step(monitor::MonitorFixture& fixture, uint8_t what, std::string_view& rest) {
    const std::string_view piece = rest.substr(0, size_t{1} + (what >> 3) * 4u);
    switch (what & 7) {
        case 0: fixture.session.closed(); return fixture.session.opened();
        case 1: fixture.transport.room = what; return;
        case 2: fixture.transport.room = SIZE_MAX; return fixture.session.can_write();
        case 3: return fixture.monitor.emit("NEWS", std::nullopt);
        case 4: return fixture.settle();
        default: break;
    }
    rest.remove_prefix(piece.size());
    fixture.session.received(piece);
    if ((what & 7) != 7) fixture.settle();
}

void expect_next_client_is_served(monitor::MonitorFixture& fixture) {
    fixture.session.closed();
    fixture.transport.room = SIZE_MAX;
    fixture.session.opened();
    fixture.settle();
    fixture.transport.take();
    if (fixture.say("{'execute':'qmp_capabilities'}\n") != "{\"return\": {}}\n") std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    qapi::CommandTable commands;
    commands.add(qapi::control_commands());
    commands.add(qapi::introspect_commands());
    commands.add(qapi::qom_commands());
    qom::TypeRegistry types;
    qom::Object machine(qom::kContainerType);
    qom::ObjectTree objects(machine);
    monitor::MonitorFixture fixture(commands,
                                    monitor::MonitorServices{.types = &types, .objects = &objects});
    fixture.session.opened();
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    while (!rest.empty()) {
        const auto what = static_cast<uint8_t>(rest.front());
        rest.remove_prefix(1);
        step(fixture, what, rest);
    }
    expect_next_client_is_served(fixture);
    return 0;
}
