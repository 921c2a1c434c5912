// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/acpi/ich9_pm_core.h"

#include <algorithm>

namespace qc::hw {

namespace {

// Offsets from PMBASE.
constexpr unsigned kPm1End = 0x0c;
constexpr unsigned kGpeStatus = 0x20;
constexpr unsigned kGpeEnable = 0x28;
constexpr unsigned kSmiEnable = 0x30;
constexpr unsigned kTco = 0x60;

constexpr uint32_t kApmcEnable = 1u << 5;
// What firmware may set; EOS, bit 1, reads as it was written.
constexpr uint32_t kSmiEnableBits = 0x0006687f;

template <typename T>
T with_byte(T value, unsigned index, uint8_t byte) {
    return static_cast<T>((value & ~(T{0xff} << (8 * index))) |
                          (static_cast<T>(byte) << (8 * index)));
}

bool within(unsigned offset, unsigned first, unsigned count) {
    return offset >= first && offset < first + count;
}

}  // namespace

void Ich9PmCore::reset(int64_t now_ns) {
    pm_.reset(now_ns);
    reset_rest();
}

void Ich9PmCore::reset_after_sleep(int64_t now_ns) {
    pm_.reset_after_sleep(now_ns);
    reset_rest();
}

void Ich9PmCore::reset_rest() {
    gpe_status_ = 0;
    gpe_enable_ = 0;
    smi_enable_ = kApmcEnable;
    tco_.reset();
}

bool Ich9PmCore::advance(int64_t now_ns) {
    pm_.advance(now_ns);
    return tco_.advance(now_ns);
}

std::optional<int64_t> Ich9PmCore::next_event_ns() const {
    const std::optional<int64_t> sci = pm_.next_event_ns();
    const std::optional<int64_t> watchdog = tco_.next_expiry_ns();
    if (!sci || !watchdog) return sci ? sci : watchdog;
    return std::min(*sci, *watchdog);
}

bool Ich9PmCore::sci_level() const {
    return pm_.sci_level() || (pm_.sci_enabled() && (gpe_status_ & gpe_enable_) != 0);
}

uint8_t Ich9PmCore::read_byte(unsigned offset, int64_t now_ns) const {
    if (within(offset, kGpeStatus, 8)) {
        return static_cast<uint8_t>(gpe_status_ >> (8 * (offset - kGpeStatus)));
    }
    if (within(offset, kGpeEnable, 8)) {
        return static_cast<uint8_t>(gpe_enable_ >> (8 * (offset - kGpeEnable)));
    }
    if (within(offset, kSmiEnable, 4)) {
        return static_cast<uint8_t>(smi_enable_ >> (8 * (offset - kSmiEnable)));
    }
    if (within(offset, kTco, Ich9TcoCore::kSize)) return tco_.read(offset - kTco, now_ns);
    return 0;
}

void Ich9PmCore::write_byte(unsigned offset, uint8_t value, int64_t now_ns) {
    if (within(offset, kGpeStatus, 8)) {
        gpe_status_ &= ~(uint64_t{value} << (8 * (offset - kGpeStatus)));
    } else if (within(offset, kGpeEnable, 8)) {
        gpe_enable_ = with_byte(gpe_enable_, offset - kGpeEnable, value);
    } else if (within(offset, kSmiEnable, 4)) {
        smi_enable_ =
            (with_byte(smi_enable_, offset - kSmiEnable, value) & kSmiEnableBits) | kApmcEnable;
    } else if (within(offset, kTco, Ich9TcoCore::kSize)) {
        tco_.write(offset - kTco, value, now_ns);
    }
}

uint32_t Ich9PmCore::read(unsigned offset, unsigned size, int64_t now_ns) {
    if (offset < kPm1End) return pm_.read(offset, size, now_ns);
    uint32_t value = 0;
    for (unsigned i = 0; i < size; ++i)
        value |= static_cast<uint32_t>(read_byte(offset + i, now_ns)) << (8 * i);
    return value;
}

Ich9PmCore::Action Ich9PmCore::write(unsigned offset, unsigned size, uint32_t value,
                                     int64_t now_ns) {
    if (offset < kPm1End) return pm_.write(offset, size, value, now_ns);
    for (unsigned i = 0; i < size; ++i)
        write_byte(offset + i, static_cast<uint8_t>(value >> (8 * i)), now_ns);
    return Action::kNone;
}

Ich9PmState Ich9PmCore::state() const {
    return {.pm = pm_.state(),
            .gpe_status = gpe_status_,
            .gpe_enable = gpe_enable_,
            .smi_enable = smi_enable_,
            .tco = tco_.state()};
}

Result<void> Ich9PmCore::validate(const Ich9PmState& state) const {
    TRY(pm_.validate(state.pm));
    TRY(tco_.validate(state.tco));
    if ((state.smi_enable & ~kSmiEnableBits) != 0 || (state.smi_enable & kApmcEnable) == 0) {
        return fail("SMI_EN {:#x}", state.smi_enable);
    }
    return {};
}

void Ich9PmCore::restore(const Ich9PmState& state) {
    pm_.restore(state.pm);
    gpe_status_ = state.gpe_status;
    gpe_enable_ = state.gpe_enable;
    smi_enable_ = state.smi_enable;
    tco_.restore(state.tco);
}

}  // namespace qc::hw
