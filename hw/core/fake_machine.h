// SPDX-License-Identifier: GPL-2.0-or-later
//
// For unit tests: what a board gives a device, on clocks that a test moves.
//
// Threading: one thread.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "hw/core/device_context.h"
#include "hw/core/machine_port.h"
#include "util/clock.h"

namespace qc::hw {

class FakeMachine : public MachinePort {
 public:
    uint8_t in(uint16_t port) {
        io_.rebuild();
        return static_cast<uint8_t>(io_.load(memory::PhysAddr(port), 1));
    }
    void out(uint16_t port, uint8_t value) {
        io_.rebuild();
        io_.store(memory::PhysAddr(port), 1, value);
    }
    uint32_t load(uint64_t address, unsigned size = 4) {
        memory_.rebuild();
        return static_cast<uint32_t>(memory_.load(memory::PhysAddr(address), size));
    }
    void store(uint64_t address, uint32_t value, unsigned size = 4) {
        memory_.rebuild();
        memory_.store(memory::PhysAddr(address), size, value);
    }

    int64_t now_ns() const { return virtual_clock_.now_ns(); }
    // Both clocks go on, and every timer runs at its own time.
    void advance_ns(int64_t by) {
        const int64_t end = now_ns() + by;
        while (now_ns() < end) {
            const int64_t host_lead = host_clock_.now_ns() - now_ns();
            int64_t next = end;
            if (virtual_timers_.next_deadline_ns() < next) {
                next = virtual_timers_.next_deadline_ns();
            }
            if (host_timers_.next_deadline_ns() < next + host_lead) {
                next = host_timers_.next_deadline_ns() - host_lead;
            }
            const int64_t step = std::max<int64_t>(next - now_ns(), 0);
            virtual_clock_.advance_ns(step);
            host_clock_.advance_ns(step);
            virtual_timers_.run_due();
            host_timers_.run_due();
        }
    }
    // No timer runs: the main loop is late.
    void set_virtual_clock_ns(int64_t ns) { virtual_clock_.advance_ns(ns - now_ns()); }
    void set_host_clock_ns(int64_t ns) { host_clock_.advance_ns(ns - host_clock_.now_ns()); }

    void request_guest_reset() override { ++resets; }
    void request_guest_shutdown() override { ++shutdowns; }
    void request_guest_sleep(SleepKind kind) override { sleeps.push_back(kind); }
    void request_wake_up() override { ++wake_ups; }
    void request_debug_exit(uint8_t status) override { exit_status = status; }
    void report_internal_error() override { ++internal_errors; }

    int resets = 0;
    int shutdowns = 0;
    int wake_ups = 0;
    int internal_errors = 0;
    int exit_status = -1;
    std::vector<SleepKind> sleeps;

 private:
    MachineLock lock_;
    FakeClock virtual_clock_;
    FakeClock host_clock_;
    TimerQueue virtual_timers_{virtual_clock_};
    TimerQueue host_timers_{host_clock_};
    memory::MemoryRegion memory_root_ = memory::MemoryRegion::container("memory", 0);
    memory::MemoryRegion io_root_ = memory::MemoryRegion::container("io", 65536);
    memory::AddressSpace memory_{memory_root_};
    memory::AddressSpace io_{io_root_};

 public:
    memory::MemoryRegion& memory_root() { return memory_root_; }
    DeviceContext context{lock_, virtual_timers_, host_timers_, memory_, io_, io_root_};
};

}  // namespace qc::hw
