// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/intc/local_apic_core.h"

#include "hw/core/ticks.h"

namespace qc::hw {

namespace {

// Register numbers: offsets divided by 16.
enum Register : unsigned {
    kId = 0x02,
    kVersion = 0x03,
    kTpr = 0x08,
    kApr = 0x09,
    kPpr = 0x0a,
    kEoi = 0x0b,
    kRrd = 0x0c,
    kLdr = 0x0d,
    kDfr = 0x0e,
    kSvr = 0x0f,
    kIsr = 0x10,
    kTmr = 0x18,
    kIrr = 0x20,
    kEsr = 0x28,
    kIcrLow = 0x30,
    kIcrHigh = 0x31,
    kLvt = 0x32,
    kInitialCount = 0x38,
    kCurrentCount = 0x39,
    kDivide = 0x3e,
};

enum LvtEntry : unsigned {
    kLvtTimer,
    kLvtThermal,
    kLvtPerformance,
    kLvtLint0,
    kLvtLint1,
    kLvtError
};

constexpr uint32_t kVersionValue = 0x14 | (LocalApicCore::kLvtEntries - 1) << 16;

constexpr uint32_t kLvtRemoteIrr = 1u << 14;
constexpr uint32_t kLvtLevel = 1u << 15;
constexpr uint32_t kLvtMasked = 1u << 16;
constexpr uint32_t kLvtPeriodic = 1u << 17;
constexpr uint32_t kLvtTscDeadline = 1u << 18;
constexpr unsigned kDeliveryShift = 8;
// Which bits of each entry a guest can write.
constexpr std::array<uint32_t, LocalApicCore::kLvtEntries> kLvtWritable = {
    0x0003'00ff, 0x0001'07ff, 0x0001'07ff, 0x0001'a7ff, 0x0001'a7ff, 0x0001'00ff};

constexpr uint64_t kBaseBootstrap = 1u << 8;
constexpr uint64_t kBaseWritable = 0xff'ffff'f900;  // 40 address bits, EN, BSP

constexpr uint16_t kSpuriousWritable = 0x03ff;

constexpr uint64_t kIcrLogical = 1u << 11;
constexpr uint64_t kIcrAssert = 1u << 14;
constexpr uint64_t kIcrLevel = 1u << 15;
constexpr uint64_t kIcrWritable = 0xff00'0000'000c'cfff;
constexpr unsigned kIcrShorthandShift = 18;
constexpr unsigned kDestinationShift = 56;

constexpr uint8_t kErrorSendVector = 0x20;
constexpr uint8_t kErrorReceiveVector = 0x40;
constexpr uint8_t kErrorRegister = 0x80;

constexpr uint8_t kFirstVector = 16;
constexpr uint8_t kBroadcast = 0xff;
constexpr uint8_t kFlatModel = 0x0f;

constexpr uint8_t priority_class(unsigned value) {
    return static_cast<uint8_t>(value & 0xf0);
}

ApicDelivery lvt_delivery(uint32_t entry) {
    return static_cast<ApicDelivery>((entry >> kDeliveryShift) & 7);
}

}  // namespace

LocalApicCore::LocalApicCore(uint8_t id, Cpu cpu) : cpu_(cpu), reset_id_(id) {
    reset();
}

void LocalApicCore::reset() {
    state_.apic_base =
        kDefaultBase | kGlobalEnable | (cpu_ == Cpu::kBootstrap ? kBaseBootstrap : 0);
    state_.id = reset_id_;
    init_reset();
}

void LocalApicCore::init_reset() {
    state_ = State{.apic_base = state_.apic_base, .id = state_.id, .lint = state_.lint};
    state_.lvt.fill(kLvtMasked);
    if (cpu_ == Cpu::kBootstrap) {
        state_.lvt[kLvtLint0] = static_cast<uint32_t>(ApicDelivery::kExtInt) << kDeliveryShift;
    }
    timer_.reset();
    deadline_ns_.reset();
    actions_ = {};
}

bool LocalApicCore::set_apic_base(uint64_t value) {
    if (value & ~kBaseWritable) return false;
    const bool was_enabled = globally_enabled();
    state_.apic_base = (value & ~kBaseBootstrap) | (state_.apic_base & kBaseBootstrap);
    // Disabling loses all state: a later enable finds the APIC as after INIT.
    if (was_enabled && !globally_enabled()) init_reset();
    return true;
}

// Both bits at once are reserved; they mean the deadline.
ApicTimerMode LocalApicCore::timer_mode() const {
    if (state_.lvt[kLvtTimer] & kLvtTscDeadline) return ApicTimerMode::kTscDeadline;
    return state_.lvt[kLvtTimer] & kLvtPeriodic ? ApicTimerMode::kPeriodic
                                                : ApicTimerMode::kOneShot;
}

void LocalApicCore::advance(int64_t now_ns) {
    if (timer_mode() != ApicTimerMode::kTscDeadline) {
        if (timer_.advance(now_ns, timer_mode())) raise_lvt(kLvtTimer);
    } else if (deadline_ns_ && *deadline_ns_ <= now_ns) {
        deadline_ns_.reset();
        raise_lvt(kLvtTimer);
    }
}

void LocalApicCore::set_deadline(std::optional<int64_t> when_ns) {
    deadline_ns_.reset();
    if (timer_mode() == ApicTimerMode::kTscDeadline) deadline_ns_ = when_ns;
}

int64_t LocalApicCore::next_event_ns() const {
    if (state_.lvt[kLvtTimer] & kLvtMasked) return ApicTimer::kNever;
    if (timer_mode() != ApicTimerMode::kTscDeadline) return timer_.next_ns();
    return deadline_ns_.value_or(ApicTimer::kNever);
}

uint8_t LocalApicCore::processor_priority() const {
    const uint8_t served = priority_class(state_.isr.highest().value_or(0));
    return priority_class(state_.tpr) >= served ? state_.tpr : served;
}

std::optional<uint8_t> LocalApicCore::deliverable() const {
    const auto vector = state_.irr.highest();
    if (!vector || priority_class(*vector) <= priority_class(processor_priority())) {
        return std::nullopt;
    }
    return vector;
}

// The 8259s' request reaches the processor past the APIC.
bool LocalApicCore::external_wire() const {
    if (!state_.lint[0]) return false;
    const uint32_t entry = state_.lvt[kLvtLint0];
    return !globally_enabled() ||
           ((entry & kLvtMasked) == 0 && lvt_delivery(entry) == ApicDelivery::kExtInt);
}

bool LocalApicCore::intr() const {
    if (external_wire() || state_.external_pending) return true;
    return globally_enabled() && deliverable().has_value();
}

LocalApicCore::Acknowledged LocalApicCore::acknowledge() {
    using Kind = Acknowledged::Kind;
    if (globally_enabled()) {
        if (const auto vector = deliverable()) {
            state_.irr.clear(*vector);
            state_.isr.set(*vector);
            return {.kind = Kind::kVector, .vector = *vector};
        }
    }
    if (!external_wire() && !state_.external_pending) return {};
    state_.external_pending = false;
    return {.kind = Kind::kExternal};
}

bool LocalApicCore::accept(uint8_t vector, ApicTrigger trigger) {
    if (vector < kFirstVector) {
        raise_error(kErrorReceiveVector);
        return false;
    }
    state_.irr.set(vector);
    state_.tmr.assign(vector, trigger == ApicTrigger::kLevel);
    return true;
}

// The interrupt comes once for each error, until the guest clears it: an error
// interrupt with an illegal vector must not raise itself.
void LocalApicCore::raise_error(uint8_t bit) {
    actions_.errors |= bit;
    if (state_.errors & bit) return;
    state_.errors |= bit;
    raise_lvt(kLvtError);
}

void LocalApicCore::raise_lvt(unsigned entry) {
    const uint32_t value = state_.lvt[entry];
    if ((value & kLvtMasked) == 0) accept(static_cast<uint8_t>(value), ApicTrigger::kEdge);
}

bool LocalApicCore::matches(ApicDestinationMode mode, uint8_t destination) const {
    if (!globally_enabled()) return false;
    if (destination == kBroadcast) return true;
    if (mode == ApicDestinationMode::kPhysical) return destination == state_.id;
    if (state_.destination_format == kFlatModel) return (destination & state_.logical_id) != 0;
    const unsigned cluster = destination >> 4;
    return (cluster == 0x0f || cluster == state_.logical_id >> 4u) &&
           (destination & state_.logical_id & 0x0f) != 0;
}

bool LocalApicCore::receive(const ApicMessage& message) {
    if (!globally_enabled()) return false;
    switch (message.delivery) {
        case ApicDelivery::kFixed:
        case ApicDelivery::kLowestPriority:
            return software_enabled() && accept(message.vector, message.trigger);
        case ApicDelivery::kExtInt:
            if (!software_enabled()) return false;
            state_.external_pending = true;
            return true;
        case ApicDelivery::kNmi: actions_.nmi = true; return true;
        case ApicDelivery::kSmi: actions_.smi = true; return true;
        case ApicDelivery::kInit: actions_.init = true; return true;
        case ApicDelivery::kStartup: actions_.startup = message.vector; return true;
        case ApicDelivery::kReserved: return false;
    }
    return false;
}

void LocalApicCore::set_lint(unsigned pin, bool level) {
    if (pin > 1) return;
    const bool rises = level && !state_.lint[pin];
    state_.lint[pin] = level;
    if (globally_enabled()) service_lint(pin, rises);
}

void LocalApicCore::service_lint(unsigned pin, bool rises) {
    uint32_t& entry = state_.lvt[kLvtLint0 + pin];
    if ((entry & kLvtMasked) || !state_.lint[pin]) return;
    switch (lvt_delivery(entry)) {
        case ApicDelivery::kFixed:
            if (entry & kLvtLevel) {
                if (entry & kLvtRemoteIrr) return;
                if (accept(static_cast<uint8_t>(entry), ApicTrigger::kLevel)) {
                    entry |= kLvtRemoteIrr;
                }
            } else if (rises) {
                accept(static_cast<uint8_t>(entry), ApicTrigger::kEdge);
            }
            return;
        case ApicDelivery::kNmi: actions_.nmi |= rises; return;
        case ApicDelivery::kSmi: actions_.smi |= rises; return;
        case ApicDelivery::kInit: actions_.init |= rises; return;
        default: return;  // ExtINT is a wire and not a message
    }
}

void LocalApicCore::end_of_interrupt() {
    const auto vector = state_.isr.highest();
    if (!vector) return;
    state_.isr.clear(*vector);
    if (!state_.tmr.test(*vector)) return;
    actions_.end_of_interrupt = *vector;
    for (unsigned pin = 0; pin < 2; ++pin) {
        uint32_t& entry = state_.lvt[kLvtLint0 + pin];
        if ((entry & kLvtRemoteIrr) == 0 || static_cast<uint8_t>(entry) != *vector) continue;
        entry &= ~kLvtRemoteIrr;
        service_lint(pin, false);
    }
}

void LocalApicCore::send_ipi() {
    const uint64_t icr = state_.icr;
    const auto vector = static_cast<uint8_t>(icr);
    const auto delivery = static_cast<ApicDelivery>((icr >> kDeliveryShift) & 7);
    const bool has_vector =
        delivery == ApicDelivery::kFixed || delivery == ApicDelivery::kLowestPriority;
    if (has_vector && vector < kFirstVector) {
        raise_error(kErrorSendVector);
        return;
    }
    // ExtINT cannot be sent, and INIT's de-assert only synchronises arbitration ids.
    if (delivery == ApicDelivery::kReserved || delivery == ApicDelivery::kExtInt) return;
    if (delivery == ApicDelivery::kInit && (icr & kIcrLevel) && (icr & kIcrAssert) == 0) return;
    actions_.ipi = Ipi{
        .message =
            {
                .vector = vector,
                .delivery = delivery,
                .destination_mode = icr & kIcrLogical ? ApicDestinationMode::kLogical
                                                      : ApicDestinationMode::kPhysical,
                .destination = static_cast<uint8_t>(icr >> kDestinationShift),
                .trigger = ApicTrigger::kEdge,
            },
        .shorthand = static_cast<Shorthand>((icr >> kIcrShorthandShift) & 3),
    };
}

uint32_t LocalApicCore::read(int64_t now_ns, uint64_t offset) {
    // Each register is the first of four doublewords.
    if (offset & 0x0c) return 0;
    const auto number = static_cast<unsigned>(offset >> 4);
    if (number >= kIsr && number < kIsr + 8) return state_.isr.words[number - kIsr];
    if (number >= kTmr && number < kTmr + 8) return state_.tmr.words[number - kTmr];
    if (number >= kIrr && number < kIrr + 8) return state_.irr.words[number - kIrr];
    if (number >= kLvt && number < kLvt + kLvtEntries) return state_.lvt[number - kLvt];
    switch (number) {
        case kId: return uint32_t{state_.id} << 24;
        case kVersion: return kVersionValue;
        case kTpr: return state_.tpr;
        case kApr:
        case kPpr: return processor_priority();
        case kEoi:
        case kRrd: return 0;
        case kLdr: return uint32_t{state_.logical_id} << 24;
        case kDfr: return uint32_t{state_.destination_format} << 28 | 0x0fff'ffff;
        case kSvr: return state_.spurious;
        case kEsr: return state_.esr;
        case kIcrLow: return static_cast<uint32_t>(state_.icr);
        case kIcrHigh: return static_cast<uint32_t>(state_.icr >> 32);
        case kInitialCount: return timer_.initial();
        case kCurrentCount: advance(now_ns); return timer_.current(now_ns);
        case kDivide: return timer_.divide();
        default: raise_error(kErrorRegister); return 0;
    }
}

void LocalApicCore::write(int64_t now_ns, uint64_t offset, uint32_t value) {
    if (offset & 0x0c) return;
    advance(now_ns);
    const auto number = static_cast<unsigned>(offset >> 4);
    if (number >= kLvt && number < kLvt + kLvtEntries) {
        write_lvt(number - kLvt, value);
        return;
    }
    switch (number) {
        case kId: state_.id = static_cast<uint8_t>(value >> 24); return;
        case kTpr: state_.tpr = static_cast<uint8_t>(value); return;
        case kEoi: end_of_interrupt(); return;
        case kLdr: state_.logical_id = static_cast<uint8_t>(value >> 24); return;
        case kDfr: state_.destination_format = static_cast<uint8_t>(value >> 28); return;
        case kSvr: write_spurious(value); return;
        case kEsr: state_.esr = std::exchange(state_.errors, uint8_t{0}); return;
        case kIcrLow:
            state_.icr = ((state_.icr & ~uint64_t{0xffff'ffff}) | value) & kIcrWritable;
            send_ipi();
            return;
        case kIcrHigh:
            state_.icr = ((state_.icr & 0xffff'ffff) | uint64_t{value} << 32) & kIcrWritable;
            return;
        case kInitialCount:
            if (timer_mode() != ApicTimerMode::kTscDeadline) timer_.set_initial(now_ns, value);
            return;
        case kDivide: timer_.set_divide(now_ns, static_cast<uint8_t>(value)); return;
        default: raise_error(kErrorRegister); return;
    }
}

void LocalApicCore::write_spurious(uint32_t value) {
    state_.spurious = static_cast<uint16_t>(value & kSpuriousWritable);
    if (software_enabled()) return;
    for (uint32_t& entry : state_.lvt)
        entry |= kLvtMasked;
}

uint32_t LocalApicCore::lvt_writable(unsigned entry) const {
    const bool deadline = entry == kLvtTimer && tsc_deadline_offered_;
    return kLvtWritable[entry] | (deadline ? kLvtTscDeadline : 0);
}

void LocalApicCore::write_lvt(unsigned entry, uint32_t value) {
    uint32_t next = (value & lvt_writable(entry)) | (state_.lvt[entry] & kLvtRemoteIrr);
    if (entry == kLvtTimer && ((next ^ state_.lvt[entry]) & kLvtTscDeadline) != 0) {
        // Into the mode or out of it, the timer is disarmed.
        deadline_ns_.reset();
        timer_.set_initial(0, 0);
    }
    if (!software_enabled()) next |= kLvtMasked;
    if ((next & kLvtLevel) == 0 || lvt_delivery(next) != ApicDelivery::kFixed) {
        next &= ~kLvtRemoteIrr;
    }
    state_.lvt[entry] = next;
    if (entry == kLvtLint0 || entry == kLvtLint1) service_lint(entry - kLvtLint0, false);
}

LocalApicCore::State LocalApicCore::state() const {
    State state = state_;
    state.timer = timer_.state();
    return state;
}

Result<void> LocalApicCore::validate(const State& state) const {
    if (state.apic_base & ~kBaseWritable) {
        return fail("APIC: base {:#x} has reserved bits", state.apic_base);
    }
    if (state.destination_format > 15 || state.spurious & ~kSpuriousWritable ||
        state.icr & ~kIcrWritable) {
        return fail("APIC: a register has reserved bits");
    }
    for (unsigned entry = 0; entry < kLvtEntries; ++entry) {
        const uint32_t possible =
            lvt_writable(entry) | (kLvtWritable[entry] & kLvtLevel ? kLvtRemoteIrr : 0);
        if (state.lvt[entry] & ~possible) {
            return fail("APIC: LVT entry {} is {:#x}", entry, state.lvt[entry]);
        }
    }
    for (const VectorSet* set : {&state.irr, &state.isr, &state.tmr}) {
        if (set->words[0] & 0xffff) return fail("APIC: a vector below 16 is pending");
    }
    return ApicTimer::validate(state.timer);
}

void LocalApicCore::restore(const State& state) {
    state_ = state;
    timer_.restore(state.timer);
    deadline_ns_.reset();
    actions_ = {};
}

}  // namespace qc::hw
