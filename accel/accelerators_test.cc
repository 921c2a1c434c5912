// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/accelerators.h"

#include <gtest/gtest.h>

namespace qc::accel {
namespace {

class NoMachine final : public hw::MachinePort {
 public:
    void request_guest_reset() override {}
    void request_guest_shutdown() override {}
    void request_guest_sleep(hw::SleepKind) override {}
    void request_wake_up() override {}
    void request_debug_exit(uint8_t) override {}
    void report_internal_error() override {}
};

class AcceleratorsTest : public testing::Test {
 protected:
    std::string error_of(std::vector<std::string> candidates) {
        std::vector<OptionString> parsed;
        for (const std::string& text : candidates)
            parsed.push_back(*OptionString::parse(text, "accel"));
        auto choice = choose_accelerator(parsed, deps_);
        return choice ? "no error" : choice.error().message();
    }

    MachineLock lock_;
    memory::RamList ram_;
    memory::MemoryRegion memory_root_ = memory::MemoryRegion::container("memory", 0);
    memory::MemoryRegion io_root_ = memory::MemoryRegion::container("io", 0x10000);
    memory::AddressSpace memory_{memory_root_};
    memory::AddressSpace io_{io_root_};
    NoMachine machine_;
    FakeClock clock_;
    AcceleratorDeps deps_{lock_, ram_, memory_, io_, machine_, clock_};
};

TEST_F(AcceleratorsTest, unknown_accelerator_is_refused_by_name) {
    EXPECT_EQ(error_of({"foo"}), "invalid accelerator foo");
    EXPECT_EQ(error_of({"kvm", "foo"}), "invalid accelerator foo");
}

TEST_F(AcceleratorsTest, unknown_property_is_refused_by_name) {
    EXPECT_EQ(error_of({"kvm,colour=red"}), "Invalid parameter 'colour'");
}

TEST_F(AcceleratorsTest, split_irqchip_is_refused) {
    EXPECT_EQ(error_of({"kvm,kernel-irqchip=split"}), "kernel-irqchip=split is not supported");
}

TEST_F(AcceleratorsTest, ring_size_must_be_a_power_of_two) {
    EXPECT_EQ(error_of({"kvm,dirty-ring-size=1000"}), "dirty-ring-size must be a power of two.");
}

TEST_F(AcceleratorsTest, no_candidate_is_an_error) {
    EXPECT_EQ(error_of({}), "no accelerator given");
}

}  // namespace
}  // namespace qc::accel
