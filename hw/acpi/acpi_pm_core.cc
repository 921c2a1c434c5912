// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/acpi/acpi_pm_core.h"

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

// SUS_TYP of soft off, and of suspend to disk, which ends the machine as well.
constexpr uint16_t kTypeSoftOff = 0;
constexpr uint16_t kTypeSuspendToDisk = 2;

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
            uint16_t type = (written & pm1::kSleepType) >> pm1::kSleepTypeShift;
            bool off = type == kTypeSoftOff || type == kTypeSuspendToDisk;
            if ((written & pm1::kSleepEnable) != 0 && off) return Action::kSoftOff;
            break;
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
        if (write_byte(offset + i, static_cast<uint8_t>(value >> (8 * i))) != Action::kNone) {
            action = Action::kSoftOff;
        }
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
    if (value == commands_.enable) state_.control |= pm1::kSciEnable;
    if (value == commands_.disable) state_.control &= static_cast<uint16_t>(~pm1::kSciEnable);
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

}  // namespace qc::hw
