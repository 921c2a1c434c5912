// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/kvm/kvm_convert.h"

#include <gtest/gtest.h>

#include "accel/kvm/irqchip_state.h"

namespace qc::kvm {
namespace {

using i386::CpuState;
using i386::Segment;

// Every register another value.
CpuState distinct() {
    CpuState s;
    uint64_t next = 0x1000;
    for (uint64_t& gpr : s.gpr)
        gpr = next++;
    s.rip = next++;
    s.rflags = 0x246;
    for (Segment& segment : s.segments)
        segment = {static_cast<uint16_t>(next), next, static_cast<uint32_t>(next), 0xc09b}, ++next;
    s.ldtr = {1, next++, 2, 0x82};
    s.tr = {3, next++, 4, 0x8b};
    s.gdtr = {next++, 5};
    s.idtr = {next++, 6};
    s.cr0 = next++;
    s.cr2 = next++;
    s.cr3 = next++;
    s.cr4 = next++;
    s.cr8 = 7;
    s.efer = 0xd01;
    s.msr.apic_base = 0xfee00900;
    s.dr = {next++, next++, next++, next++};
    s.dr6 = next++;
    s.dr7 = next++;
    return s;
}

TEST(KvmConvert, registers_come_back) {
    const CpuState state = distinct();
    CpuState back;
    from_kvm_regs(to_kvm_regs(state), back);
    from_kvm_sregs(to_kvm_sregs(state), back);
    from_kvm_debugregs(to_kvm_debugregs(state), back);
    EXPECT_TRUE(back == state);
}

TEST(KvmConvert, gpr_order_is_the_instruction_sets) {
    CpuState state;
    state.gpr[i386::kRsp] = 7;
    state.gpr[i386::kRbx] = 8;
    EXPECT_EQ(to_kvm_regs(state).rsp, 7u);
    EXPECT_EQ(to_kvm_regs(state).rbx, 8u);
}

TEST(KvmConvert, every_attribute_bit_of_a_segment_comes_back) {
    for (uint32_t bit = 0; bit < 17; ++bit) {
        const uint32_t attributes = (1u << bit) & Segment::kAttributesMask;
        const Segment segment{0, 0, 0, attributes};
        EXPECT_EQ(from_kvm_segment(to_kvm_segment(segment, true)).attributes, attributes) << bit;
    }
}

TEST(KvmConvert, long_attribute_is_dropped_outside_of_long_mode) {
    EXPECT_EQ(to_kvm_segment({0, 0, 0, Segment::kLong}, false).l, 0);
    EXPECT_EQ(to_kvm_segment({0, 0, 0, Segment::kLong}, true).l, 1);
}

TEST(KvmConvert, events_come_back) {
    CpuState state;
    state.events.exception_injected = true;
    state.events.exception_vector = 14;
    state.events.exception_has_error_code = true;
    state.events.exception_error_code = 2;
    state.events.shadow_mov_ss = true;
    state.events.nmi_masked = true;
    state.events.nmi_pending = true;
    state.events.in_smm = true;
    CpuState back;
    from_kvm_events(to_kvm_events(state, true), back);
    EXPECT_TRUE(back.events == state.events);
}

TEST(KvmConvert, pending_exception_is_handed_over_for_delivery) {
    CpuState state;
    state.events.exception_pending = true;
    state.events.exception_vector = 6;
    EXPECT_EQ(to_kvm_events(state, false).exception.injected, 1);
}

TEST(KvmConvert, events_without_smm_do_not_claim_to_have_it) {
    EXPECT_FALSE(to_kvm_events({}, false).flags & KVM_VCPUEVENT_VALID_SMM);
}

TEST(KvmConvert, xsave_image_comes_back) {
    CpuState state;
    state.fxsave.fill(0x11);
    state.xsave_extension.assign(832 - 512, 0x22);
    state.xsave_extension[0] = 7;  // XSTATE_BV: x87, SSE, AVX
    std::vector<uint8_t> image(4096);
    to_xsave_image(state, image);
    CpuState back;
    from_xsave_image(std::span<const uint8_t>(image).first(832), true, back);
    EXPECT_TRUE(back == state);
}

TEST(KvmConvert, state_without_extension_leaves_the_rest_initial) {
    std::vector<uint8_t> image(4096, 0xff);
    to_xsave_image({}, image);
    EXPECT_EQ(image[512], 3);
    EXPECT_EQ(image[600], 0);
}

TEST(KvmConvert, activity_states_come_back) {
    for (auto state :
         {i386::MpState::kRunning, i386::MpState::kHalted, i386::MpState::kWaitForSipi}) {
        EXPECT_EQ(from_kvm_mp_state(to_kvm_mp_state(state)), state);
    }
}

TEST(IrqchipState, reset_states_are_valid) {
    EXPECT_TRUE(validate(reset_pics()));
    EXPECT_TRUE(validate(reset_ioapic()));
    EXPECT_TRUE(validate(reset_pit()));
}

TEST(IrqchipState, impossible_states_are_refused) {
    PicPairState pics = reset_pics();
    pics.pics[1].irq_base = 0x71;
    EXPECT_FALSE(validate(pics));
    pics = reset_pics();
    pics.pics[0].elcr = 1;
    EXPECT_FALSE(validate(pics));
    IoapicState ioapic = reset_ioapic();
    ioapic.base_address = 0x1000;
    EXPECT_FALSE(validate(ioapic));
    PitState pit = reset_pit();
    pit.channels[0].mode = 6;
    EXPECT_FALSE(validate(pit));
    pit = reset_pit();
    pit.channels[1].count = 0x10001;
    EXPECT_FALSE(validate(pit));
}

}  // namespace
}  // namespace qc::kvm
