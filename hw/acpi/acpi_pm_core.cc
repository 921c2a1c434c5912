// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/acpi/acpi_pm_core.h"

#include "hw/core/machine_port.h"
#include "hw/core/ticks.h"

namespace qc::hw {

namespace {

constexpr uint32_t kTimerHz = 3579545;
constexpr int64_t kTimerMask = 0xffffff;
// The overflow flag follows the timer's highest bit, 23.
constexpr unsigned kOverflowShift = 23;

// Offsets from PMBASE.
constexpr unsigned kStatus = 0;
constexpr unsigned kEnable = 2;
constexpr unsigned kControl = 4;
constexpr unsigned kTimer = 8;

// SLP_TYP of soft off.
constexpr unsigned kTypeSoftOff = 0;

uint8_t byte_of(uint16_t value, unsigned index) {
    return static_cast<uint8_t>(value >> (8 * index));
}

uint16_t with_byte(uint16_t value, unsigned index, uint8_t byte) {
    unsigned shift = 8 * index;
    return static_cast<uint16_t>((value & ~(0xffu << shift)) | static_cast<unsigned>(byte)
                                                                   << shift);
}

uint16_t cleared_by(uint16_t status, unsigned index, uint8_t byte) {
    return static_cast<uint16_t>(status & ~(static_cast<unsigned>(byte) << (8 * index)));
}

}  // namespace

void AcpiPmCore::reset(int64_t now_ns) {
    state_ = {};
    state_.seen_ticks = ticks_from_ns(now_ns, kTimerHz);
}

void AcpiPmCore::reset_after_sleep(int64_t now_ns) {
    const uint16_t woken_by = state_.status & (pm1::kWakeBits | pm1::kPowerButton);
    reset(now_ns);
    state_.status = woken_by | pm1::kResume;
}

bool AcpiPmCore::wakes() const {
    const unsigned wanted = (state_.enable & pm1::kWakeBits) | pm1::kPowerButton;
    return state_.asleep && (state_.status & wanted) != 0;
}

void AcpiPmCore::advance(int64_t now_ns) {
    int64_t ticks = ticks_from_ns(now_ns, kTimerHz);
    if (ticks >> kOverflowShift != state_.seen_ticks >> kOverflowShift) {
        state_.status |= pm1::kTimerOverflow;
    }
    state_.seen_ticks = ticks;
}

std::optional<int64_t> AcpiPmCore::next_event_ns() const {
    bool wanted = (state_.enable & pm1::kTimerOverflow) != 0;
    bool noted = (state_.status & pm1::kTimerOverflow) != 0;
    if (!wanted || noted) return std::nullopt;
    int64_t next = ((state_.seen_ticks >> kOverflowShift) + 1) << kOverflowShift;
    return ns_from_ticks(next, kTimerHz);
}

bool AcpiPmCore::sci_level() const {
    if (!sci_enabled()) return false;
    return (state_.status & state_.enable & pm1::kEnableBits) != 0 ||
           (state_.gpe_status & state_.gpe_enable) != 0;
}

uint8_t AcpiPmCore::read_byte(unsigned offset) const {
    switch (offset) {
        case kStatus:
        case kStatus + 1: return byte_of(state_.status, offset - kStatus);
        case kEnable:
        case kEnable + 1: return byte_of(state_.enable, offset - kEnable);
        case kControl:
        case kControl + 1: return byte_of(state_.control, offset - kControl);
        case kTimer:
        case kTimer + 1:
        case kTimer + 2:
            return static_cast<uint8_t>((state_.seen_ticks & kTimerMask) >>
                                        (8 * (offset - kTimer)));
        default: return 0;
    }
}

uint32_t AcpiPmCore::read(unsigned offset, unsigned size, int64_t now_ns) {
    advance(now_ns);
    uint32_t value = 0;
    for (unsigned i = 0; i < size; ++i)
        value |= static_cast<uint32_t>(read_byte(offset + i)) << (8 * i);
    return value;
}

// Types that mean nothing here are ignored, as on the chip.
AcpiPmCore::Action AcpiPmCore::go_to_sleep(unsigned type) {
    const AcpiSleepStates& sleeps = config_.sleeps;
    if (type == kTypeSoftOff) return Action::kSoftOff;
    if (sleeps.s4 && type == sleeps.s4_type) return Action::kSleepToDisk;
    if (!sleeps.s3 || type != AcpiSleepStates::kS3Type) return Action::kNone;
    state_.asleep = true;
    return Action::kSleepToMemory;
}

AcpiPmCore::Action AcpiPmCore::write_byte(unsigned offset, uint8_t value) {
    switch (offset) {
        case kStatus:
        case kStatus + 1: state_.status = cleared_by(state_.status, offset - kStatus, value); break;
        case kEnable:
        case kEnable + 1:
            state_.enable = with_byte(state_.enable, offset - kEnable, value) & pm1::kEnableBits;
            break;
        case kControl:
            state_.control = with_byte(state_.control, 0, value) & pm1::kControlBits;
            break;
        case kControl + 1: {
            uint16_t written = with_byte(state_.control, 1, value);
            state_.control = written & pm1::kControlBits;
            if ((written & pm1::kSleepEnable) == 0) break;
            return go_to_sleep((written & pm1::kSleepType) >> pm1::kSleepTypeShift);
        }
        default: break;
    }
    return Action::kNone;
}

AcpiPmCore::Action AcpiPmCore::write(unsigned offset, unsigned size, uint32_t value,
                                     int64_t now_ns) {
    advance(now_ns);
    Action action = Action::kNone;
    for (unsigned i = 0; i < size; ++i) {
        Action asked = write_byte(offset + i, static_cast<uint8_t>(value >> (8 * i)));
        if (asked != Action::kNone) action = asked;
    }
    return action;
}

uint8_t AcpiPmCore::read_gpe(unsigned offset) const {
    return byte_of(offset < 2 ? state_.gpe_status : state_.gpe_enable, offset % 2);
}

void AcpiPmCore::write_gpe(unsigned offset, uint8_t value) {
    if (offset < 2) {
        state_.gpe_status = cleared_by(state_.gpe_status, offset, value);
    } else {
        state_.gpe_enable = with_byte(state_.gpe_enable, offset - 2, value);
    }
}

uint8_t AcpiPmCore::read_apm(unsigned offset) const {
    return offset == 0 ? state_.apm_control : state_.apm_status;
}

void AcpiPmCore::write_apm(unsigned offset, uint8_t value) {
    if (offset != 0) {
        state_.apm_status = value;
        return;
    }
    state_.apm_control = value;
    // There is no system management mode: what its handler would do is done here.
    if (value == config_.commands.enable) state_.control |= pm1::kSciEnable;
    if (value == config_.commands.disable)
        state_.control &= static_cast<uint16_t>(~pm1::kSciEnable);
}

Result<void> AcpiPmCore::validate(const AcpiPmState& state) const {
    if ((state.status & ~pm1::kStatusBits) != 0) return fail("PM1 status {:#x}", state.status);
    if ((state.enable & ~pm1::kEnableBits) != 0) return fail("PM1 enable {:#x}", state.enable);
    if ((state.control & ~pm1::kControlBits) != 0) return fail("PM1 control {:#x}", state.control);
    if (state.seen_ticks < 0 || !time_in_range(ns_from_ticks(state.seen_ticks, kTimerHz))) {
        return fail("PM timer at {} ticks", state.seen_ticks);
    }
    return {};
}

void ask_for(AcpiPmCore::Action action, MachinePort& machine) {
    using enum AcpiPmCore::Action;
    switch (action) {
        case kNone: break;
        case kSoftOff: machine.request_guest_shutdown(); break;
        case kSleepToMemory: machine.request_guest_sleep(SleepKind::kToMemory); break;
        case kSleepToDisk: machine.request_guest_sleep(SleepKind::kToDisk); break;
    }
}

}  // namespace qc::hw
