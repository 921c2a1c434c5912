// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/virtio/virtio_rng.h"

#include <gtest/gtest.h>

#include "hw/virtio/virtio_rng_pci.h"
#include "hw/virtio/virtio_test_guest.h"
#include "state/conformance.h"

namespace qc::hw {
namespace {

constexpr uint64_t kData = 0x100000;
constexpr int64_t kMillisecond = 1'000'000;

// Counts up from 1.
struct FakeEntropy final : EntropySource {
    size_t read(std::span<std::byte> data) override {
        const size_t count = std::min(data.size(), left);
        for (size_t i = 0; i < count; ++i)
            data[i] = static_cast<std::byte>(++last);
        left -= count;
        return count;
    }
    size_t left = 1 << 20;
    uint8_t last = 0;
};

struct RngGuest : VirtioMachine {
    // The source has `left` bytes; the device reads some of them in advance.
    explicit RngGuest(std::string_view options = "", size_t left = 1 << 20)
        : rng(machine.context, msi, config(options), {3, 0}, entropy) {
        entropy->left = left;
        if (!bus.plug(rng, {3, 0})) return;
        rng.reset();
        map(rng);
        negotiate(~virtio::kEventIndex);
        enable_queue(0, 8, 0);
        drive();
    }
    static VirtioRngPci::Config config(std::string_view options) {
        auto parsed = OptionString::parse(options, "").value();
        auto values = qom::PropertyValues::from_options(kVirtioRngPciType, parsed).value();
        return VirtioRngPci::parse(values).value();
    }
    void want(uint32_t bytes, uint16_t flags = virtqueue::kWrite) {
        ring.descriptor(0, {kData, bytes, flags, 0});
        ring.offer(0);
        notify();
    }

    std::shared_ptr<FakeEntropy> entropy = std::make_shared<FakeEntropy>();
    FakeRing ring{memory, 8};
    VirtioRngPci rng;
};

TEST(VirtioRng, function_looks_as_qemu_s) {
    RngGuest f;
    EXPECT_EQ(f.rng.config_read(0, 4), 0x10051af4u);
    EXPECT_EQ(f.rng.config_read(8, 4), 0x00ff0000u);
    EXPECT_EQ(f.rng.config_read(0x2c, 4), 0x00041af4u);
    f.rng.config_write(0x10, 4, 0xffffffff);
    EXPECT_EQ(f.rng.config_read(0x10, 4), 0xffffffe1u);
    f.common(0x16, 0, 2);
    EXPECT_EQ(f.common(0x18, 2), 8u);
}

TEST(VirtioRng, buffer_is_filled) {
    RngGuest f;
    f.want(16);
    EXPECT_EQ(f.ring.used_index(), 1);
    EXPECT_EQ(f.ring.used_length(0), 16u);
    EXPECT_NE(f.get(kData), 0u);
    EXPECT_NE(f.get(kData + 12), 0u);
    EXPECT_EQ(f.get(kData + 16), 0u);
}

TEST(VirtioRng, source_without_bytes_is_asked_again) {
    RngGuest f("", 0);
    f.want(16);
    EXPECT_EQ(f.ring.used_index(), 0);
    f.entropy->left = 5;
    f.machine.advance_ns(20 * kMillisecond);
    EXPECT_EQ(f.ring.used_index(), 1);
    EXPECT_EQ(f.ring.used_length(0), 5u) << "some are better than none";
}

TEST(VirtioRng, no_more_than_allowed_in_a_period) {
    RngGuest f("max-bytes=24,period=100");
    f.want(16);
    f.want(16);
    f.want(16);
    EXPECT_EQ(f.ring.used_index(), 2);
    EXPECT_EQ(f.ring.used_length(1), 8u);
    f.machine.advance_ns(90 * kMillisecond);
    EXPECT_EQ(f.ring.used_index(), 2);
    f.machine.advance_ns(20 * kMillisecond);
    EXPECT_EQ(f.ring.used_index(), 3);
}

TEST(VirtioRng, request_for_no_bytes_breaks) {
    RngGuest f;
    f.want(16, 0);
    EXPECT_NE(f.status() & virtio::kNeedsReset, 0);
}

TEST(VirtioRng, buffer_outside_of_ram_breaks) {
    RngGuest f;
    f.ring.descriptor(0, {VirtioMachine::kNotify, 16, virtqueue::kWrite, 0});
    f.ring.offer(0);
    f.notify();
    EXPECT_NE(f.status() & virtio::kNeedsReset, 0);
}

TEST(VirtioRng, request_that_waits_is_served_after_a_load) {
    RngGuest source("", 0);
    source.want(16);
    RngGuest target;
    target.memory.store<uint16_t>(FakeRing::kDriver + 2, 1);
    target.ring.descriptor(0, {kData, 16, virtqueue::kWrite, 0});
    ASSERT_TRUE(target.rng.validate(source.rng.save()));
    target.rng.restore(source.rng.save());
    EXPECT_EQ(target.ring.used_index(), 0);
    target.machine.advance_ns(kMillisecond);
    EXPECT_EQ(target.ring.used_index(), 1);
}

TEST(VirtioRng, properties_that_cannot_be_are_refused) {
    const auto good = [](std::string_view options) {
        auto parsed = OptionString::parse(options, "").value();
        auto values = qom::PropertyValues::from_options(kVirtioRngPciType, parsed);
        return values && VirtioRngPci::parse(*values);
    };
    EXPECT_TRUE(good("max-bytes=1,period=1"));
    EXPECT_FALSE(good("period=0"));
    EXPECT_FALSE(good("max-bytes=9223372036854775808"));
    EXPECT_FALSE(good("aer=on"));
}

struct Subject final : state::ConformanceSubject {
    RngGuest f{"max-bytes=100"};
    state::StateComponent& component() override { return *f.rng.state_components()[0]; }
    void exercise(unsigned seed) override {
        f.machine.advance_ns(seed * kMillisecond);
        f.want(1 + seed % 50);
        f.common(0x10, seed % 2, 2);
    }
};

TEST(VirtioRng, conformance) {
    state::check_conformance([] { return std::make_unique<Subject>(); }, "virtio-rng.hex");
}

}  // namespace
}  // namespace qc::hw
