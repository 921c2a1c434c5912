// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/pci/msix.h"

#include <gtest/gtest.h>

namespace qc::hw {
namespace {

constexpr Msix::Config kHow{.vectors = 3, .bar = 1, .capability = 0x98, .next = 0x40};
constexpr uint8_t kControl = 0x9a;

struct FakePort final : MsiPort {
    void send_msi(const MsiMessage& message) override { messages.push_back(message); }
    std::vector<MsiMessage> messages;
};

struct Fixture {
    Fixture() {
        config.write(pci::kCommand, 2, pci::kCommandMaster);
        msix.io_write(16, 4, 0xfee01000);
        msix.io_write(24, 4, 0x4041);
    }
    void control(uint16_t value) {
        config.write(kControl, 2, value);
        msix.config_written();
    }
    void mask(bool masked) { msix.io_write(28, 4, masked ? 1 : 0); }
    bool pending() { return (msix.io_read(0x800, 4) & 2) != 0; }

    PciConfig config{{}, Msix::registers(kHow), {}};
    FakePort port;
    Msix msix{kHow, config, port};
};

TEST(Msix, capability_says_how_many_and_where) {
    Fixture f;
    EXPECT_EQ(f.config.read(0x98, 4), 0x00024011u);
    EXPECT_EQ(f.config.read(0x9c, 4), 0x00000001u);
    EXPECT_EQ(f.config.read(0xa0, 4), 0x00000801u);
    f.config.write(0x98, 4, 0xffffffff);
    EXPECT_EQ(f.config.read(0x98, 4), 0xc0024011u);
}

TEST(Msix, bar_has_room_for_all_vectors) {
    EXPECT_EQ(Msix::bar_size(1), 4096u);
    EXPECT_EQ(Msix::bar_size(128), 4096u);
    EXPECT_EQ(Msix::bar_size(256), 8192u);
    EXPECT_EQ(Msix::bar_size(2048), 65536u);
}

TEST(Msix, entry_reads_as_written_and_is_masked_at_first) {
    Fixture f;
    EXPECT_EQ(f.msix.io_read(16, 4), 0xfee01000u);
    EXPECT_EQ(f.msix.io_read(24, 4), 0x4041u);
    EXPECT_EQ(f.msix.io_read(28, 4), 1u);
    f.msix.io_write(20, 4, 0x12345678);
    EXPECT_EQ(f.msix.io_read(20, 4), 0x12345678u);
    EXPECT_EQ(f.msix.io_read(16, 4), 0xfee01000u);
}

TEST(Msix, raised_vector_sends_its_message) {
    Fixture f;
    f.control(0x8000);
    f.mask(false);
    f.msix.raise(1);
    ASSERT_EQ(f.port.messages.size(), 1u);
    EXPECT_EQ(f.port.messages[0], (MsiMessage{0xfee01000, 0x4041}));
    EXPECT_FALSE(f.pending());
}

TEST(Msix, disabled_function_sends_and_keeps_nothing) {
    Fixture f;
    f.mask(false);
    f.msix.raise(1);
    f.control(0x8000);
    EXPECT_TRUE(f.port.messages.empty());
}

TEST(Msix, masked_vector_is_sent_when_unmasked) {
    Fixture f;
    f.control(0x8000);
    f.msix.raise(1);
    f.msix.raise(1);
    EXPECT_TRUE(f.pending());
    EXPECT_TRUE(f.port.messages.empty());
    f.mask(false);
    EXPECT_EQ(f.port.messages.size(), 1u) << "raised twice, pending once";
    EXPECT_FALSE(f.pending());
}

TEST(Msix, masked_function_sends_when_unmasked) {
    Fixture f;
    f.control(0xc000);
    f.mask(false);
    f.msix.raise(1);
    EXPECT_TRUE(f.pending());
    f.control(0x8000);
    EXPECT_EQ(f.port.messages.size(), 1u);
}

TEST(Msix, function_that_is_no_bus_master_waits) {
    Fixture f;
    f.control(0x8000);
    f.mask(false);
    f.config.write(pci::kCommand, 2, 0);
    f.msix.raise(1);
    EXPECT_TRUE(f.port.messages.empty());
    f.config.write(pci::kCommand, 2, pci::kCommandMaster);
    f.msix.config_written();
    EXPECT_EQ(f.port.messages.size(), 1u);
}

TEST(Msix, vectors_that_do_not_exist_are_ignored) {
    Fixture f;
    f.control(0x8000);
    f.msix.raise(3);
    f.msix.raise(0xffff);
    f.msix.io_write(3 * 16, 4, 1);
    EXPECT_EQ(f.msix.io_read(3 * 16, 4), 0u);
    EXPECT_TRUE(f.port.messages.empty());
}

TEST(Msix, message_to_its_own_table_changes_nothing) {
    Fixture f;
    struct Loop final : MsiPort {
        void send_msi(const MsiMessage&) override {
            ++sent;
            msix->io_write(24, 4, 0x1111);
            msix->raise(1);
        }
        Msix* msix = nullptr;
        int sent = 0;
    } loop;
    Msix msix{kHow, f.config, loop};
    loop.msix = &msix;
    f.config.write(kControl, 2, 0x8000);
    msix.io_write(28, 4, 0);
    msix.raise(1);
    EXPECT_EQ(loop.sent, 1);
    EXPECT_EQ(msix.io_read(24, 4), 0u);
}

}  // namespace
}  // namespace qc::hw
