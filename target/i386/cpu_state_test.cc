// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/i386/cpu_state.h"

#include <gtest/gtest.h>

#include <functional>

#include "state/component_of.h"
#include "state/conformance.h"
#include "target/i386/cpu_model.h"

namespace qc::i386 {
namespace {

CpuModel model() {
    CpuSupport support{.accelerator = "tcg", .features = {}, .host = {}, .xsave_leaves = {}};
    return choose_cpu_model("qemu64", support)->model;
}

TEST(CpuState, reset_bootstrap_processor_starts_below_four_gigabytes) {
    CpuState state = reset_state(model(), true);

    EXPECT_EQ(state.segments[kCs].base + state.rip, 0xfffffff0u);
    EXPECT_EQ(state.cr0, 0x60000010u);
    EXPECT_EQ(state.rflags, 2u);
    EXPECT_EQ(state.gpr[kRdx], model().signature());
    EXPECT_EQ(state.msr.apic_base, 0xfee00900u);
    EXPECT_EQ(state.mp_state, MpState::kRunning);
    EXPECT_TRUE(validate(state));
}

TEST(CpuState, reset_application_processor_waits_for_startup) {
    CpuState state = reset_state(model(), false);

    EXPECT_EQ(state.mp_state, MpState::kWaitForSipi);
    EXPECT_EQ(state.msr.apic_base, 0xfee00800u);
    EXPECT_TRUE(validate(state));
}

TEST(CpuState, startup_ipi_begins_at_its_page) {
    CpuState state = reset_state(model(), false);

    apply_startup(state, 0x9a);

    EXPECT_EQ(state.segments[kCs].selector, 0x9a00);
    EXPECT_EQ(state.segments[kCs].base, 0x9a000u);
    EXPECT_EQ(state.rip, 0u);
    EXPECT_EQ(state.mp_state, MpState::kRunning);
}

TEST(CpuState, init_keeps_what_the_manual_says_it_keeps) {
    CpuState state = reset_state(model(), false);
    state.gpr[kRbx] = 5;
    state.cr0 = 0x80000011;
    state.msr.tsc = 1234;
    state.msr.pat = 0x0606060606060606;
    state.fxsave[0] = 0x7f;
    state.events.nmi_masked = true;

    apply_init(state, model());

    EXPECT_EQ(state.gpr[kRbx], 0u);
    EXPECT_EQ(state.cr0, 0x10u);
    EXPECT_EQ(state.msr.tsc, 1234u);
    EXPECT_EQ(state.msr.pat, 0x0606060606060606u);
    EXPECT_EQ(state.fxsave[0], 0x7f);
    EXPECT_FALSE(state.events.nmi_masked);
    EXPECT_EQ(state.mp_state, MpState::kWaitForSipi);
}

TEST(CpuState, field_list_round_trip_keeps_every_field) {
    CpuState state = reset_state(model(), true);
    state.gpr[kR15] = 0x0123456789abcdef;
    state.xsave_extension.assign(320, 7);
    state.msr.extra = {{0x400, 1}, {0xc0011029, 2}};
    state.events.smi_pending = true;
    state.a20_enabled = false;
    ByteWriter out;
    state::FieldSaver saver(out);
    CpuState::fields(saver, state);

    CpuState loaded;
    ByteReader in(out.view());
    state::FieldLoader loader(in, 1);
    CpuState::fields(loader, loaded);

    EXPECT_TRUE(loader.take_status());
    EXPECT_TRUE(in.expect_end("state"));
    EXPECT_TRUE(loaded == state);
}

// The form in which every accelerator saves a processor.
struct StateOwner {
    CpuState state = reset_state(model(), true);
    CpuState save() const { return state; }
    Result<void> validate(const CpuState& loaded) const { return i386::validate(loaded); }
    void restore(const CpuState& loaded) { state = loaded; }
};
struct StateSubject final : state::ConformanceSubject {
    StateOwner owner;
    state::ComponentOf<StateOwner, CpuState> part{{.name = "cpu"}, owner};
    state::StateComponent& component() override { return part; }
    void exercise(unsigned seed) override {
        owner.state.gpr[kRax] = seed;
        owner.state.rip = 0x100 * seed;
        owner.state.msr.extra.assign(seed, MsrValue{0x400, seed});
        owner.state.msr.extra.resize(1);
        owner.state.mp_state = MpState::kHalted;
    }
};

TEST(CpuState, conformance) {
    state::check_conformance([] { return std::make_unique<StateSubject>(); }, "cpu.hex");
}

struct Damage {
    const char* name;
    std::function<void(CpuState&)> apply;
};

class CpuStateValidate : public testing::TestWithParam<Damage> {};

TEST_P(CpuStateValidate, impossible_state_is_refused) {
    CpuState state = reset_state(model(), true);
    GetParam().apply(state);
    EXPECT_FALSE(validate(state));
}

INSTANTIATE_TEST_SUITE_P(
    All, CpuStateValidate,
    testing::Values(
        Damage{"PagingWithoutProtection", [](CpuState& s) { s.cr0 = 0x80000010; }},
        Damage{"Cr0HighBits", [](CpuState& s) { s.cr0 |= uint64_t{1} << 40; }},
        Damage{"NotWriteThroughAlone", [](CpuState& s) { s.cr0 = 0x20000010; }},
        Damage{"LongModeWithoutPae",
               [](CpuState& s) { s.cr0 = 0x80000011, s.efer = 0x500, s.cr4 = 0; }},
        Damage{"LmaWithoutPaging", [](CpuState& s) { s.efer = 0x500; }},
        Damage{"PagedLmeWithoutLma",
               [](CpuState& s) { s.cr0 = 0x80000011, s.efer = 0x100, s.cr4 = 0x20; }},
        Damage{"ReservedFlag", [](CpuState& s) { s.rflags |= 8; }},
        Damage{"FlagBitOneClear", [](CpuState& s) { s.rflags = 0; }},
        Damage{"Vm86InRealMode", [](CpuState& s) { s.rflags |= 1 << 17; }},
        Damage{"WideRip", [](CpuState& s) { s.rip = uint64_t{1} << 33; }},
        Damage{"WideDataBase", [](CpuState& s) { s.segments[kDs].base = uint64_t{1} << 32; }},
        Damage{"NonCanonicalIdt", [](CpuState& s) { s.idtr.base = uint64_t{1} << 62; }},
        Damage{"NonCanonicalLstar", [](CpuState& s) { s.msr.lstar = uint64_t{1} << 50; }},
        Damage{"Attributes", [](CpuState& s) { s.segments[kSs].attributes |= 0x100; }},
        Damage{"Mxcsr", [](CpuState& s) { s.fxsave[26] = 1; }},
        Damage{"Pat", [](CpuState& s) { s.msr.pat = 2; }},
        Damage{"FixedMtrr", [](CpuState& s) { s.msr.mtrr_fixed[3] = 0x0700; }},
        Damage{"X2ApicWithoutEnable", [](CpuState& s) { s.msr.apic_base = 0xfee00400; }},
        Damage{"TaskPriority", [](CpuState& s) { s.cr8 = 16; }},
        Damage{"Activity", [](CpuState& s) { s.mp_state = static_cast<MpState>(9); }},
        Damage{
            "Vector",
            [](CpuState& s) { s.events.exception_pending = true, s.events.exception_vector = 40; }},
        Damage{"TwoEvents",
               [](CpuState& s) { s.events.nmi_injected = s.events.interrupt_injected = true; }},
        Damage{"ExtraOrder", [](CpuState& s) { s.msr.extra = {{5, 0}, {5, 0}}; }},
        Damage{"Xcr0", [](CpuState& s) { s.xcr0 = 5; }}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(CpuStateValidate, sixty_four_bit_state_passes) {
    CpuState state = reset_state(model(), true);
    state.cr0 = 0x80050033;
    state.cr4 = 0x6b0;
    state.efer = 0xd01;
    state.segments[kCs] = Segment{0x10, 0, 0xffffffff, 0xa09b};
    state.segments[kGs].base = 0xffff888000000000;
    state.rip = 0xffffffff81000000;
    EXPECT_TRUE(validate(state)) << validate(state).error().message();
}

TEST(CpuStateValidate, what_guests_can_bring_about_passes) {
    // Long mode was left with an FS base that only it could set.
    CpuState left = reset_state(model(), true);
    left.segments[kFs].base = 0xffff888000000000;
    EXPECT_TRUE(validate(left));
    left.segments[kFs].base = uint64_t{1} << 47;
    EXPECT_FALSE(validate(left));

    // The last instruction below the canonical hole has run; the next fetch faults.
    CpuState edge = reset_state(model(), true);
    edge.cr0 = 0x80050033;
    edge.cr4 = 0x6b0;
    edge.efer = 0xd01;
    edge.segments[kCs] = Segment{0x10, 0, 0xffffffff, 0xa09b};
    edge.rip = 0x800000000000;
    EXPECT_TRUE(validate(edge));
    edge.rip = 0x1000000000000;
    EXPECT_FALSE(validate(edge));
}

TEST(CpuState, dump_shows_registers_by_name) {
    std::string text = dump_registers(reset_state(model(), true));
    EXPECT_NE(text.find("RIP=000000000000fff0"), std::string::npos) << text;
    EXPECT_NE(text.find("CS  =f000 00000000ffff0000"), std::string::npos) << text;
}

}  // namespace
}  // namespace qc::i386
