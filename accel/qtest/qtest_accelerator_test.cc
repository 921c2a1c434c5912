// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/qtest/qtest_accelerator.h"

#include <gtest/gtest.h>

#include "accel/qtest/qtest_vcpu.h"
#include "hw/core/fake_machine.h"
#include "state/conformance.h"

namespace qc::accel::qtest {
namespace {

i386::CpuModel model() {
    return i386::choose_cpu_model("qemu64", {.accelerator = "qtest"})->model;
}

struct Subject final : state::ConformanceSubject {
    state::StateComponent& component() override { return vcpu.state(); }
    void exercise(unsigned seed) override {
        i386::CpuState state = vcpu.save();
        state.rip = 0x1000 + seed;
        vcpu.restore(state);
        vcpu.set_a20_enabled(seed % 2 == 0);
    }
    QtestVcpu vcpu{0, model()};
};

TEST(QtestVcpuTest, conformance) {
    state::check_conformance([] { return std::make_unique<Subject>(); }, "");
}

TEST(QtestVcpuTest, it_halts_until_it_is_kicked) {
    QtestVcpu vcpu(0, model());
    EXPECT_EQ(vcpu.run(), VcpuExit::kHalted);
    vcpu.raise_nmi();
    vcpu.set_interrupt_line(true);
    vcpu.kick();
    vcpu.wait_for_event();
    EXPECT_EQ(vcpu.save().rip, 0xfff0u);
}

TEST(QtestAcceleratorTest, every_model_is_complete) {
    MachineLock lock;
    memory::RamList ram;
    auto memory_root = memory::MemoryRegion::container("memory", 0);
    auto io_root = memory::MemoryRegion::container("io", 0x10000);
    memory::AddressSpace memory(memory_root);
    memory::AddressSpace io(io_root);
    hw::FakeMachine machine;
    FakeClock clock;
    auto accelerator = *QtestAccelerator::create({lock, ram, memory, io, machine, clock});
    EXPECT_FALSE(accelerator->guest_time_passes());
    const auto choice = i386::choose_cpu_model("Nehalem,+avx2,+vmx", accelerator->cpu_support());
    ASSERT_TRUE(choice.has_value());
    EXPECT_TRUE(choice->warnings.empty());
}

}  // namespace
}  // namespace qc::accel::qtest
