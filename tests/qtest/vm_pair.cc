// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/qtest/vm_pair.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

namespace qc::qtest {
namespace {

// What a person wants to know of a side when the pair does not do what it should.
std::string describe(Vm& vm) {
    auto info = vm.qmp().execute("query-migrate");
    return fmt::format("{}: {}; it said: {}", vm.name(),
                       info ? info->dump() : info.error().message(), vm.process().stderr_text());
}

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
    auto pair = std::unique_ptr<VmPair>(new VmPair(config, directory));
    VmConfig side = config.vm;
    side.name = "source";
    if (!config.state.empty()) side.incoming = "defer";
    pair->primary_ = TRY(Vm::start(side, directory));
    if (!config.state.empty()) {
        TRY(pair->primary().qmp().execute("migrate-incoming", {{"uri", "file:" + config.state}}));
        TRY(pair->primary().wait_migration("completed", Deadline::in(kUsual)));
    }
    TRY(pair->set_up(pair->primary()));
    TRY(pair->set_up_primary());
    TRY(pair->start_secondary("dest"));
    return pair;
}

Result<void> VmPair::promote_secondary() {
    primary_ = std::move(secondary_);
    return set_up_primary();
}

Result<void> VmPair::set_up_primary() {
    TRY(set_parameter(primary(), "x-checkpoint-delay", config_.checkpoint_delay_ms));
    TRY(set_parameter(primary(), "max-bandwidth", 1'000'000'000'000));
    return set_parameter(primary(), "downtime-limit", 30'000);
}

Result<void> VmPair::start_secondary(const std::string& name) {
    VmConfig side = config_.vm;
    side.name = name;
    side.incoming = "defer";
    secondary_ = TRY(Vm::start(side, directory_));
    TRY(set_up(secondary()));
    const std::string where = config_.transport == Transport::kUnix
                                  ? "unix:" + directory_.file("migration.sock")
                                  : "tcp:127.0.0.1:0";
    TRY(secondary().qmp().execute("migrate-incoming", {{"uri", where}}));
    uri_ = TRY(listening_uri(secondary()));
    return {};
}

// What both sides are told.
Result<void> VmPair::set_up(Vm& vm) const {
    std::vector<std::string> capabilities = {"events"};
    capabilities.insert(capabilities.end(), config_.capabilities.begin(),
                        config_.capabilities.end());
    TRY(vm.set_capabilities(capabilities));
    const Json parameters = Json::parse(config_.parameters);
    for (const auto& [name, value] : parameters.items())
        TRY(set_parameter(vm, name, value));
    return {};
}

Result<void> VmPair::enter_colo() {
    TRY(primary().serial().wait_growth(0, Deadline::in(kUsual)));
    TRY(primary().qmp().execute("migrate", {{"uri", uri_}}));
    TRY(primary().wait_migration("colo", Deadline::in(kUsual)));
    TRY(secondary().qmp().wait_event("RESUME", Deadline::in(kUsual)));
    return {};
}

Result<void> VmPair::wait_checkpoints(int count) {
    for (int done = 0; done < count; ++done) {
        auto resumed = secondary().qmp().wait_event("RESUME", Deadline::in(kUsual));
        if (resumed) continue;
        return fail("after {} of {} checkpoints: {}\n{}\n{}", done, count,
                    resumed.error().message(), describe(primary()), describe(secondary()));
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
