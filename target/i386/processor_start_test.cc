// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/i386/processor_start.h"

#include <gtest/gtest.h>

#include "target/i386/cpu_model.h"

namespace qc::i386 {
namespace {

constexpr hw::FlatEntry kEntry{.address = 0x1000010,
                               .eax = 0x2badb002,
                               .ebx = 0x8100,
                               .esi = 0x10000,
                               .gdt_address = 0x8028,
                               .gdt_limit = 31,
                               .code_selector = 8,
                               .data_selector = 16,
                               .task_selector = 24};

CpuModel model_with_mtrrs() {
    CpuModel model{.physical_bits = 36};
    model.features[FeatureWord::k1Edx] = 1u << 12;
    return model;
}

CpuState started(bool bootstrap, const hw::ProcessorStart& start,
                 const CpuModel& model = model_with_mtrrs()) {
    CpuState state = reset_state(model, bootstrap);
    apply_start(state, model, start);
    return state;
}

TEST(ProcessorStart, entry_is_flat_32_bit_protected_mode) {
    const CpuState state = started(true, {.entry = kEntry});
    EXPECT_TRUE(validate(state));
    EXPECT_EQ(state.cr0, 0x11u);
    EXPECT_EQ(state.cr4, 0u);
    EXPECT_EQ(state.efer, 0u);
    EXPECT_EQ(state.rflags, 2u);
    EXPECT_EQ(state.rip, 0x1000010u);
    EXPECT_EQ(state.gpr[kRax], 0x2badb002u);
    EXPECT_EQ(state.gpr[kRbx], 0x8100u);
    EXPECT_EQ(state.gpr[kRsi], 0x10000u);
    EXPECT_EQ(state.gpr[kRdx], 0u);
    EXPECT_EQ(state.gdtr, (TableRegister{0x8028, 31}));
    for (int index = 0; index < static_cast<int>(kSegmentCount); ++index) {
        const Segment& segment = state.segments[static_cast<size_t>(index)];
        EXPECT_EQ(segment.selector, index == kCs ? 8 : 16);
        EXPECT_EQ(segment.base, 0u);
        EXPECT_EQ(segment.limit, 0xffffffffu);
        EXPECT_EQ(segment.attributes, index == kCs ? 0xc09bu : 0xc093u);
    }
    EXPECT_EQ(state.tr, (Segment{24, 0, 0x67, 0x8b}));
    EXPECT_EQ(state.mp_state, MpState::kRunning);
}

TEST(ProcessorStart, task_register_stays_without_a_selector) {
    hw::FlatEntry entry = kEntry;
    entry.task_selector = 0;
    EXPECT_EQ(started(true, {.entry = entry}).tr, reset_state({}, true).tr);
}

TEST(ProcessorStart, others_wait_with_the_same_mtrrs) {
    const CpuState other = started(false, {.devices_from = 0xc0000000});
    EXPECT_TRUE(validate(other));
    EXPECT_EQ(other.mp_state, MpState::kWaitForSipi);
    EXPECT_EQ(other.rip, reset_state({}, false).rip);
    EXPECT_EQ(other.msr.mtrr_def_type, 0xc06u);
    EXPECT_EQ(other.msr.mtrr_variable[0], (VariableMtrr{0xc0000000, 0xfc0000800}));
    EXPECT_EQ(other.msr.mtrr_variable[1], VariableMtrr{});
    EXPECT_EQ(other.msr.mtrr_fixed[2], 0u);
    const CpuState first = started(true, {.devices_from = 0xc0000000, .entry = kEntry});
    EXPECT_EQ(first.msr.mtrr_fixed, other.msr.mtrr_fixed);
    EXPECT_EQ(first.msr.mtrr_variable, other.msr.mtrr_variable);
}

TEST(ProcessorStart, model_without_mtrrs_keeps_them_as_they_are) {
    const CpuState state = started(true, {.entry = kEntry}, CpuModel{});
    EXPECT_EQ(state.msr.mtrr_def_type, 0u);
    EXPECT_EQ(state.msr.mtrr_variable[0], VariableMtrr{});
}

}  // namespace
}  // namespace qc::i386
