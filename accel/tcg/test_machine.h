// SPDX-License-Identifier: GPL-2.0-or-later
//
// For unit tests: RAM, ports and one or more vCPUs, run by hand until HLT. Guest
// code is assembled by the compiler: see QC_GUEST_CODE.
//
// Threading: one thread, unless a test makes more.
#pragma once

#include <concepts>
#include <cstring>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "accel/tcg/tcg_accelerator.h"
#include "memory/ram_list.h"
#include "util/assert.h"

// Defines `std::span<const std::byte> name()`, the machine code of `text` (AT&T
// syntax) for 16- or 32-bit mode.
#define QC_GUEST_CODE(bits, name, text)                                                            \
    asm(".pushsection .rodata\n.code" #bits "\nqc_guest_" #name ":\n" text "\nqc_guest_end_" #name \
        ":\n.code64\n.popsection\n");                                                              \
    extern "C" const std::byte qc_guest_##name[];                                                  \
    extern "C" const std::byte qc_guest_end_##name[];                                              \
    [[maybe_unused]] static std::span<const std::byte> name() {                                    \
        return {qc_guest_##name, qc_guest_end_##name};                                             \
    }

namespace qc::accel::tcg {

// Remembers writes and answers reads from a queue, else with `default_read`.
class TestPorts final : public memory::IoHandler {
 public:
    std::string_view io_name() const override { return "test-ports"; }
    Rules io_rules() const override { return {.min_size = 1, .max_size = 4}; }
    uint64_t io_read(uint64_t port, unsigned) override {
        if (port == 0x402) return 0xe9;
        if (reads.empty()) return default_read;
        uint64_t value = reads.front();
        reads.pop_front();
        return value;
    }
    void io_write(uint64_t port, unsigned size, uint64_t value) override {
        if (port == 0x402) {
            console += static_cast<char>(value);
        } else {
            writes.push_back({port, size, value});
        }
        if (on_write) on_write();
    }

    struct Write {
        uint64_t port;
        unsigned size;
        uint64_t value;
        bool operator==(const Write&) const = default;
    };
    uint64_t default_read = ~uint64_t{0};
    std::deque<uint64_t> reads;
    std::vector<Write> writes;
    std::string console;
    std::function<void()> on_write;
};

// An interrupt controller with one vector waiting at most.
class TestApic final : public hw::ApicPort {
 public:
    std::optional<uint8_t> acknowledge_interrupt() override {
        if (cpu != nullptr) cpu->set_interrupt_line(false);
        return std::exchange(waiting, std::nullopt);
    }
    uint64_t apic_base() const override { return base; }
    bool set_apic_base(uint64_t value) override {
        constexpr uint64_t kWritable = 0xff'ffff'f900;
        if (value & ~kWritable) return false;
        base = value;
        return true;
    }
    uint8_t task_priority_class() const override { return priority; }
    void set_task_priority_class(uint8_t value) override { priority = value; }
    void cpu_init_reset() override { ++inits; }
    void offer_tsc_deadline() override { deadline_offered = true; }
    void set_deadline_ns(std::optional<int64_t> when) override { deadline_ns = when; }
    bool deadline_pending() const override { return deadline_ns.has_value(); }
    void raise(uint8_t vector) {
        waiting = vector;
        cpu->set_interrupt_line(true);
    }

    hw::CpuPort* cpu = nullptr;
    std::optional<uint8_t> waiting;
    uint64_t base = 0xfee00900;
    uint8_t priority = 0;
    int inits = 0;
    bool deadline_offered = false;
    std::optional<int64_t> deadline_ns;
};

class TestPort final : public hw::MachinePort {
 public:
    void request_guest_reset() override { ++resets; }
    void request_guest_shutdown() override {}
    void request_guest_sleep(hw::SleepKind) override {}
    void request_wake_up() override {}
    void request_debug_exit(uint8_t) override {}
    void report_internal_error() override {}
    int resets = 0;
};

class TestMachine {
 public:
    static constexpr uint64_t kRamSize = 16 << 20;
    static constexpr uint64_t kCodeAt = 0x10000;
    static constexpr uint64_t kStackAt = 0x9000;

    explicit TestMachine(std::string_view cpu = "qemu32") {
        root.add_child(0, ram_region);
        io_root.add_child(0, port_region);
        memory.rebuild();
        io.rebuild();
        QC_ASSERT(accelerator->attach_memory());
        auto choice = i386::choose_cpu_model(cpu, accelerator->cpu_support());
        QC_ASSERT(choice);
        model = choice->model;
        vcpu_owner = std::move(*accelerator->create_vcpu(0, model));
        vcpu = static_cast<TcgVcpu*>(vcpu_owner.get());
        apic.cpu = vcpu;
        vcpu->connect_apic(apic);
    }

    void poke(uint64_t address, std::span<const std::byte> data) { ram->write(address, data); }
    template <std::integral T>
    void poke(uint64_t address, T value) {
        ram->write(address, std::as_bytes(std::span(&value, 1)));
    }
    template <typename T = uint32_t>
    T peek(uint64_t address) const {
        T value;
        std::memcpy(&value, ram->host() + address, sizeof(T));
        return value;
    }

    i386::CpuState state() {
        MachineLockGuard guard(lock);
        return vcpu->save();
    }
    void set_state(const i386::CpuState& state) {
        MachineLockGuard guard(lock);
        vcpu->restore(state);
    }

    // The state, to go on from after a HLT.
    i386::CpuState running() {
        i386::CpuState s = state();
        s.mp_state = i386::MpState::kRunning;
        return s;
    }

    // Flat 32-bit protected mode at CPL 0, interrupts off, code at kCodeAt.
    void start_flat(std::span<const std::byte> code) {
        poke(kCodeAt, code);
        i386::CpuState s = state();
        s.cr0 |= i386::cr0::kPe;
        for (auto& segment : s.segments) {
            segment = {};
            segment.selector = 0x10;
            segment.limit = 0xffffffff;
            segment.attributes = 0xc093;
        }
        s.segments[i386::kCs].selector = 0x08;
        s.segments[i386::kCs].attributes = 0xc09b;
        s.rip = kCodeAt;
        s.mp_state = i386::MpState::kRunning;
        s.gpr[i386::kRsp] = kStackAt;
        set_state(s);
    }
    // Real mode, code at 1000:0000, the other segments zero.
    void start_real(std::span<const std::byte> code) {
        poke(kCodeAt, code);
        i386::CpuState s = state();
        s.segments[i386::kCs].selector = kCodeAt >> 4;
        s.segments[i386::kCs].base = kCodeAt;
        s.rip = 0;
        s.gpr[i386::kRsp] = kStackAt;
        set_state(s);
    }

    VcpuExit run() { return vcpu->run(); }
    uint32_t reg(unsigned number) { return static_cast<uint32_t>(state().gpr[number]); }

    MachineLock lock;
    FakeClock clock;
    memory::RamList ram_list;
    memory::RamBlock* ram = *ram_list.create_block("ram", kRamSize, memory::RamBlock::Kind::kRam);
    memory::MemoryRegion root = memory::MemoryRegion::container("memory", 0);
    memory::MemoryRegion ram_region = memory::MemoryRegion::ram("ram", *ram);
    TestPorts ports;
    memory::MemoryRegion io_root = memory::MemoryRegion::container("io", 0x10000);
    memory::MemoryRegion port_region = memory::MemoryRegion::io("ports", 0x10000, ports);
    memory::AddressSpace memory{root};
    memory::AddressSpace io{io_root};
    TestPort machine;
    TestApic apic;
    std::unique_ptr<Accelerator> accelerator =
        std::move(*TcgAccelerator::create({.lock = lock,
                                           .ram = ram_list,
                                           .memory = memory,
                                           .io = io,
                                           .machine = machine,
                                           .virtual_clock = clock}));
    i386::CpuModel model;
    std::unique_ptr<Vcpu> vcpu_owner;
    TcgVcpu* vcpu = nullptr;
};

}  // namespace qc::accel::tcg
