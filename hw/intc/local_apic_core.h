// SPDX-License-Identifier: GPL-2.0-or-later
//
// One local APIC in xAPIC mode. Source: Intel SDM vol. 3, "Advanced programmable
// interrupt controller (APIC)".
//
//            fixed, lowest priority            acknowledge           EOI
//   message ----------------------> IRR bit ---------------> ISR bit ----> (level:
//            NMI, SMI, INIT, SIPI -> Actions                         broadcast)
//
// LINT0 leads to the 8259 pair. As on a PC whose firmware set up virtual wire
// mode, the boot processor's LINT0 is unmasked ExtINT after reset, and lets the
// 8259s through also while the APIC is disabled by software.
//
// Threading: caller locks. Owned by hw::LocalApic.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "hw/intc/apic_bus.h"
#include "hw/intc/apic_timer.h"
#include "hw/intc/vector_set.h"
#include "util/result.h"

namespace qc::hw {

class LocalApicCore {
 public:
    static constexpr uint64_t kDefaultBase = 0xfee0'0000;
    static constexpr unsigned kLvtEntries = 6;

    struct State {
        uint64_t apic_base = 0;
        uint8_t id = 0;
        uint8_t tpr = 0;
        uint8_t logical_id = 0;
        uint8_t destination_format = 0x0f;
        uint16_t spurious = 0xff;
        VectorSet irr;
        VectorSet isr;
        VectorSet tmr;
        uint8_t esr = 0;
        uint8_t errors = 0;  // since the guest last wrote ESR
        uint64_t icr = 0;
        std::array<uint32_t, kLvtEntries> lvt{};
        ApicTimer::State timer;
        std::array<bool, 2> lint{};     // levels
        bool external_pending = false;  // ExtINT came as a message

        template <typename Visitor, typename Self>
        static void fields(Visitor& v, Self& s) {
            v("apic_base", s.apic_base);
            v("id", s.id);
            v("tpr", s.tpr);
            v("logical_id", s.logical_id);
            v("destination_format", s.destination_format);
            v("spurious", s.spurious);
            v("irr", s.irr);
            v("isr", s.isr);
            v("tmr", s.tmr);
            v("esr", s.esr);
            v("errors", s.errors);
            v("icr", s.icr);
            v("lvt", s.lvt);
            v("timer", s.timer);
            v("lint", s.lint);
            v("external_pending", s.external_pending);
        }
    };

    enum class Shorthand : uint8_t { kNone = 0, kSelf = 1, kAll = 2, kOthers = 3 };
    struct Ipi {
        ApicMessage message;
        Shorthand shorthand = Shorthand::kNone;
    };
    // What the shell has to do after it called anything that is not const.
    struct Actions {
        bool nmi = false;
        bool smi = false;
        bool init = false;
        std::optional<uint8_t> startup;
        std::optional<Ipi> ipi;
        std::optional<uint8_t> end_of_interrupt;  // to broadcast
        uint8_t errors = 0;                       // that the guest made, for tracing
    };
    struct Acknowledged {
        enum class Kind : uint8_t { kNothing, kVector, kExternal } kind = Kind::kNothing;
        uint8_t vector = 0;
    };
    enum class Cpu : uint8_t { kBootstrap, kApplication };

    LocalApicCore(uint8_t id, Cpu cpu);

    void reset();
    // What INIT does to the APIC: all but the id and IA32_APIC_BASE.
    void init_reset();

    uint32_t read(int64_t now_ns, uint64_t offset);
    void write(int64_t now_ns, uint64_t offset, uint32_t value);

    uint64_t apic_base() const { return state_.apic_base; }
    // False if a reserved bit is set.
    bool set_apic_base(uint64_t value);
    bool globally_enabled() const { return (state_.apic_base & kGlobalEnable) != 0; }
    bool software_enabled() const { return (state_.spurious & kSoftwareEnable) != 0; }
    uint8_t tpr() const { return state_.tpr; }
    void set_tpr(uint8_t value) { state_.tpr = value; }
    uint8_t processor_priority() const;

    // The timer.
    void offer_tsc_deadline() { tsc_deadline_offered_ = true; }
    void set_deadline(std::optional<int64_t> when_ns);
    bool deadline_pending() const { return deadline_ns_.has_value(); }
    void advance(int64_t now_ns);
    int64_t next_event_ns() const;

    bool matches(ApicDestinationMode mode, uint8_t destination) const;
    // False if it is not taken.
    bool receive(const ApicMessage& message);
    void set_lint(unsigned pin, bool level);

    bool intr() const;
    Acknowledged acknowledge();
    Actions take_actions() { return std::exchange(actions_, {}); }

    State state() const;
    Result<void> validate(const State& state) const;
    void restore(const State& state);

 private:
    static constexpr uint64_t kGlobalEnable = 1u << 11;
    static constexpr uint16_t kSoftwareEnable = 1u << 8;

    ApicTimerMode timer_mode() const;
    bool external_wire() const;
    std::optional<uint8_t> deliverable() const;
    bool accept(uint8_t vector, ApicTrigger trigger);
    void raise_error(uint8_t bit);
    void raise_lvt(unsigned entry);
    void service_lint(unsigned pin, bool rises);
    void end_of_interrupt();
    void send_ipi();
    void write_spurious(uint32_t value);
    uint32_t lvt_writable(unsigned entry) const;
    void write_lvt(unsigned entry, uint32_t value);

    Cpu cpu_;
    uint8_t reset_id_;
    State state_;  // without the timer's part
    ApicTimer timer_;
    bool tsc_deadline_offered_ = false;
    // Not part of the state: see ApicPort.
    std::optional<int64_t> deadline_ns_;
    Actions actions_;
};

}  // namespace qc::hw
