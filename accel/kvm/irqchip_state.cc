// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/kvm/irqchip_state.h"

#include <algorithm>

namespace qc::kvm {

namespace {

// Which lines may be level-triggered: all but 0, 1, 2, and 8, 13.
constexpr uint8_t kElcrMasks[] = {0xf8, 0xde};
constexpr uint64_t kRedirectionMasked = 1u << 16;
constexpr uint8_t kNoMode = 0xff;
constexpr uint32_t kMaxCount = 0x10000;

}  // namespace

PicPairState reset_pics() {
    PicPairState state;
    for (size_t i = 0; i < state.pics.size(); ++i)
        state.pics[i].elcr_mask = kElcrMasks[i];
    return state;
}

PicPairState set_up(const hw::PicSetup& setup) {
    PicPairState state = reset_pics();
    const uint8_t vectors[] = {setup.master_vector, setup.slave_vector};
    for (unsigned i = 0; i < state.pics.size(); ++i) {
        PicState& pic = state.pics[i];
        pic.irq_base = vectors[i];
        pic.imr = static_cast<uint8_t>(setup.masked >> (8 * i));
        pic.elcr = static_cast<uint8_t>(setup.level_triggered >> (8 * i) & pic.elcr_mask);
        pic.init4 = true;
    }
    return state;
}

IoapicState reset_ioapic() {
    IoapicState state;
    state.redirection.fill(kRedirectionMasked);
    return state;
}

PitState reset_pit() {
    PitState state;
    state.channels[2].gate = false;
    return state;
}

PicState from_kvm_pic(const kvm_pic_state& pic) {
    PicState s;
    s.last_irr = pic.last_irr;
    s.irr = pic.irr;
    s.imr = pic.imr;
    s.isr = pic.isr;
    s.priority_add = pic.priority_add;
    s.irq_base = pic.irq_base;
    s.read_isr = pic.read_reg_select;
    s.poll = pic.poll;
    s.special_mask = pic.special_mask;
    s.init_state = pic.init_state;
    s.auto_eoi = pic.auto_eoi;
    s.rotate_on_auto_eoi = pic.rotate_on_auto_eoi;
    s.special_fully_nested = pic.special_fully_nested_mode;
    s.init4 = pic.init4;
    s.elcr = pic.elcr;
    s.elcr_mask = pic.elcr_mask;
    return s;
}

kvm_pic_state to_kvm_pic(const PicState& s) {
    kvm_pic_state pic{};
    pic.last_irr = s.last_irr;
    pic.irr = s.irr;
    pic.imr = s.imr;
    pic.isr = s.isr;
    pic.priority_add = s.priority_add;
    pic.irq_base = s.irq_base;
    pic.read_reg_select = s.read_isr;
    pic.poll = s.poll;
    pic.special_mask = s.special_mask;
    pic.init_state = s.init_state;
    pic.auto_eoi = s.auto_eoi;
    pic.rotate_on_auto_eoi = s.rotate_on_auto_eoi;
    pic.special_fully_nested_mode = s.special_fully_nested;
    pic.init4 = s.init4;
    pic.elcr = s.elcr;
    pic.elcr_mask = s.elcr_mask;
    return pic;
}

IoapicState from_kvm_ioapic(const kvm_ioapic_state& ioapic) {
    IoapicState s;
    s.base_address = ioapic.base_address;
    s.register_select = static_cast<uint8_t>(ioapic.ioregsel);
    s.id = static_cast<uint8_t>(ioapic.id);
    s.irr = ioapic.irr;
    for (size_t i = 0; i < s.redirection.size(); ++i)
        s.redirection[i] = ioapic.redirtbl[i].bits;
    return s;
}

kvm_ioapic_state to_kvm_ioapic(const IoapicState& s) {
    kvm_ioapic_state ioapic{};
    ioapic.base_address = s.base_address;
    ioapic.ioregsel = s.register_select;
    ioapic.id = s.id;
    ioapic.irr = s.irr;
    for (size_t i = 0; i < s.redirection.size(); ++i)
        ioapic.redirtbl[i].bits = s.redirection[i];
    return ioapic;
}

PitState from_kvm_pit(const kvm_pit_state2& pit) {
    PitState s;
    for (size_t i = 0; i < s.channels.size(); ++i) {
        const kvm_pit_channel_state& from = pit.channels[i];
        PitChannelState& to = s.channels[i];
        to.count = from.count;
        to.latched_count = from.latched_count;
        to.count_latched = from.count_latched;
        to.status_latched = from.status_latched;
        to.status = from.status;
        to.read_state = from.read_state;
        to.write_state = from.write_state;
        to.write_latch = from.write_latch;
        to.rw_mode = from.rw_mode;
        to.mode = from.mode;
        to.bcd = from.bcd;
        to.gate = from.gate;
    }
    s.flags = pit.flags;
    return s;
}

kvm_pit_state2 to_kvm_pit(const PitState& s) {
    kvm_pit_state2 pit{};
    for (size_t i = 0; i < s.channels.size(); ++i) {
        const PitChannelState& from = s.channels[i];
        kvm_pit_channel_state& to = pit.channels[i];
        to.count = from.count;
        to.latched_count = from.latched_count;
        to.count_latched = from.count_latched;
        to.status_latched = from.status_latched;
        to.status = from.status;
        to.read_state = from.read_state;
        to.write_state = from.write_state;
        to.write_latch = from.write_latch;
        to.rw_mode = from.rw_mode;
        to.mode = from.mode;
        to.bcd = from.bcd;
        to.gate = from.gate;
    }
    pit.flags = s.flags;
    return pit;
}

Result<void> validate(const PicPairState& state) {
    for (size_t i = 0; i < state.pics.size(); ++i) {
        const PicState& pic = state.pics[i];
        if (pic.priority_add > 7) return fail("8259 priority {}", pic.priority_add);
        if (pic.init_state > 3) return fail("8259 initialisation step {}", pic.init_state);
        if (pic.irq_base & 7) return fail("8259 vector base {:#x}", pic.irq_base);
        if (pic.elcr_mask != kElcrMasks[i] || (pic.elcr & ~kElcrMasks[i])) {
            return fail("8259 ELCR {:#x}", pic.elcr);
        }
    }
    return {};
}

Result<void> validate(const IoapicState& state) {
    if (state.base_address != IoapicState{}.base_address) {
        return fail("IOAPIC at {:#x}", state.base_address);
    }
    if (state.id > 15) return fail("IOAPIC id {}", state.id);
    if (state.irr >> state.redirection.size()) return fail("IOAPIC IRR {:#x}", state.irr);
    return {};
}

Result<void> validate(const PitState& state) {
    for (const PitChannelState& channel : state.channels) {
        if (channel.count > kMaxCount) return fail("8254 count {:#x}", channel.count);
        if (channel.mode > 5 && channel.mode != kNoMode) return fail("8254 mode {}", channel.mode);
        if (channel.rw_mode > 3 || channel.read_state > 4 || channel.write_state > 4 ||
            channel.count_latched > 4) {
            return fail("8254 access state {}, {}, {}", channel.rw_mode, channel.read_state,
                        channel.write_state);
        }
    }
    if (state.flags & ~uint32_t{KVM_PIT_FLAGS_HPET_LEGACY | KVM_PIT_FLAGS_SPEAKER_DATA_ON}) {
        return fail("8254 flags {:#x}", state.flags);
    }
    return {};
}

}  // namespace qc::kvm
