// SPDX-License-Identifier: GPL-2.0-or-later
//
// Any bytes as guest code, in real mode, in flat protected mode, or with paging:
// the process lives, the processor stops when it is kicked, and the state that the
// guest has brought it into is one that can be migrated.
//
// An input: one byte for the mode, one that seeds the registers, the code.
#include <algorithm>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <span>
#include <thread>

#include "accel/tcg/test_machine.h"

namespace {

using namespace qc;
using namespace qc::accel::tcg;

constexpr size_t kMaxCode = 4096;
constexpr uint64_t kDirectory = 0x100000;

// Kicks a processor that would run for ever; guest code may well be a loop.
class Watchdog {
 public:
    explicit Watchdog(accel::Vcpu& vcpu) : thread_([this, &vcpu] { watch(vcpu); }) {}
    ~Watchdog() {
        {
            std::lock_guard lock(mutex_);
            done_ = true;
        }
        changed_.notify_one();
        thread_.join();
    }

 private:
    void watch(accel::Vcpu& vcpu) {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, std::chrono::milliseconds(2), [this] { return done_; })) {
            vcpu.kick();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    bool done_ = false;
    std::thread thread_;
};

void seed_registers(TestMachine& machine, uint8_t seed) {
    // Where they point into code, stack, tables, the end of RAM and nowhere.
    constexpr std::array<uint64_t, 8> kValues = {0,          1,        0x9000,     0x10000,
                                                 kDirectory, 0xfffffc, 0x7fffffff, 0xffffffff};
    i386::CpuState state = machine.state();
    for (unsigned reg = 0; reg < 8; ++reg) {
        if (reg == i386::kRsp) continue;
        seed = static_cast<uint8_t>(seed * 5 + 3);
        state.gpr[reg] = kValues[seed >> 5];
    }
    // As a system that uses MMX and SSE sets them; exceptions unmasked by some seeds.
    state.cr4 |= i386::cr4::kOsfxsr | i386::cr4::kOsxmmexcpt;
    for (size_t at = 32; at < state.fxsave.size(); ++at)
        state.fxsave[at] = static_cast<uint8_t>(seed = static_cast<uint8_t>(seed * 5 + 3));
    if (seed % 2 == 0) state.fxsave[25] &= 0xe0;
    machine.set_state(state);
}

// The first 4 MiB as they are, the next ones read-only, nothing else.
void switch_paging_on(TestMachine& machine) {
    machine.poke<uint32_t>(kDirectory, 0x83);
    machine.poke<uint32_t>(kDirectory + 4, 0x400081);
    i386::CpuState state = machine.state();
    state.cr3 = kDirectory;
    state.cr4 |= i386::cr4::kPse;
    state.cr0 |= i386::cr0::kPg | i386::cr0::kWp;
    machine.set_state(state);
}

void check_state_is_loadable(TestMachine& machine) {
    MachineLockGuard guard(machine.lock);
    state::StateComponent& component = machine.vcpu->state();
    auto bytes = component.save_state();
    if (!bytes) std::abort();
    if (!component.stage_state(component.state_id().version, *bytes)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 3) return 0;
    const auto code = std::as_bytes(std::span(data + 2, std::min(size - 2, kMaxCode)));
    TestMachine machine("max");
    switch (data[0] % 3) {
        case 0: machine.start_real(code); break;
        case 1: machine.start_flat(code); break;
        default:
            machine.start_flat(code);
            switch_paging_on(machine);
            break;
    }
    machine.poke<uint8_t>(TestMachine::kCodeAt + code.size(), 0xf4);
    seed_registers(machine, data[1]);
    {
        Watchdog watchdog(*machine.vcpu);
        machine.run();
    }
    check_state_is_loadable(machine);
    return 0;
}
