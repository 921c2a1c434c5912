// SPDX-License-Identifier: GPL-2.0-or-later
//
// The core of the ICH9's power management: the ACPI PM1 block and timer, 64
// general-purpose events, SMI enable, the TCO block. Source: Intel I/O Controller
// Hub 9 datasheet (316972), section 13.8.3.
//
// SMI# is not connected. SMI_EN's APMC_EN is fixed at 1: firmware takes it for
// "system management mode is set up" and leaves it alone.
//
// Threading: caller locks. Owned by Ich9Lpc.
#pragma once

#include <cstdint>
#include <optional>

#include "hw/acpi/acpi_pm_core.h"
#include "hw/acpi/ich9_tco_core.h"

namespace qc::hw {

struct Ich9PmState {
    AcpiPmState pm;
    uint64_t gpe_status = 0;
    uint64_t gpe_enable = 0;
    uint32_t smi_enable = 0;
    Ich9TcoState tco;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("pm", s.pm);
        v("gpe_status", s.gpe_status);
        v("gpe_enable", s.gpe_enable);
        v("smi_enable", s.smi_enable);
        v("tco", s.tco);
    }
};

class Ich9PmCore {
 public:
    using Action = AcpiPmCore::Action;
    static constexpr unsigned kBlockSize = 128;

    explicit Ich9PmCore(const AcpiSleepStates& sleeps)
        : pm_({.commands = {.enable = 0x02, .disable = 0x03}, .sleeps = sleeps}) {}

    void reset(int64_t now_ns);
    void reset_after_sleep(int64_t now_ns);

    // The block at PMBASE; `size` is 1, 2 or 4, offset + size at most kBlockSize.
    uint32_t read(unsigned offset, unsigned size, int64_t now_ns);
    Action write(unsigned offset, unsigned size, uint32_t value, int64_t now_ns);
    // APM_CNT and APM_STS, ports B2h and B3h.
    uint8_t read_apm(unsigned offset) const { return pm_.read_apm(offset); }
    void write_apm(unsigned offset, uint8_t value) { pm_.write_apm(offset, value); }

    void press_power_button() { pm_.press_power_button(); }
    void note_rtc_alarm() { pm_.note_rtc_alarm(); }
    bool asleep() const { return pm_.asleep(); }
    bool wakes() const { return pm_.wakes(); }
    // True if the watchdog expired for the second time.
    bool advance(int64_t now_ns);
    // When the SCI or the watchdog will next want attention; nothing if they will not.
    std::optional<int64_t> next_event_ns() const;
    bool sci_level() const;

    Ich9PmState state() const;
    Result<void> validate(const Ich9PmState& state) const;
    void restore(const Ich9PmState& state);

 private:
    uint8_t read_byte(unsigned offset, int64_t now_ns) const;
    void write_byte(unsigned offset, uint8_t value, int64_t now_ns);

    void reset_rest();

    AcpiPmCore pm_;
    uint64_t gpe_status_ = 0;
    uint64_t gpe_enable_ = 0;
    uint32_t smi_enable_ = 0;
    Ich9TcoCore tco_;
};

}  // namespace qc::hw
