// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstdint>

namespace qc::hw {

// What a guest that goes to sleep leaves on: the memory (ACPI S3), or nothing but the
// disk to which it wrote everything (S4).
enum class SleepKind : uint8_t { kToMemory, kToDisk };

// What devices and CPUs may ask of the machine as a whole.
//
// Threading: thread-safe, never blocks; the request is carried out later by the
// main loop.
class MachinePort {
 public:
    virtual ~MachinePort() = default;
    // Port 92h, the keyboard controller, CF9h, a triple fault.
    virtual void request_guest_reset() = 0;
    // ACPI S5.
    virtual void request_guest_shutdown() = 0;
    // ACPI S3 and S4.
    virtual void request_guest_sleep(SleepKind kind) = 0;
    // Something happened that may wake a sleeping guest: the machine looks.
    virtual void request_wake_up() = 0;
    // isa-debug-exit: the process ends with this exit status.
    virtual void request_debug_exit(uint8_t status) = 0;
    // A vCPU cannot go on; the VM stops in run state internal-error.
    virtual void report_internal_error() = 0;
};

}  // namespace qc::hw
