// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/tcg_vcpu.h"

#include "accel/tcg/mmu.h"
#include "accel/tcg/msr.h"
#include "accel/tcg/paging.h"
#include "accel/tcg/state_convert.h"
#include "target/i386/processor_start.h"

namespace qc::accel::tcg {

namespace {

// What ends a wait after HLT, as far as the masks allow it.
constexpr uint32_t kWakeEvents =
    kRequestKick | kRequestInterrupt | kRequestNmi | kRequestInit | kRequestStartup;

}  // namespace

TcgVcpu::TcgVcpu(unsigned index, const i386::CpuModel& model, const Deps& deps)
    : model_(model),
      group_(deps.group),
      clock_(deps.virtual_clock),
      blocks_(*this),
      cpu_(Environment{.lock = deps.lock,
                       .memory = deps.memory,
                       .io = deps.io,
                       .machine = deps.machine,
                       .clock = deps.virtual_clock,
                       .model = model_,
                       .split_access = deps.group.split_access()}),
      engine_(cpu_, blocks_, *this),
      component_({.name = "cpu", .instance = index}, *this) {
    cpu_.index = index;
    cpu_.blocks = &blocks_;
    cpu_.view = deps.memory.view();
    reset();
}

TcgVcpu::~TcgVcpu() {
    blocks_.drop_all();
    group_.vcpu_gone(*this);
}

void TcgVcpu::request(uint32_t bit) {
    cpu_.requests.fetch_or(bit, std::memory_order_seq_cst);
    if ((bit & kWakeEvents) != 0 && waiting_.load(std::memory_order_seq_cst)) {
        MutexLock lock(mutex_);
        changed_.notify_all();
    }
}

void TcgVcpu::withdraw(uint32_t bit) {
    cpu_.requests.fetch_and(~bit, std::memory_order_seq_cst);
}

void TcgVcpu::set_interrupt_line(bool level) {
    if (level) {
        request(kRequestInterrupt);
    } else {
        withdraw(kRequestInterrupt);
    }
}

void TcgVcpu::raise_nmi() {
    request(kRequestNmi);
}

void TcgVcpu::raise_smi() {
    request(kRequestSmi);
}

void TcgVcpu::raise_init() {
    request(kRequestInit);
}

void TcgVcpu::raise_startup(uint8_t vector) {
    startup_vector_.store(vector, std::memory_order_relaxed);
    request(kRequestStartup);
}

void TcgVcpu::set_a20_enabled(bool enabled) {
    a20_enabled_.store(enabled, std::memory_order_relaxed);
    request(kRequestFlush);
}

void TcgVcpu::connect_apic(hw::ApicPort& apic) {
    cpu_.env.apic = &apic;
    if (model_.has("tsc-deadline")) apic.offer_tsc_deadline();
}

void TcgVcpu::enter_run() {
    MutexLock lock(mutex_);
    inside_run_ = true;
}

void TcgVcpu::leave_run() {
    MutexLock lock(mutex_);
    inside_run_ = false;
    changed_.notify_all();
}

void TcgVcpu::settle_tsc() {
    if (!tsc_at_load_) return;
    cpu_.tsc_offset = static_cast<int64_t>(*tsc_at_load_) - clock_.now_ns();
    tsc_at_load_.reset();
    if (cpu_.msr.tsc_deadline != 0) arm_deadline(cpu_);
}

VcpuExit TcgVcpu::run() {
    if (tsc_at_load_) {
        MachineLockGuard guard(cpu_.env.lock);
        settle_tsc();
    }
    enter_run();
    StopReason reason = engine_.run();
    leave_run();
    return reason == StopReason::kHalted ? VcpuExit::kHalted : VcpuExit::kKicked;
}

void TcgVcpu::wait_for_event() {
    assert_may_block();
    uint32_t wanted = cpu_.request_mask & kWakeEvents;
    waiting_.store(true, std::memory_order_seq_cst);
    {
        MutexLock lock(mutex_);
        while ((cpu_.requests.load(std::memory_order_seq_cst) & wanted) == 0)
            changed_.wait(mutex_);
    }
    waiting_.store(false, std::memory_order_relaxed);
}

void TcgVcpu::kick() {
    request(kRequestKick);
}

void TcgVcpu::reset() {
    i386::CpuState state = i386::reset_state(model_, cpu_.index == 0);
    state.a20_enabled = a20_enabled_.load(std::memory_order_relaxed);
    restore(state);
}

void TcgVcpu::start_from(const hw::ProcessorStart& start) {
    i386::CpuState state = save();
    i386::apply_start(state, model_, start);
    restore(state);
}

i386::CpuState TcgVcpu::save() const {
    i386::CpuState state;
    save_registers(cpu_, state);
    uint32_t pending = cpu_.requests.load(std::memory_order_acquire);
    state.events.nmi_pending = (pending & kRequestNmi) != 0;
    state.events.smi_pending = (pending & kRequestSmi) != 0;
    state.events.init_pending = (pending & kRequestInit) != 0;
    state.events.sipi_pending = (pending & kRequestStartup) != 0;
    state.events.sipi_vector = startup_vector_.load(std::memory_order_relaxed);
    state.a20_enabled = a20_enabled_.load(std::memory_order_relaxed);
    state.msr.tsc = tsc_at_load_ ? *tsc_at_load_ : read_tsc(cpu_);
    if (cpu_.env.apic != nullptr) {
        state.msr.apic_base = cpu_.env.apic->apic_base();
        state.cr8 = cpu_.env.apic->task_priority_class();
    }
    // One that was loaded and not given to the APIC yet is still to come.
    const bool armed = cpu_.env.apic != nullptr && cpu_.env.apic->deadline_pending();
    if (!armed && !tsc_at_load_) state.msr.tsc_deadline = 0;
    return state;
}

Result<void> TcgVcpu::validate(const i386::CpuState& state) const {
    TRY(i386::validate(state));
    if ((state.efer & i386::efer::kLma) != 0 && !model_.has("lm")) {
        return fail("the processor is in long mode, which CPU model '{}' lacks", model_.name);
    }
    if (state.events.in_smm) {
        return fail(
            "the processor is in system management mode, which this accelerator does not "
            "emulate");
    }
    return {};
}

void TcgVcpu::restore(const i386::CpuState& state) {
    load_registers(cpu_, state);
    tsc_at_load_ = state.msr.tsc;
    a20_enabled_.store(state.a20_enabled, std::memory_order_relaxed);
    startup_vector_.store(state.events.sipi_vector, std::memory_order_relaxed);
    // The level of INTR is the APIC's to say; kicks and flushes stay asked for.
    uint32_t pending = (state.events.nmi_pending ? kRequestNmi : 0u) |
                       (state.events.smi_pending ? kRequestSmi : 0u) |
                       (state.events.init_pending ? kRequestInit : 0u) |
                       (state.events.sipi_pending ? kRequestStartup : 0u);
    withdraw((kRequestNmi | kRequestSmi | kRequestInit | kRequestStartup) & ~pending);
    if (pending != 0) request(pending);
    apply_a20();
    cpu_.view = cpu_.env.memory.view();
    // PDPTEs are not architectural state; what they were loaded from is.
    reload_pdptes(cpu_);
    engine_.forget();
}

uint64_t TcgVcpu::request_drop_writes() {
    uint64_t ticket = 0;
    {
        MutexLock lock(mutex_);
        ticket = ++drops_requested_;
    }
    request(kRequestDropWrites);
    return ticket;
}

void TcgVcpu::wait_writes_dropped(uint64_t ticket) {
    MutexLock lock(mutex_);
    // Outside of run() nothing is written, and the request is served on entry.
    while (inside_run_ && drops_done_ < ticket)
        changed_.wait(mutex_);
}

void TcgVcpu::invalidate_page(memory::RamBlock& block, uint64_t page) {
    {
        MutexLock lock(mutex_);
        written_pages_.emplace_back(&block, page);
    }
    request(kRequestInvalidate);
}

void TcgVcpu::apply_a20() {
    cpu_.a20_mask =
        a20_enabled_.load(std::memory_order_relaxed) ? ~uint64_t{0} : ~(uint64_t{1} << 20);
}

void TcgVcpu::serve_requests(uint32_t bits) {
    // Each bit is cleared before what it stands for is looked at.
    withdraw(bits);
    if ((bits & kRequestFlush) != 0) {
        apply_a20();
        cpu_.view = cpu_.env.memory.view();
        flush_tlb(cpu_);
    }
    if ((bits & kRequestInvalidate) != 0) {
        std::vector<std::pair<memory::RamBlock*, uint64_t>> pages;
        {
            MutexLock lock(mutex_);
            pages.swap(written_pages_);
        }
        for (auto [block, page] : pages)
            blocks_.drop_page(*block, page);
    }
    if ((bits & kRequestDropWrites) != 0) {
        uint64_t ticket = 0;
        {
            MutexLock lock(mutex_);
            ticket = drops_requested_;
        }
        cpu_.supervisor_tlb.drop_writes();
        cpu_.user_tlb.drop_writes();
        MutexLock lock(mutex_);
        drops_done_ = ticket;
        changed_.notify_all();
    }
}

void TcgVcpu::take_init() {
    {
        MachineLockGuard guard(cpu_.env.lock);
        if (cpu_.env.apic != nullptr) cpu_.env.apic->cpu_init_reset();
    }
    i386::CpuState state;
    save_registers(cpu_, state);
    i386::apply_init(state, model_);
    if (cpu_.index == 0)
        state.mp_state = i386::MpState::kRunning;
    else
        state.mp_state = i386::MpState::kWaitForSipi;
    load_registers(cpu_, state);
    engine_.forget();
}

void TcgVcpu::take_startup() {
    i386::CpuState state;
    save_registers(cpu_, state);
    i386::apply_startup(state, startup_vector_.load(std::memory_order_relaxed));
    load_registers(cpu_, state);
    engine_.forget();
}

void TcgVcpu::code_page_added(memory::RamBlock& block, uint64_t page) {
    const std::byte* host = block.page(page).data();
    cpu_.supervisor_tlb.drop_writes_to(host);
    cpu_.user_tlb.drop_writes_to(host);
    group_.code_page_added(*this, block, page);
}

void TcgVcpu::code_page_stored(memory::RamBlock& block, uint64_t page) {
    group_.code_page_stored(*this, block, page);
}

bool TcgVcpu::sole_user() const {
    return group_.vcpu_count().load(std::memory_order_relaxed) == 1;
}

}  // namespace qc::accel::tcg
