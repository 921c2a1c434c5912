// SPDX-License-Identifier: GPL-2.0-or-later
//
// State of the interrupt controllers and the timer in the host's kernel, in the
// terms of their data sheets (Intel 8259A, 82093AA, 82C54) as KVM names them.
//
// Threading: plain values.
#pragma once

#include <array>
#include <cstdint>

#include "accel/kvm/kvm_abi.h"
#include "hw/core/pic_setup.h"
#include "util/result.h"

namespace qc::kvm {

struct PicState {
    uint8_t last_irr = 0, irr = 0, imr = 0, isr = 0;
    uint8_t priority_add = 0;
    uint8_t irq_base = 0;
    bool read_isr = false;
    bool poll = false;
    bool special_mask = false;
    uint8_t init_state = 0;
    bool auto_eoi = false;
    bool rotate_on_auto_eoi = false;
    bool special_fully_nested = false;
    bool init4 = false;
    uint8_t elcr = 0, elcr_mask = 0;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("last_irr", s.last_irr);
        v("irr", s.irr);
        v("imr", s.imr);
        v("isr", s.isr);
        v("priority_add", s.priority_add);
        v("irq_base", s.irq_base);
        v("read_isr", s.read_isr);
        v("poll", s.poll);
        v("special_mask", s.special_mask);
        v("init_state", s.init_state);
        v("auto_eoi", s.auto_eoi);
        v("rotate_on_auto_eoi", s.rotate_on_auto_eoi);
        v("special_fully_nested", s.special_fully_nested);
        v("init4", s.init4);
        v("elcr", s.elcr);
        v("elcr_mask", s.elcr_mask);
    }
};

struct PicPairState {
    std::array<PicState, 2> pics;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("pics", s.pics);
    }
};

struct IoapicState {
    uint64_t base_address = 0xfec00000;
    uint8_t register_select = 0;
    uint8_t id = 0;
    uint32_t irr = 0;
    std::array<uint64_t, KVM_IOAPIC_NUM_PINS> redirection{};

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("base_address", s.base_address);
        v("register_select", s.register_select);
        v("id", s.id);
        v("irr", s.irr);
        v("redirection", s.redirection);
    }
};

struct PitChannelState {
    uint32_t count = 0x10000;
    uint16_t latched_count = 0;
    uint8_t count_latched = 0;
    bool status_latched = false;
    uint8_t status = 0;
    uint8_t read_state = 0;
    uint8_t write_state = 0;
    uint8_t write_latch = 0;
    uint8_t rw_mode = 0;
    uint8_t mode = 0xff;  // none programmed yet
    bool bcd = false;
    bool gate = true;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("count", s.count);
        v("latched_count", s.latched_count);
        v("count_latched", s.count_latched);
        v("status_latched", s.status_latched);
        v("status", s.status);
        v("read_state", s.read_state);
        v("write_state", s.write_state);
        v("write_latch", s.write_latch);
        v("rw_mode", s.rw_mode);
        v("mode", s.mode);
        v("bcd", s.bcd);
        v("gate", s.gate);
    }
};

struct PitState {
    std::array<PitChannelState, 3> channels;
    uint32_t flags = 0;  // KVM_PIT_FLAGS_*: HPET in legacy mode, speaker data on

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("channels", s.channels);
        v("flags", s.flags);
    }
};

PicPairState reset_pics();
// After the command words that `setup` stands for.
PicPairState set_up(const hw::PicSetup& setup);
IoapicState reset_ioapic();
PitState reset_pit();

PicState from_kvm_pic(const kvm_pic_state& pic);
kvm_pic_state to_kvm_pic(const PicState& state);
IoapicState from_kvm_ioapic(const kvm_ioapic_state& ioapic);
kvm_ioapic_state to_kvm_ioapic(const IoapicState& state);
PitState from_kvm_pit(const kvm_pit_state2& pit);
kvm_pit_state2 to_kvm_pit(const PitState& state);

Result<void> validate(const PicPairState& state);
Result<void> validate(const IoapicState& state);
Result<void> validate(const PitState& state);

}  // namespace qc::kvm
