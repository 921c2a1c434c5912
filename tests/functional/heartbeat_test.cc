// SPDX-License-Identifier: GPL-2.0-or-later
//
// COLO pairs that watch each other with colo-heartbeat, through the real program:
// either side dies or stands still, connections stall, break, are slow and heal.
// After each exactly one side goes on by itself, or nothing has happened.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "tests/functional/accel_test.h"
#include "tests/qtest/guest_memory.h"
#include "tests/qtest/link_proxy.h"
#include "tests/qtest/loop_device.h"
#include "tests/qtest/network.h"
#include "tests/qtest/vm_pair.h"

namespace qc::qtest {
namespace {

constexpr int64_t kTimeoutMs = 2000;

// How both sides' objects are made.
struct Watch {
    Json both = Json::object();     // members of both
    Json primary = Json::object();  // and of one
    Json secondary = Json::object();
    int checkpoint_delay_ms = 300;
    bool arbiter_file = true;
    bool multifd = false;
    std::string_view guest = "page_incrementer_small";
    int memory_mib = 32;
};

class Heartbeat : public AccelTest {
 protected:
    // A pair in COLO, with a proxy in each of its two connections.
    struct Pair {
        std::unique_ptr<LinkProxy> colo;
        std::unique_ptr<LinkProxy> beats;
        std::unique_ptr<VmPair> vms;

        Vm& primary() { return vms->primary(); }
        Vm& secondary() { return vms->secondary(); }
    };

    static Result<Json> status(Vm& vm) {
        Json list = TRY(vm.qmp().execute("query-colo-heartbeat"));
        if (list.size() != 1) return fail("query-colo-heartbeat says {}", list.dump());
        return list[0];
    }

    static Result<Json> wait_state(Vm& vm, std::string_view wanted) {
        for (const Deadline deadline = Deadline::in(kUsual);; usleep(5000)) {
            Json now = TRY(status(vm));
            if (now["state"] == wanted) return now;
            if (deadline.passed()) {
                return fail("{} is not {}: {}; it said: {}", vm.name(), wanted, now.dump(),
                            vm.process().stderr_text());
            }
        }
    }

    static Result<uint16_t> port_of(const std::string& address) {
        const size_t colon = address.rfind(':');
        if (colon == std::string::npos) return fail("'{}' has no port", address);
        return static_cast<uint16_t>(std::stoi(address.substr(colon + 1)));
    }

    Json arguments(const Watch& watch, const Json& side) const {
        Json object = {{"qom-type", "colo-heartbeat"},
                       {"id", "hb0"},
                       {"pair", "test"},
                       {"interval", 100},
                       {"timeout", kTimeoutMs}};
        if (watch.arbiter_file) object["arbiter-file"] = directory().file("arbiter");
        object.update(watch.both);
        object.update(side);
        return object;
    }

    PairConfig pair_config(const Watch& watch) const {
        PairConfig config;
        config.vm = this->config(watch.guest);
        config.vm.memory_mib = watch.memory_mib;
        config.capabilities = {"x-colo"};
        if (watch.multifd) config.capabilities.emplace_back("multifd");
        config.checkpoint_delay_ms = watch.checkpoint_delay_ms;
        return config;
    }

    Result<Pair> start_pair(const Watch& watch = {}) const {
        Pair pair;
        pair.vms = TRY(VmPair::start(pair_config(watch), directory()));
        Json server = arguments(watch, watch.secondary);
        server["server"] = true;
        server["address"] = "tcp:127.0.0.1:0";
        TRY(pair.secondary().qmp().execute("object-add", server));
        const std::string address = TRY(status(pair.secondary()))["address"];
        pair.beats = TRY(LinkProxy::start(TRY(port_of(address))));
        pair.colo = TRY(LinkProxy::start(TRY(port_of(pair.vms->uri()))));
        Json client = arguments(watch, watch.primary);
        client["address"] = fmt::format("tcp:127.0.0.1:{}", pair.beats->port());
        TRY(pair.primary().qmp().execute("object-add", client));
        TRY(pair.primary().serial().wait_for("A", Deadline::in(kUsual)));
        TRY(pair.primary().qmp().execute(
            "migrate", {{"uri", fmt::format("tcp:127.0.0.1:{}", pair.colo->port())}}));
        TRY(pair.primary().wait_migration("colo", Deadline::in(kUsual)));
        TRY(wait_state(pair.primary(), "armed"));
        TRY(wait_state(pair.secondary(), "armed"));
        TRY(pair.vms->wait_checkpoints(2));
        return pair;
    }

    // It goes on alone, told by nobody; its guest makes progress and is in order.
    static Result<Json> goes_on(Vm& vm, std::string_view mode) {
        Json decision;
        do {
            decision = TRY(vm.qmp()
                               .wait_event("COLO_TAKEOVER", Deadline::in(kUsual))
                               .context("{}", vm.process().stderr_text()))["data"];
        } while (decision["decision"] == "retries");
        if (decision["decision"] != "goes-on" || decision["mode"] != mode) {
            return fail("{} decided {}", vm.name(), decision.dump());
        }
        TRY(wait_state(vm, "alone"));
        for (const Deadline deadline = Deadline::in(kUsual); TRY(vm.run_state()) != "running";) {
            if (deadline.passed()) return fail("{} does not run", vm.name());
        }
        if (TRY(vm.qmp().execute("query-colo-status"))["mode"] != "none") {
            return fail("{} is still in COLO", vm.name());
        }
        TRY(check_incrementer(vm, kSmallIncrementer));
        const size_t printed = vm.serial().size();
        TRY(vm.serial().wait_growth(printed, Deadline::in(kUsual)));
        return decision;
    }

    // It has stood down: its guest stands still and stays so.
    static Result<void> stays(Vm& vm) {
        TRY(wait_state(vm, "stood-down"));
        for (const Deadline deadline = Deadline::in(kUsual); TRY(vm.run_state()) == "running";) {
            if (deadline.passed()) return fail("{} runs on", vm.name());
        }
        usleep(50'000);  // what the serial port's file had still to get
        const size_t printed = vm.serial().size();
        usleep(400'000);
        if (vm.serial().size() != printed) return fail("{}'s guest still prints", vm.name());
        return {};
    }

    // Nobody lost anybody, and checkpoints go on.
    static Result<void> whole(Pair& pair) {
        for (Vm* vm : {&pair.primary(), &pair.secondary()}) {
            if (vm->qmp().count_events("COLO_HEARTBEAT_LOST") != 0) {
                return fail("{} lost its peer: {}", vm->name(), vm->process().stderr_text());
            }
            Json now = TRY(status(*vm));
            if (now["state"] != "armed") return fail("{} is {}", vm->name(), now.dump());
        }
        pair.secondary().qmp().drop_events();
        return pair.vms->wait_checkpoints(2);
    }

    // Exactly one of both sides goes on.
    static Result<std::string> one_goes_on(Pair& pair) {
        const std::array<Vm*, 2> vms = {&pair.primary(), &pair.secondary()};
        for (const Deadline deadline = Deadline::in(kUsual);; usleep(5000)) {
            std::array<std::string, 2> states;
            for (size_t i = 0; i < 2; ++i)
                states[i] = TRY(status(*vms[i]))["state"];
            if (states[0] == "alone" && states[1] == "alone") return fail("both go on");
            for (size_t i = 0; i < 2; ++i) {
                if (states[i] != "alone") continue;
                TRY(goes_on(*vms[i], i == 0 ? "primary" : "secondary"));
                return i == 0 ? "primary" : "secondary";
            }
            if (deadline.passed()) return fail("nobody goes on: {} {}", states[0], states[1]);
        }
    }
};
INSTANTIATE_FOR_ACCELS(Heartbeat);

TEST_P(Heartbeat, primary_killed_secondary_goes_on) {
    Pair pair = ASSERT_VALUE(start_pair());
    pair.primary().process().kill_now();
    const auto begin = Deadline::Clock::now();
    const Json decision = ASSERT_VALUE(goes_on(pair.secondary(), "secondary"));
    const auto taken =
        std::chrono::duration_cast<std::chrono::milliseconds>(Deadline::Clock::now() - begin);
    RecordProperty("takeover_ms", static_cast<int>(taken.count()));
    EXPECT_EQ(decision["arbiter"], "file");
    EXPECT_EQ(decision["verdict"], "granted");
    const Json exit =
        ASSERT_VALUE(pair.secondary().qmp().wait_event("COLO_EXIT", Deadline::in(kUsual)));
    EXPECT_EQ(exit["data"]["mode"], "secondary");
    EXPECT_EQ(pair.secondary().qmp().count_events("COLO_EXIT"), 0U);
    EXPECT_EQ(ASSERT_VALUE(pair.secondary().terminate()), ExitStatus::exited(0));
}

TEST_P(Heartbeat, secondary_killed_primary_goes_on) {
    Pair pair = ASSERT_VALUE(start_pair());
    pair.secondary().process().kill_now();
    const Json decision = ASSERT_VALUE(goes_on(pair.primary(), "primary"));
    EXPECT_EQ(decision["verdict"], "granted");
    EXPECT_EQ(ASSERT_VALUE(pair.primary().terminate()), ExitStatus::exited(0));
}

TEST_P(Heartbeat, side_that_stands_still_for_less_than_the_timeout_is_not_lost) {
    Pair pair = ASSERT_VALUE(start_pair());
    for (Vm* vm : {&pair.primary(), &pair.secondary()}) {
        vm->process().send_signal(SIGSTOP);
        usleep(kTimeoutMs * 1000 / 2);
        vm->process().send_signal(SIGCONT);
        usleep(kTimeoutMs * 1000);
        ASSERT_VALUE(whole(pair));
    }
}

TEST_P(Heartbeat, primary_that_stood_still_too_long_does_not_go_on) {
    Pair pair = ASSERT_VALUE(start_pair());
    pair.primary().process().send_signal(SIGSTOP);
    ASSERT_VALUE(goes_on(pair.secondary(), "secondary"));
    pair.primary().process().send_signal(SIGCONT);
    ASSERT_VALUE(stays(pair.primary()));
    // Not even if it is told to.
    pair.primary().qmp().drop_events();
    ASSERT_VALUE(pair.primary().qmp().execute("x-colo-lost-heartbeat"));
    const Json refused =
        ASSERT_VALUE(pair.primary().qmp().wait_event("COLO_TAKEOVER", Deadline::in(kUsual)));
    EXPECT_NE(refused["data"]["verdict"], "granted");
    EXPECT_EQ(refused["data"]["decision"], "stays");
    ASSERT_VALUE(stays(pair.primary()));
    EXPECT_EQ(ASSERT_VALUE(pair.primary().terminate()), ExitStatus::exited(0));
}

TEST_P(Heartbeat, secondary_that_stood_still_too_long_does_not_go_on) {
    Pair pair = ASSERT_VALUE(start_pair());
    pair.secondary().process().send_signal(SIGSTOP);
    ASSERT_VALUE(goes_on(pair.primary(), "primary"));
    pair.secondary().process().send_signal(SIGCONT);
    ASSERT_VALUE(stays(pair.secondary()));
}

TEST_P(Heartbeat, heartbeat_cut_alone_is_noticed_and_harms_nobody) {
    Pair pair = ASSERT_VALUE(start_pair());
    pair.beats->cut();
    usleep(kTimeoutMs * 1000 * 2);
    EXPECT_TRUE(ASSERT_VALUE(status(pair.primary()))["path-silent"]);
    EXPECT_TRUE(ASSERT_VALUE(status(pair.secondary()))["path-silent"]);
    ASSERT_VALUE(whole(pair));
    pair.beats->heal();
    for (const Deadline deadline = Deadline::in(kUsual);
         ASSERT_VALUE(status(pair.primary()))["path-silent"] ||
         ASSERT_VALUE(status(pair.secondary()))["path-silent"];) {
        ASSERT_FALSE(deadline.passed());
    }
    ASSERT_VALUE(whole(pair));
}

TEST_P(Heartbeat, heartbeat_stalled_alone_with_rare_checkpoints_harms_nobody) {
    Watch watch;
    Pair pair = ASSERT_VALUE(start_pair(watch));
    // Life signs come of checkpoints that are asked for.
    ASSERT_VALUE(set_parameter(pair.primary(), "x-checkpoint-delay", 100'000));
    pair.beats->stall();
    usleep(kTimeoutMs * 1000 * 2);
    ASSERT_VALUE(whole(pair));
    pair.beats->heal();
    usleep(kTimeoutMs * 1000);
    ASSERT_VALUE(set_parameter(pair.primary(), "x-checkpoint-delay", 300));
    ASSERT_VALUE(whole(pair));
}

TEST_P(Heartbeat, colo_cut_alone_primary_goes_on) {
    Pair pair = ASSERT_VALUE(start_pair());
    pair.colo->cut();
    ASSERT_VALUE(goes_on(pair.primary(), "primary"));
    ASSERT_VALUE(stays(pair.secondary()));
}

TEST_P(Heartbeat, colo_stalled_alone_primary_goes_on) {
    Pair pair = ASSERT_VALUE(start_pair());
    pair.colo->stall();
    ASSERT_VALUE(goes_on(pair.primary(), "primary"));
    ASSERT_VALUE(stays(pair.secondary()));
}

TEST_P(Heartbeat, both_stalled_then_healed_one_goes_on) {
    Pair pair = ASSERT_VALUE(start_pair());
    pair.beats->stall();
    pair.colo->stall();
    const std::string survivor = ASSERT_VALUE(one_goes_on(pair));
    pair.beats->heal();
    pair.colo->heal();
    ASSERT_VALUE(stays(survivor == "primary" ? pair.secondary() : pair.primary()));
}

TEST_P(Heartbeat, both_cut_one_goes_on) {
    Pair pair = ASSERT_VALUE(start_pair());
    pair.beats->cut();
    pair.colo->cut();
    const std::string survivor = ASSERT_VALUE(one_goes_on(pair));
    ASSERT_VALUE(stays(survivor == "primary" ? pair.secondary() : pair.primary()));
}

TEST_P(Heartbeat, slow_connections_are_not_lost) {
    Pair pair = ASSERT_VALUE(start_pair());
    pair.beats->set_delay_ms(300);
    pair.colo->set_delay_ms(300);
    usleep(kTimeoutMs * 1000 * 2);
    ASSERT_VALUE(whole(pair));
}

TEST_P(Heartbeat, arbiter_may_be_a_disk) {
    auto disk = LoopDevice::create(directory().file("disk"), 3 * 1024 * 1024);
    if (!disk) GTEST_SKIP() << disk.error().message();
    Watch watch;
    watch.arbiter_file = false;
    watch.both = {{"arbiter-file", (*disk)->path()}};
    Pair pair = ASSERT_VALUE(start_pair(watch));
    pair.beats->cut();
    pair.colo->cut();
    const std::string survivor = ASSERT_VALUE(one_goes_on(pair));
    Vm& other = survivor == "primary" ? pair.secondary() : pair.primary();
    ASSERT_VALUE(stays(other));
    const Json last = ASSERT_VALUE(status(other))["last-decision"];
    EXPECT_EQ(last["verdict"], "refused") << last.dump();
    EXPECT_NE(last.value("text", "").find("arbiter disk"), std::string::npos) << last.dump();
}

// What arrives by multifd's channels does not count as a sign of life; the beats and the
// messages of the checkpoints must do, though much is sent and the host is busy.
TEST_P(Heartbeat, much_to_send_by_multifd_on_a_busy_host_is_not_a_loss) {
    Watch watch;
    watch.multifd = true;
    watch.guest = "dirtier_64_mib";
    watch.memory_mib = 128;
    Pair pair = ASSERT_VALUE(start_pair(watch));
    std::vector<Process> load;
    for (const char* name : {"load0", "load1", "load2", "load3"}) {
        load.push_back(
            ASSERT_VALUE(Process::spawn({.arguments = {"/bin/sh", "-c", "while :; do :; done"},
                                         .stdout_path = directory().file(name),
                                         .stderr_path = directory().file(name)})));
    }
    usleep(kTimeoutMs * 1000 * 3);
    load.clear();
    ASSERT_VALUE(whole(pair));
    const Json ram = ASSERT_VALUE(pair.primary().qmp().execute("query-migrate"))["ram"];
    EXPECT_GT(ram["multifd-bytes"], 1 << 20);
}

TEST_P(Heartbeat, primary_without_its_arbiter_leaves_it_to_the_secondary) {
    // Each command writes down what it was asked; the primary's gives no answer.
    const std::string asked = directory().file("asked");
    const std::string note =
        "echo $QEMU_COLO_SIDE $QEMU_COLO_PAIR $QEMU_COLO_REASON >>" + asked + "; ";
    Watch watch;
    watch.arbiter_file = false;
    watch.primary = {{"arbiter-command", note + "exit 7"}};
    watch.secondary = {{"arbiter-command", note + "exit 0"}};
    Pair pair = ASSERT_VALUE(start_pair(watch));
    pair.colo->cut();
    const Json decision = ASSERT_VALUE(goes_on(pair.secondary(), "secondary"));
    EXPECT_EQ(decision["arbiter"], "command");
    ASSERT_VALUE(stays(pair.primary()));
    const std::string text = read_file(asked);
    EXPECT_NE(text.find("primary test "), std::string::npos) << text;
    EXPECT_NE(text.find("secondary test "), std::string::npos) << text;
}

TEST_P(Heartbeat, both_told_at_once_one_goes_on) {
    Pair pair = ASSERT_VALUE(start_pair());
    const uint64_t first =
        ASSERT_VALUE(pair.primary().qmp().send("x-colo-lost-heartbeat", Json::object()));
    const uint64_t second =
        ASSERT_VALUE(pair.secondary().qmp().send("x-colo-lost-heartbeat", Json::object()));
    ASSERT_VALUE(pair.primary().qmp().await_reply(first, Deadline::in(kUsual)));
    ASSERT_VALUE(pair.secondary().qmp().await_reply(second, Deadline::in(kUsual)));
    const std::string survivor = ASSERT_VALUE(one_goes_on(pair));
    ASSERT_VALUE(stays(survivor == "primary" ? pair.secondary() : pair.primary()));
}

TEST_P(Heartbeat, secondary_told_alone_takes_over_at_once) {
    Pair pair = ASSERT_VALUE(start_pair());
    ASSERT_VALUE(pair.secondary().qmp().execute("x-colo-lost-heartbeat"));
    const Json decision = ASSERT_VALUE(goes_on(pair.secondary(), "secondary"));
    EXPECT_EQ(decision["reason"], "order");
    ASSERT_VALUE(stays(pair.primary()));
}

TEST_P(Heartbeat, primary_quits_secondary_goes_on) {
    Pair pair = ASSERT_VALUE(start_pair());
    EXPECT_EQ(ASSERT_VALUE(pair.primary().terminate()), ExitStatus::exited(0));
    ASSERT_VALUE(goes_on(pair.secondary(), "secondary"));
}

TEST_P(Heartbeat, secondary_quits_primary_goes_on) {
    Pair pair = ASSERT_VALUE(start_pair());
    EXPECT_EQ(ASSERT_VALUE(pair.secondary().terminate()), ExitStatus::exited(0));
    ASSERT_VALUE(goes_on(pair.primary(), "primary"));
}

TEST_P(Heartbeat, without_arbiter_an_operator_decides) {
    Watch watch;
    watch.arbiter_file = false;
    Pair pair = ASSERT_VALUE(start_pair(watch));
    pair.primary().process().kill_now();
    const Json lost = ASSERT_VALUE(
        pair.secondary().qmp().wait_event("COLO_HEARTBEAT_LOST", Deadline::in(kUsual)));
    EXPECT_EQ(lost["data"]["mode"], "secondary");
    const Json decision =
        ASSERT_VALUE(pair.secondary().qmp().wait_event("COLO_TAKEOVER", Deadline::in(kUsual)));
    EXPECT_EQ(decision["data"]["decision"], "waits");
    usleep(kTimeoutMs * 1000);
    EXPECT_EQ(ASSERT_VALUE(pair.secondary().migration_status()), "colo");
    ASSERT_VALUE(pair.secondary().qmp().execute("x-colo-lost-heartbeat"));
    const size_t printed = pair.secondary().serial().size();
    ASSERT_VALUE(pair.secondary().serial().wait_growth(printed, Deadline::in(kUsual)));
    ASSERT_VALUE(pair.secondary().wait_migration("completed", Deadline::in(kUsual)));
}

TEST_P(Heartbeat, one_side_set_to_take_over_does_without_arbiter) {
    Watch watch;
    watch.arbiter_file = false;
    watch.secondary = {{"on-loss", "takeover"}};
    Pair pair = ASSERT_VALUE(start_pair(watch));
    // The other one must not, for this one may at any moment.
    const auto refused = pair.primary().qmp().execute("x-colo-lost-heartbeat");
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message().find("hb0"), std::string::npos);
    pair.beats->stall();
    pair.colo->stall();
    const Json decision = ASSERT_VALUE(goes_on(pair.secondary(), "secondary"));
    EXPECT_EQ(decision["verdict"], "not-asked");
    pair.beats->heal();
    pair.colo->heal();
    ASSERT_VALUE(stays(pair.primary()));
}

TEST_P(Heartbeat, object_in_use_is_not_deleted) {
    Pair pair = ASSERT_VALUE(start_pair());
    const auto refused = pair.primary().qmp().execute("object-del", {{"id", "hb0"}});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message().find("in use"), std::string::npos);
    pair.secondary().process().kill_now();
    ASSERT_VALUE(goes_on(pair.primary(), "primary"));
    ASSERT_VALUE(pair.primary().qmp().execute("object-del", {{"id", "hb0"}}));
    EXPECT_EQ(ASSERT_VALUE(pair.primary().qmp().execute("query-colo-heartbeat")), Json::array());
}

// A survivor is protected again, with a new secondary, and watched again.
TEST_P(Heartbeat, survivor_is_protected_again_with_a_higher_generation) {
    Pair pair = ASSERT_VALUE(start_pair());
    const uint64_t before = ASSERT_VALUE(status(pair.primary()))["generation"];
    pair.secondary().process().kill_now();
    ASSERT_VALUE(goes_on(pair.primary(), "primary"));
    VmConfig next = pair_config({}).vm;
    next.name = "next";
    next.incoming = "tcp:127.0.0.1:0";
    next.extra = {"-object",
                  fmt::format("colo-heartbeat,id=hb1,server=on,address=tcp:127.0.0.1:0,pair=test,"
                              "interval=100,timeout={},arbiter-file={}",
                              kTimeoutMs, directory().file("arbiter"))};
    auto vm = ASSERT_VALUE(Vm::start(next, directory()));
    ASSERT_VALUE(vm->set_capabilities({"events", "x-colo"}));
    const std::string address = ASSERT_VALUE(status(*vm))["address"];
    ASSERT_VALUE(pair.primary().qmp().execute("object-del", {{"id", "hb0"}}));
    Json client = arguments({}, Json::object());
    client["address"] = address;
    ASSERT_VALUE(pair.primary().qmp().execute("object-add", client));
    const Json listening = ASSERT_VALUE(vm->qmp().execute("query-migrate"));
    const std::string port = listening["socket-address"][0]["port"];
    ASSERT_VALUE(pair.primary().qmp().execute("migrate", {{"uri", "tcp:127.0.0.1:" + port}}));
    ASSERT_VALUE(pair.primary().wait_migration("colo", Deadline::in(kUsual)));
    EXPECT_GT(ASSERT_VALUE(wait_state(pair.primary(), "armed"))["generation"], before);
    ASSERT_VALUE(wait_state(*vm, "armed"));
    pair.primary().process().kill_now();
    ASSERT_VALUE(goes_on(*vm, "secondary"));
}

// --- Two hosts with cables between them ---

using Cable = TwoHosts::Cable;
constexpr Cable kColoCable = Cable::kFirst;
constexpr Cable kBeatCable = Cable::kSecond;

class HeartbeatCables : public Heartbeat {
 protected:
    void SetUp() override {
        Heartbeat::SetUp();
        if (IsSkipped()) return;
        auto hosts = TwoHosts::create(directory());
        if (!hosts) GTEST_SKIP() << hosts.error().message();
        hosts_.emplace(*std::move(hosts));
    }

    Result<std::unique_ptr<Vm>> start_side(size_t host, bool server) {
        VmConfig side = pair_config({}).vm;
        side.name = host == 0 ? "primary" : "secondary";
        side.prefix = hosts_->on_host(host);
        if (host == 1) side.incoming = "tcp:0.0.0.0:4444";
        Json object = arguments({}, Json::object());
        object["server"] = server;
        object["address"] =
            server ? "tcp:0.0.0.0:4445" : "tcp:" + TwoHosts::address(1, kBeatCable) + ":4445";
        auto vm = TRY(Vm::start(side, directory()));
        TRY(vm->set_capabilities({"events", "x-colo"}));
        TRY(vm->qmp().execute("object-add", object));
        return vm;
    }

    Result<void> start_both() {
        secondary_ = TRY(start_side(1, true));
        primary_ = TRY(start_side(0, false));
        TRY(set_parameter(*primary_, "x-checkpoint-delay", 300));
        TRY(primary_->serial().wait_for("A", Deadline::in(kUsual)));
        const std::string uri = "tcp:" + TwoHosts::address(1, kColoCable) + ":4444";
        TRY(primary_->qmp().execute("migrate", {{"uri", uri}}));
        TRY(wait_state(*primary_, "armed"));
        TRY(wait_state(*secondary_, "armed"));
        return {};
    }

    Result<void> nobody_is_lost() {
        for (Vm* vm : {primary_.get(), secondary_.get()}) {
            if (TRY(status(*vm))["state"] != "armed") {
                return fail("{}: {}", vm->name(), vm->process().stderr_text());
            }
        }
        secondary_->qmp().drop_events();
        TRY(secondary_->qmp().wait_event("RESUME", Deadline::in(kUsual)));
        return {};
    }

    std::optional<TwoHosts> hosts_;
    std::unique_ptr<Vm> primary_;
    std::unique_ptr<Vm> secondary_;
};
INSTANTIATE_TEST_SUITE_P(Accel, HeartbeatCables, ::testing::Values("tcg"), accel_name);

TEST_P(HeartbeatCables, both_pulled_primary_goes_on_and_healing_changes_nothing) {
    ASSERT_VALUE(start_both());
    ASSERT_VALUE(hosts_->pull(kColoCable));
    ASSERT_VALUE(hosts_->pull(kBeatCable));
    ASSERT_VALUE(goes_on(*primary_, "primary"));
    ASSERT_VALUE(hosts_->plug(kColoCable));
    ASSERT_VALUE(hosts_->plug(kBeatCable));
    ASSERT_VALUE(stays(*secondary_));
    EXPECT_EQ(ASSERT_VALUE(primary_->run_state()), "running");
}

TEST_P(HeartbeatCables, pulled_for_less_than_the_timeout_harms_nobody) {
    ASSERT_VALUE(start_both());
    ASSERT_VALUE(hosts_->pull(kColoCable));
    ASSERT_VALUE(hosts_->pull(kBeatCable));
    usleep(kTimeoutMs * 1000 / 4);
    ASSERT_VALUE(hosts_->plug(kBeatCable));
    ASSERT_VALUE(hosts_->plug(kColoCable));
    usleep(kTimeoutMs * 1000);
    ASSERT_VALUE(nobody_is_lost());
}

TEST_P(HeartbeatCables, heartbeat_cable_pulled_and_plugged_harms_nobody) {
    ASSERT_VALUE(start_both());
    ASSERT_VALUE(hosts_->pull(kBeatCable));
    usleep(kTimeoutMs * 1000 * 2);
    EXPECT_TRUE(ASSERT_VALUE(status(*primary_))["path-silent"]);
    ASSERT_VALUE(nobody_is_lost());
    ASSERT_VALUE(hosts_->plug(kBeatCable));
    for (const Deadline deadline = Deadline::in(kUsual);
         ASSERT_VALUE(status(*primary_))["path-silent"] ||
         ASSERT_VALUE(status(*secondary_))["path-silent"];) {
        ASSERT_FALSE(deadline.passed());
    }
    ASSERT_VALUE(nobody_is_lost());
}

TEST_P(HeartbeatCables, colo_cable_pulled_primary_goes_on) {
    ASSERT_VALUE(start_both());
    ASSERT_VALUE(hosts_->pull(kColoCable));
    ASSERT_VALUE(goes_on(*primary_, "primary"));
    ASSERT_VALUE(stays(*secondary_));
}

TEST_P(HeartbeatCables, slow_heartbeat_cable_harms_nobody) {
    ASSERT_VALUE(start_both());
    ASSERT_VALUE(hosts_->slow(kBeatCable, 32));
    usleep(kTimeoutMs * 1000 * 2);
    ASSERT_VALUE(nobody_is_lost());
}

// --- The object, without a pair ---

class HeartbeatObject : public AccelTest {};
INSTANTIATE_TEST_SUITE_P(Accel, HeartbeatObject, ::testing::Values("tcg"), accel_name);

TEST_P(HeartbeatObject, bad_properties_are_refused_by_name) {
    auto vm = ASSERT_VALUE(Vm::start(config(""), directory()));
    const Json good = {{"qom-type", "colo-heartbeat"},
                       {"id", "hb0"},
                       {"pair", "p"},
                       {"address", "tcp:127.0.0.1:0"},
                       {"server", true}};
    const auto refused_with = [&](const Json& change, const std::string& expected) {
        Json object = good;
        object.update(change);
        auto reply = vm->qmp().execute("object-add", object);
        ASSERT_FALSE(reply) << change.dump();
        EXPECT_NE(reply.error().message().find(expected), std::string::npos)
            << change.dump() << ": " << reply.error().message();
    };
    refused_with({{"address", "127.0.0.1:1"}}, "tcp:HOST:PORT");
    refused_with({{"pair", ""}}, "'pair'");
    refused_with({{"interval", 5}}, "'interval'");
    refused_with({{"timeout", 500}}, "'timeout'");
    refused_with({{"on-loss", "panic"}}, "panic");
    refused_with({{"arbiter-file", "/nowhere/at/all"}}, "/nowhere/at/all");
    refused_with({{"arbiter-file", "/a"}, {"arbiter-command", "true"}}, "exclude");
    refused_with({{"arbiter-command", "true"}, {"on-loss", "wait"}}, "on-loss=wait");
    refused_with({{"arbiter-command", "true"}, {"arbiter-timeout", 0}}, "'arbiter-timeout'");
    refused_with({{"qom-type", "perpetuum-mobile"}}, "perpetuum-mobile");
    refused_with({{"id", "7"}}, "'id'");
    refused_with({{"colour", "red"}}, "colour");
    ASSERT_VALUE(vm->qmp().execute("object-add", good));
    refused_with({{"id", "hb1"}}, "already");
    refused_with(Json::object(), "duplicate");
    EXPECT_EQ(ASSERT_VALUE(vm->qmp().execute("qom-get",
                                             {{"path", "/objects/hb0"}, {"property", "timeout"}})),
              2000);
    ASSERT_VALUE(vm->qmp().execute("object-del", {{"id", "hb0"}}));
    EXPECT_FALSE(vm->qmp().execute("object-del", {{"id", "hb0"}}));
    ASSERT_VALUE(vm->qmp().execute("object-add", good));
    EXPECT_EQ(ASSERT_VALUE(vm->terminate()), ExitStatus::exited(0));
}

TEST_P(HeartbeatObject, strangers_are_refused_and_counted) {
    VmConfig here = config("");
    here.extra = {"-object", "colo-heartbeat,id=hb0,pair=ours,server=on,address=tcp:127.0.0.1:0"};
    auto vm = ASSERT_VALUE(Vm::start(here, directory()));
    Json list = ASSERT_VALUE(vm->qmp().execute("query-colo-heartbeat"));
    const std::string address = list[0]["address"];
    VmConfig there = config("");
    there.name = "stranger";
    there.extra = {"-object", "colo-heartbeat,id=hb0,pair=theirs,address=" + address};
    auto stranger = ASSERT_VALUE(Vm::start(there, directory()));
    for (const Deadline deadline = Deadline::in(kUsual); list[0]["refused"] == 0;) {
        ASSERT_FALSE(deadline.passed());
        list = ASSERT_VALUE(vm->qmp().execute("query-colo-heartbeat"));
    }
    EXPECT_FALSE(list[0]["connected"]);
    EXPECT_NE(vm->process().stderr_text().find("theirs"), std::string::npos)
        << vm->process().stderr_text();
}

}  // namespace
}  // namespace qc::qtest
