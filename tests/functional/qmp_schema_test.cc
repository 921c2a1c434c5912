// SPDX-License-Identifier: GPL-2.0-or-later
//
// query-qmp-schema and the dispatcher agree: what the schema allows is taken as far as the
// handler, and what it does not is refused, for every command with arguments of every
// shape that the schema has.
#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>
#include <regex>

#include "tests/qtest/argument_variation.h"
#include "tests/qtest/assertions.h"
#include "tests/qtest/schema_variations.h"
#include "tests/qtest/vm.h"

namespace qc::qtest {
namespace {

// What is said of arguments before a handler has seen them.
bool is_refusal_by_schema(const std::string& text) {
    static const std::regex kRefusal(
        "Parameter '.*' is (missing|unexpected)|Invalid parameter type for '.*', expected: .*|"
        "Parameter '.*' does not accept value '.*'|Parameter '.*' expects u?int[0-9]+(_t)?");
    return std::regex_match(text, kRefusal);
}

// One ends the program; the other is refused whatever it comes with, once it was given; the
// third takes the properties of its driver, which the schema does not know.
bool is_left_out(const std::string& command) {
    return command == "quit" || command == "qmp_capabilities" || command == "device_add";
}

// The schema has any value where the handler, as QEMU's, wants an object.
bool is_stricter_handler(const std::string& command, const std::string& error) {
    return command == "query-cpu-model-expansion" &&
           error == "Invalid parameter type for 'model.props', expected: object";
}

TEST(QmpSchema, dispatcher_agrees_with_it_about_arguments) {
    TempDir directory = ASSERT_VALUE(TempDir::create());
    VmConfig config;
    config.accel = "qtest";
    config.paused = true;
    // Files are made by the names that are tried.
    config.prefix = {"env", "-C", directory.file("")};
    auto vm = ASSERT_VALUE(Vm::start(config, directory));
    QmpClient& qmp = vm->qmp();
    const Json schema = ASSERT_VALUE(qmp.execute("query-qmp-schema"));
    const SchemaVariations variations(schema);
    size_t allowed = 0;
    size_t forbidden = 0;
    for (const std::string& command : variations.commands()) {
        if (is_left_out(command)) continue;
        for (const ArgumentVariation& each : variations.of_command(command)) {
            const uint64_t id = ASSERT_VALUE(qmp.send(command, each.value));
            const Json reply = ASSERT_VALUE(qmp.await_reply(id, Deadline::in(kUsual)));
            const std::string error = reply.value("/error/desc"_json_pointer, "");
            ++(each.valid ? allowed : forbidden);
            if (is_stricter_handler(command, error)) continue;
            EXPECT_EQ(is_refusal_by_schema(error), !each.valid)
                << command << " " << each.value.dump() << ": " << error;
        }
    }
    qmp.drop_events();
    EXPECT_GT(allowed, 300U);
    EXPECT_GT(forbidden, 1000U);
    EXPECT_EQ(vm->process().poll(), std::nullopt) << vm->process().stderr_text();
}

}  // namespace
}  // namespace qc::qtest
