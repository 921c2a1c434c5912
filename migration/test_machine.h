// SPDX-License-Identifier: GPL-2.0-or-later
//
// A whole machine for the tests of this room, without devices: RAM, a processor
// whose guest program counts in memory, a device with bytes, run control. The
// program walks over the first pages of "pc.ram" and writes into each how often
// it has been there, at its start and its end; where it stands is the
// processor's state. So RAM and processor must fit together after a migration,
// and a torn page shows.
//
// Threading: the processor has its thread; the rest belongs to the test.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "memory/dirty_log.h"
#include "memory/ram_list.h"
#include "migration/migration_deps.h"
#include "runstate/output_gate.h"
#include "runstate/system_requests.h"
#include "runstate/vm_control.h"
#include "state/component_of.h"
#include "state/registry.h"
#include "util/mutex.h"

namespace qc::migration {

// Tracks only what goes through RamBlock::write().
class TestDirtyLog final : public memory::DirtyLog {
 public:
    explicit TestDirtyLog(memory::RamList& ram) : ram_(ram) {}
    Result<void> start() override;
    void stop() override;
    Result<void> collect(std::vector<Bitmap>& into) override;
    bool guest_announces_writes() const override { return true; }
    std::atomic<bool> fail_collect{false};
    bool running() const { return running_; }

 private:
    memory::RamList& ram_;
    std::atomic<bool> running_{false};
};

class TestVcpu final : public accel::Vcpu {
 public:
    struct State {
        uint64_t pass = 0;
        uint32_t index = 0;
        template <typename Visitor, typename Self>
        static void fields(Visitor& v, Self& s) {
            v("pass", s.pass);
            v("index", s.index);
        }
    };

    // Counts in the first `pages` pages of `ram`; stands still for a moment after
    // every `burst` of them.
    TestVcpu(memory::RamBlock& ram, uint32_t pages, uint32_t burst);

    void connect_apic(hw::ApicPort&) override {}
    accel::VcpuExit run() override;
    void wait_for_event() override;
    void kick() override;
    void reset() override { state_ = {}; }
    void start_from(const hw::ProcessorStart&) override {}
    state::StateComponent& state() override { return component_; }
    Result<void> thread_started() override { return {}; }
    void thread_ending() override {}
    void set_interrupt_line(bool) override {}
    void raise_nmi() override {}
    void raise_smi() override {}
    void raise_init() override {}
    void raise_startup(uint8_t) override {}
    void set_a20_enabled(bool) override {}

    // For ComponentOf.
    State save() const { return state_; }
    Result<void> validate(const State& state) const;
    Result<void> restore(const State& state);

    // With the VM stopped: what is wrong with the guest's memory, empty if nothing.
    std::string check_memory() const;
    uint64_t steps() const { return steps_.load(); }
    std::atomic<bool> fail_restore{false};

 private:
    void step();

    memory::RamBlock& ram_;
    const uint32_t pages_;
    const uint32_t burst_;
    State state_;
    state::ComponentOf<TestVcpu, State> component_{{.name = "cpu"}, *this};
    std::atomic<uint64_t> steps_{0};
    Mutex mutex_;
    CondVar changed_;
    bool kicked_ GUARDED_BY(mutex_) = false;
};

class TestDevice {
 public:
    struct State {
        std::vector<std::byte> bytes;
        template <typename Visitor, typename Self>
        static void fields(Visitor& v, Self& s) {
            v.counted("bytes", s.bytes, 1024 * 1024);
        }
    };
    State save() const { return state; }
    Result<void> validate(const State&) const { return {}; }
    void restore(const State& loaded) { state = loaded; }

    State state;
    state::ComponentOf<TestDevice, State> component{{.name = "test-device"}, *this};
};

class TestListener final : public EventListener {
 public:
    void migration_status_changed(MigrationStatus status) override {
        log(std::string(to_string(status)));
    }
    void migration_pass(uint64_t) override {}
    void colo_exited(ColoMode mode, ColoExitReason reason) override;
    void colo_failed(ColoMode, const std::string& message) override;
    void colo_checkpoint_slow(const colo::CheckpointRecord& record) override;
    void incoming_failed(const std::string& message) override;

    // Set before anything happens: called with each entry, by the thread that logs it.
    std::function<void(const std::string&)> on_entry;

    void log(std::string entry) EXCLUDES(mutex_);
    // Waits until `entry` was logged; false after 10 s.
    bool wait_for(const std::string& entry) EXCLUDES(mutex_);
    std::vector<std::string> entries() EXCLUDES(mutex_);
    size_t count(const std::string& entry) EXCLUDES(mutex_);
    std::string failure() EXCLUDES(mutex_);

 private:
    Mutex mutex_;
    CondVar changed_;
    std::vector<std::string> entries_ GUARDED_BY(mutex_);
    std::string failure_ GUARDED_BY(mutex_);
};

class TestMachine final : public runstate::RunObserver {
 public:
    struct Config {
        uint64_t ram_pages = 2048;
        uint32_t hot_pages = 64;
        uint32_t burst = 32;
        std::string machine_type = "pc-test";
        bool autostart = true;
        bool incoming = false;
        std::optional<Uuid> uuid;
        Processors processors = {};
        // "pc.ram", if it is to be no memory of its own: of ram_pages.
        std::shared_ptr<const HostMemory> ram;
        bool ram_is_shared = false;
    };
    TestMachine() : TestMachine(Config{}) {}
    explicit TestMachine(const Config& config);
    ~TestMachine() override;

    MigrationDeps deps();
    void run_state_changed(runstate::RunState from, runstate::RunState to) override;
    // Every block, byte by byte; empty if equal. Both VMs stand still.
    std::string compare_ram(const TestMachine& other) const;
    // Puts something into pages that the program does not touch.
    void fill_cold_pages(uint8_t seed);

    Config config;
    MachineLock lock;
    VirtualClock clock;
    memory::RamList ram;
    TestDirtyLog dirty_log{ram};
    state::Registry registry;
    std::unique_ptr<TestVcpu> cpu;
    TestDevice device;
    TestListener events;
    runstate::SystemRequests requests{{}, [] {}};
    runstate::OutputGate output_gate;
    std::unique_ptr<runstate::VmControl> vm;
};

// Polls until it holds; false after 10 s.
template <typename Condition>
bool eventually(Condition condition) {
    for (int i = 0; i < 10'000; ++i) {
        if (condition()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
}

}  // namespace qc::migration
