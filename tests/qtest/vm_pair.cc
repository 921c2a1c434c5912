// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/qtest/vm_pair.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

namespace qc::qtest {
namespace {

Result<std::string> listening_uri(Vm& vm) {
    const Json reply = TRY(vm.qmp().execute("query-migrate"));
    if (!reply.contains("socket-address") || reply["socket-address"].empty()) {
        return fail("{}: query-migrate has no socket-address: {}", vm.name(), reply.dump());
    }
    const Json& address = reply["socket-address"][0];
    if (address.value("type", "") == "unix") return "unix:" + address.value("path", "");
    return fmt::format("tcp:{}:{}", address.value("host", ""), address.value("port", ""));
}

}  // namespace

Result<std::unique_ptr<VmPair>> VmPair::start(const PairConfig& config, const TempDir& directory) {
    auto pair = std::unique_ptr<VmPair>(new VmPair());
    VmConfig side = config.vm;
    side.name = "source";
    pair->primary_ = TRY(Vm::start(side, directory));
    side.name = "dest";
    side.incoming = "defer";
    pair->secondary_ = TRY(Vm::start(side, directory));

    std::vector<std::string> capabilities = {"events"};
    capabilities.insert(capabilities.end(), config.capabilities.begin(), config.capabilities.end());
    TRY(pair->primary().set_capabilities(capabilities));
    TRY(pair->secondary().set_capabilities(capabilities));
    TRY(set_parameter(pair->primary(), "x-checkpoint-delay", config.checkpoint_delay_ms));
    TRY(set_parameter(pair->primary(), "max-bandwidth", 1'000'000'000'000));
    TRY(set_parameter(pair->primary(), "downtime-limit", 30'000));

    const Json parameters = Json::parse(config.parameters);
    for (const auto& [name, value] : parameters.items()) {
        TRY(set_parameter(pair->primary(), name, value));
        TRY(set_parameter(pair->secondary(), name, value));
    }

    const std::string where = config.transport == Transport::kUnix
                                  ? "unix:" + directory.file("migration.sock")
                                  : "tcp:127.0.0.1:0";
    TRY(pair->secondary().qmp().execute("migrate-incoming", {{"uri", where}}));
    pair->uri_ = TRY(listening_uri(pair->secondary()));
    return pair;
}

Result<void> VmPair::enter_colo() {
    TRY(primary().serial().wait_for("A", Deadline::in(kUsual)));
    TRY(primary().qmp().execute("migrate", {{"uri", uri_}}));
    TRY(primary().wait_migration("colo", Deadline::in(kUsual)));
    TRY(secondary().qmp().wait_event("RESUME", Deadline::in(kUsual)));
    return {};
}

Result<void> VmPair::wait_checkpoints(int count) {
    for (int done = 0; done < count; ++done) {
        TRY(secondary()
                .qmp()
                .wait_event("RESUME", Deadline::in(kUsual))
                .context("after {} of {} checkpoints", done, count));
    }
    return {};
}

Result<void> VmPair::wait_checkpoint_begin() {
    secondary().qmp().drop_events();
    TRY(secondary().qmp().wait_event("STOP", Deadline::in(kUsual)));
    return {};
}

Result<void> take_over(Vm& survivor) {
    const Json instances = Json::array({{{"type", "migration"}}});
    TRY(survivor.qmp().execute_oob("yank", {{"instances", instances}}));
    TRY(survivor.qmp().execute("x-colo-lost-heartbeat"));
    return {};
}

Result<void> set_parameter(Vm& vm, const std::string& name, const Json& value) {
    TRY(vm.qmp().execute("migrate-set-parameters", {{name, value}}));
    const Json all = TRY(vm.qmp().execute("query-migrate-parameters"));
    if (!all.contains(name) || all[name] != value) {
        return fail("{}: parameter {} is {} after it was set to {}", vm.name(), name,
                    all.contains(name) ? all[name].dump() : "absent", value.dump());
    }
    return {};
}

}  // namespace qc::qtest
