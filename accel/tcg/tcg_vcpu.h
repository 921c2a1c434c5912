// SPDX-License-Identifier: GPL-2.0-or-later
//
// A vCPU of the emulator: the processor, its block cache and its loop, and what
// other threads may ask of it.
//
// Threading: as accel::Vcpu says. Requests from other threads are bits in
// Cpu::requests, looked at between blocks; details lie under mutex_. Owned by the
// machine; the accelerator outlives it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "accel/tcg/block_cache.h"
#include "accel/tcg/cpu.h"
#include "accel/tcg/engine.h"
#include "accel/vcpu.h"
#include "state/component_of.h"
#include "util/mutex.h"

namespace qc::accel::tcg {

// The vCPUs of one machine, to each other. Implemented by the accelerator.
class VcpuGroup {
 public:
    virtual ~VcpuGroup() = default;
    virtual void vcpu_gone(class TcgVcpu& vcpu) = 0;
    virtual void code_page_added(TcgVcpu& by, memory::RamBlock& block, uint64_t page) = 0;
    virtual void code_page_stored(TcgVcpu& by, memory::RamBlock& block, uint64_t page) = 0;
    virtual const std::atomic<unsigned>& vcpu_count() const = 0;
    // Held during a LOCKed access across two pages.
    virtual Mutex& split_access() = 0;
};

class TcgVcpu final : public Vcpu, private EngineEvents, private CodeSharing {
 public:
    struct Deps {
        MachineLock& lock;
        memory::AddressSpace& memory;
        memory::AddressSpace& io;
        hw::MachinePort& machine;
        const Clock& virtual_clock;
        VcpuGroup& group;
    };
    TcgVcpu(unsigned index, const i386::CpuModel& model, const Deps& deps);
    ~TcgVcpu() override;

    void set_interrupt_line(bool level) override;
    void raise_nmi() override;
    void raise_smi() override;
    void raise_init() override;
    void raise_startup(uint8_t vector) override;
    void set_a20_enabled(bool enabled) override;

    void connect_apic(hw::ApicPort& apic) override;
    void connect_float_error(hw::FloatErrorPin& pin) override { cpu_.env.float_error = &pin; }
    VcpuExit run() override;
    void wait_for_event() override;
    void kick() override;
    void reset() override;
    void start_from(const hw::ProcessorStart& start) override;
    state::StateComponent& state() override { return component_; }
    Result<void> thread_started() override { return {}; }
    void thread_ending() override {}

    // The state component's owner.
    i386::CpuState save() const;
    Result<void> validate(const i386::CpuState& state) const;
    void restore(const i386::CpuState& state);

    // From any thread. drop_writes_done() waits until this vCPU has no write entry
    // that it had when request_drop_writes() was called.
    uint64_t request_drop_writes();
    void wait_writes_dropped(uint64_t ticket);
    // A page with decoded code was written by somebody else.
    void invalidate_page(memory::RamBlock& block, uint64_t page);
    // After a load, once the virtual clock goes: the TSC goes on from its saved
    // reading, and so does the timer that waits for one. The vCPU is paused; machine lock.
    void settle_tsc();
    void memory_map_changed() { request(kRequestFlush); }

    const BlockCache& blocks() const { return blocks_; }
    Cpu& cpu_for_test() { return cpu_; }

 private:
    void serve_requests(uint32_t bits) override;
    void take_init() override;
    void take_startup() override;
    void code_page_added(memory::RamBlock& block, uint64_t page) override;
    void code_page_stored(memory::RamBlock& block, uint64_t page) override;
    bool sole_user() const override;

    void request(uint32_t bit);
    void withdraw(uint32_t bit);
    void apply_a20();
    void enter_run();
    void leave_run();

    const i386::CpuModel model_;
    VcpuGroup& group_;
    const Clock& clock_;
    BlockCache blocks_;
    Cpu cpu_;
    Engine engine_;
    state::ComponentOf<TcgVcpu, i386::CpuState> component_;
    // The TSC's reading at a load; it goes on from there when the vCPU next runs.
    std::optional<uint64_t> tsc_at_load_;
    std::atomic<bool> a20_enabled_{true};
    std::atomic<uint8_t> startup_vector_{0};
    std::atomic<bool> waiting_{false};

    Mutex mutex_;
    CondVar changed_;
    bool inside_run_ GUARDED_BY(mutex_) = false;
    uint64_t drops_requested_ GUARDED_BY(mutex_) = 0;
    uint64_t drops_done_ GUARDED_BY(mutex_) = 0;
    std::vector<std::pair<memory::RamBlock*, uint64_t>> written_pages_ GUARDED_BY(mutex_);
};

}  // namespace qc::accel::tcg
