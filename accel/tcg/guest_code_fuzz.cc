// SPDX-License-Identifier: GPL-2.0-or-later
//
// Any bytes as guest code, in real mode, in flat protected mode, with paging, or in long
// mode as kernel, user or 32-bit code:
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

#include "accel/tcg/test_long.h"
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

void seed_registers(TestMachine& machine, uint8_t seed, bool wide) {
    // Where they point into code, stack, tables, the end of RAM and nowhere.
    constexpr std::array<uint64_t, 8> kValues = {0,          1,        0x9000,     0x10000,
                                                 kDirectory, 0xfffffc, 0x7fffffff, 0xffffffff};
    constexpr std::array<uint64_t, 8> kWideValues = {
        0,      LongMachine::kData, LongMachine::kHigh, LongMachine::kPml4,
        0x9000, 0x7ffffffffff8,     0xffff800000000000, ~uint64_t{0}};
    i386::CpuState state = machine.state();
    for (unsigned reg = 0; reg < 16; ++reg) {
        if (reg == i386::kRsp) continue;
        seed = static_cast<uint8_t>(seed * 5 + 3);
        state.gpr[reg] = wide ? kWideValues[seed >> 5] : reg < 8 ? kValues[seed >> 5] : 0;
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

void run(TestMachine& machine, size_t code_size, uint8_t seed, bool wide) {
    machine.poke<uint8_t>(TestMachine::kCodeAt + code_size, 0xf4);
    seed_registers(machine, seed, wide);
    {
        Watchdog watchdog(*machine.vcpu);
        machine.run();
    }
    check_state_is_loadable(machine);
}

void run_legacy(std::span<const std::byte> code, unsigned mode, uint8_t seed) {
    TestMachine machine("max");
    switch (mode) {
        case 0: machine.start_real(code); break;
        case 1: machine.start_flat(code); break;
        default:
            machine.start_flat(code);
            switch_paging_on(machine);
            break;
    }
    run(machine, code.size(), seed, false);
}

void run_long(std::span<const std::byte> code, unsigned mode, uint8_t seed) {
    LongMachine machine("max");
    switch (mode) {
        case 0: machine.start(code); break;
        case 1: machine.start(code, 3); break;
        default: machine.start_compatible(code); break;
    }
    run(machine, code.size(), seed, true);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 3) return 0;
    const auto code = std::as_bytes(std::span(data + 2, std::min(size - 2, kMaxCode)));
    // The inputs of old keep their meaning.
    unsigned mode = data[0] % 3;
    if (data[0] < 0x80) {
        run_legacy(code, mode, data[1]);
    } else {
        run_long(code, mode, data[1]);
    }
    return 0;
}
