// SPDX-License-Identifier: GPL-2.0-or-later
//
// The core of the PIIX4's power management: ACPI PM1 event and control registers,
// the 24-bit PM timer, a general-purpose event block and the APM ports. Source:
// Intel 82371AB (PIIX4) datasheet, sections 7.2 and 7.1.3; ACPI specification 6.5,
// section 4.8 (7.4 for sleeping). The ICH9 has the same PM1 block and timer; what it has in
// addition is in hw/acpi/ich9_pm_core.h.
//
//   awake --(SLP_EN with S3's type)--> asleep --(an event that wakes)--> wakes()
//     ^                                                                     |
//     +---------------------------- reset_after_sleep() <-------------------+
//
// Threading: caller locks. Owned by Piix4Pm or Ich9PmCore.
#pragma once

#include <cstdint>
#include <optional>

#include "util/result.h"

namespace qc::hw {

class MachinePort;

// Which sleeping states there are, and SLP_TYP for them; S5 has 0 and is always there.
struct AcpiSleepStates {
    static constexpr uint8_t kS3Type = 1;
    bool s3 = true;
    bool s4 = true;
    uint8_t s4_type = 2;
};

// Bits of PM1 status and enable.
namespace pm1 {
inline constexpr uint16_t kTimerOverflow = 1u << 0;
inline constexpr uint16_t kGlobal = 1u << 5;
inline constexpr uint16_t kPowerButton = 1u << 8;
inline constexpr uint16_t kRtc = 1u << 10;
inline constexpr uint16_t kResume = 1u << 15;
inline constexpr uint16_t kStatusBits = kTimerOverflow | kGlobal | kPowerButton | kRtc | kResume;
// What ends a sleep if it is enabled. The power button always does.
inline constexpr uint16_t kWakeBits = kTimerOverflow | kRtc;
inline constexpr uint16_t kEnableBits = kTimerOverflow | kGlobal | kPowerButton | kRtc;

// Control.
inline constexpr uint16_t kSciEnable = 1u << 0;
inline constexpr uint16_t kSleepTypeShift = 10;
inline constexpr uint16_t kSleepType = 7u << kSleepTypeShift;
inline constexpr uint16_t kSleepEnable = 1u << 13;  // write-only: go to sleep
inline constexpr uint16_t kControlBits = kSciEnable | 1u << 1 | kSleepType;
}  // namespace pm1

struct AcpiPmState {
    uint16_t status = 0;
    uint16_t enable = 0;
    uint16_t control = 0;
    // Timer ticks that have been looked at: an overflow after them is still to be
    // noted in `status`.
    int64_t seen_ticks = 0;
    uint16_t gpe_status = 0;
    uint16_t gpe_enable = 0;
    uint8_t apm_control = 0;
    uint8_t apm_status = 0;
    bool asleep = false;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("status", s.status);
        v("enable", s.enable);
        v("control", s.control);
        v("seen_ticks", s.seen_ticks);
        v("gpe_status", s.gpe_status);
        v("gpe_enable", s.gpe_enable);
        v("apm_control", s.apm_control);
        v("apm_status", s.apm_status);
        v.since(2, "asleep", s.asleep);
    }
};

class AcpiPmCore {
 public:
    // What a write asks of the machine.
    enum class Action : uint8_t { kNone, kSoftOff, kSleepToMemory, kSleepToDisk };

    static constexpr unsigned kBlockSize = 64;
    static constexpr unsigned kGpeSize = 4;

    // What firmware tables have operating systems write to APMC to hand ACPI over.
    struct ApmCommands {
        uint8_t enable = 0xf1;
        uint8_t disable = 0xf0;
    };
    struct Config {
        ApmCommands commands;
        AcpiSleepStates sleeps;
    };
    AcpiPmCore() = default;
    explicit AcpiPmCore(const Config& config) : config_(config) {}

    void reset(int64_t now_ns);
    // The status tells what ended the sleep.
    void reset_after_sleep(int64_t now_ns);

    // The block at PMBASE; `size` is 1, 2 or 4, offset + size at most kBlockSize.
    uint32_t read(unsigned offset, unsigned size, int64_t now_ns);
    Action write(unsigned offset, unsigned size, uint32_t value, int64_t now_ns);
    // Status and enable of general-purpose events, two bytes each.
    uint8_t read_gpe(unsigned offset) const;
    void write_gpe(unsigned offset, uint8_t value);
    // APMC and APMS, ports B2h and B3h.
    uint8_t read_apm(unsigned offset) const;
    void write_apm(unsigned offset, uint8_t value);

    // Event `number` of the general-purpose ones, 0 to 15.
    void raise_gpe(unsigned number) {
        state_.gpe_status = static_cast<uint16_t>(state_.gpe_status | 1u << number);
    }
    void press_power_button() { state_.status |= pm1::kPowerButton; }
    // The real-time clock's alarm.
    void note_rtc_alarm() { state_.status |= pm1::kRtc; }
    bool asleep() const { return state_.asleep; }
    // True while the guest sleeps and something is there that ends it.
    bool wakes() const;
    // Notes an overflow of the timer up to `now_ns`.
    void advance(int64_t now_ns);
    // When an overflow will next change the SCI; nothing if it will not.
    std::optional<int64_t> next_event_ns() const;
    bool sci_enabled() const { return (state_.control & pm1::kSciEnable) != 0; }
    bool sci_level() const;

    const AcpiPmState& state() const { return state_; }
    Result<void> validate(const AcpiPmState& state) const;
    void restore(const AcpiPmState& state) { state_ = state; }

 private:
    uint8_t read_byte(unsigned offset) const;
    Action write_byte(unsigned offset, uint8_t value);

    Action go_to_sleep(unsigned type);

    Config config_;
    AcpiPmState state_;
};

// Has the machine do what a write asked of it.
void ask_for(AcpiPmCore::Action action, MachinePort& machine);

}  // namespace qc::hw
