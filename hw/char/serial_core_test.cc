// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/char/serial_core.h"

#include <gtest/gtest.h>

#include <string_view>

namespace qc::hw {
namespace {

constexpr unsigned kIer = 1, kIir = 2, kFcr = 2, kLcr = 3, kMcr = 4, kLsr = 5, kMsr = 6, kScr = 7;
constexpr uint8_t kOut2 = 0x08;

class SerialCoreTest : public ::testing::Test {
 protected:
    SerialCoreTest() {
        uart.set_modem_inputs(SerialCore::kCts | SerialCore::kDsr | SerialCore::kDcd);
        uart.reset();
        uart.write(kMcr, kOut2);
    }
    void receive(std::string_view text) {
        uart.receive({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
    }
    SerialCore uart;
};

TEST_F(SerialCoreTest, reset_values) {
    SerialCore fresh;
    fresh.reset();
    EXPECT_EQ(fresh.read(kIer), 0);
    EXPECT_EQ(fresh.read(kIir), 1);
    EXPECT_EQ(fresh.read(kLcr), 0);
    EXPECT_EQ(fresh.read(kMcr), 0);
    EXPECT_EQ(fresh.read(kLsr), 0x60);
}

TEST_F(SerialCoreTest, divisor_hides_behind_dlab) {
    uart.write(kLcr, 0x83);
    uart.write(0, 0x34);
    uart.write(1, 0x12);
    EXPECT_EQ(uart.read(0), 0x34);
    EXPECT_EQ(uart.read(1), 0x12);
    uart.write(kLcr, 0x03);
    EXPECT_EQ(uart.read(kIer), 0);
    uart.write(kScr, 0xa5);
    EXPECT_EQ(uart.read(kScr), 0xa5);
}

TEST_F(SerialCoreTest, thr_is_busy_until_output_taken) {
    uart.write(0, 'x');
    EXPECT_EQ(uart.read(kLsr), 0x00);
    ASSERT_EQ(uart.pending_output().size(), 1u);
    EXPECT_EQ(uart.pending_output()[0], 'x');
    uart.output_taken(1);
    EXPECT_EQ(uart.read(kLsr), 0x60);
}

TEST_F(SerialCoreTest, transmit_interrupt_when_empty_and_cleared_by_iir) {
    uart.write(kIer, 0x02);
    EXPECT_TRUE(uart.irq()) << "enabling it with an empty register asks at once";
    EXPECT_EQ(uart.read(kIir), 0x02);
    EXPECT_FALSE(uart.irq());
    uart.write(0, 'x');
    EXPECT_FALSE(uart.irq());
    uart.output_taken(1);
    EXPECT_EQ(uart.read(kIir), 0x02);
    EXPECT_EQ(uart.read(kIir), 0x01);
}

TEST_F(SerialCoreTest, transmit_fifo_holds_sixteen_in_order) {
    uart.write(kFcr, 0x01);
    for (int i = 0; i < 20; ++i)
        uart.write(0, static_cast<uint8_t>('a' + i));
    ASSERT_EQ(uart.pending_output().size(), 16u);
    uart.output_taken(3);
    EXPECT_EQ(uart.pending_output().front(), 'd');
    EXPECT_EQ(uart.pending_output().back(), 'p');
    EXPECT_EQ(uart.read(kLsr), 0x00);
}

TEST_F(SerialCoreTest, receive_without_fifo_one_at_a_time) {
    uart.write(kIer, 0x01);
    EXPECT_EQ(uart.receive_space(), 1u);
    receive("a");
    EXPECT_EQ(uart.receive_space(), 0u);
    EXPECT_EQ(uart.read(kIir), 0x04);
    EXPECT_EQ(uart.read(kLsr), 0x61);
    EXPECT_EQ(uart.read(0), 'a');
    EXPECT_EQ(uart.read(kIir), 0x01);
}

TEST_F(SerialCoreTest, fifo_interrupts_at_trigger_level) {
    uart.write(kFcr, 0x41);  // four characters
    uart.write(kIer, 0x01);
    receive("abc");
    EXPECT_EQ(uart.read(kIir), 0xc1);
    receive("d");
    EXPECT_EQ(uart.read(kIir), 0xc4);
    EXPECT_EQ(uart.read(0), 'a');
    EXPECT_EQ(uart.read(kIir), 0xc1);
    EXPECT_EQ(uart.receive_space(), 13u);
}

TEST_F(SerialCoreTest, character_timeout_below_trigger) {
    uart.write(kLcr, 0x83);
    uart.write(0, 12);  // 9600 baud
    uart.write(kLcr, 0x03);
    uart.write(kFcr, 0x81);
    uart.write(kIer, 0x01);
    receive("ab");
    ASSERT_TRUE(uart.take_timeout_restart());
    uart.restart_timeout(1000);
    EXPECT_NEAR(static_cast<double>(uart.timeout_ns() - 1000), 4 * 10 / 9600.0 * 1e9, 1000);
    uart.timeout_reached();
    EXPECT_EQ(uart.read(kIir), 0xcc);
    EXPECT_EQ(uart.read(0), 'a');
    EXPECT_EQ(uart.read(kIir), 0xc1);
    EXPECT_TRUE(uart.take_timeout_restart());
    uart.restart_timeout(0);
    EXPECT_EQ(uart.read(0), 'b');
    uart.restart_timeout(0);
    EXPECT_EQ(uart.timeout_ns(), 0) << "nothing left to wait for";
}

TEST_F(SerialCoreTest, break_travels_through_fifo) {
    uart.write(kFcr, 0x01);
    uart.write(kIer, 0x04);
    receive("a");
    uart.receive_break();
    EXPECT_EQ(uart.read(kLsr), 0xe1) << "an error is in the FIFO, but not at its top";
    EXPECT_EQ(uart.read(kIir), 0xc1);
    EXPECT_EQ(uart.read(0), 'a');
    EXPECT_EQ(uart.read(kIir), 0xc6);
    EXPECT_EQ(uart.read(kLsr), 0xf1);
    EXPECT_EQ(uart.read(kLsr), 0x61);
}

TEST_F(SerialCoreTest, loopback_returns_data_and_counts_overrun) {
    uart.write(kMcr, 0x1f);
    EXPECT_EQ(uart.receive_space(), 0u) << "the line is disconnected";
    uart.write(0, 'a');
    EXPECT_TRUE(uart.pending_output().empty());
    EXPECT_EQ(uart.read(kLsr), 0x61);
    uart.write(0, 'b');
    EXPECT_EQ(uart.read(kLsr), 0x63);
    EXPECT_EQ(uart.read(0), 'b') << "without a FIFO the newer character stays";
}

TEST_F(SerialCoreTest, loopback_wires_modem_outputs_to_inputs) {
    uart.write(kMcr, 0x10);
    (void)uart.read(kMsr);
    uart.write(kMcr, 0x12);
    EXPECT_EQ(uart.read(kMsr), 0x11);
    uart.write(kMcr, 0x15);
    EXPECT_EQ(uart.read(kMsr), 0x63) << "ring's rising edge is not reported";
    uart.write(kMcr, 0x10);
    EXPECT_EQ(uart.read(kMsr), 0x06);
}

TEST_F(SerialCoreTest, modem_interrupt_on_change_and_cleared_by_msr) {
    uart.write(kIer, 0x08);
    EXPECT_FALSE(uart.irq());
    uart.set_modem_inputs(SerialCore::kCts);
    EXPECT_EQ(uart.read(kIir), 0x00);
    EXPECT_EQ(uart.read(kMsr), 0x10 | 0x0a);
    EXPECT_EQ(uart.read(kIir), 0x01);
}

TEST_F(SerialCoreTest, out2_gates_interrupt) {
    uart.write(kIer, 0x02);
    EXPECT_TRUE(uart.irq());
    uart.write(kMcr, 0x00);
    EXPECT_FALSE(uart.irq());
    EXPECT_EQ(uart.read(kIir), 0x02);
}

TEST_F(SerialCoreTest, fifo_switch_empties_both) {
    uart.write(kFcr, 0x01);
    receive("abc");
    uart.write(0, 'x');
    uart.write(kFcr, 0x00);
    EXPECT_EQ(uart.read(kLsr), 0x60);
    EXPECT_TRUE(uart.pending_output().empty());
    EXPECT_EQ(uart.read(kIir), 0x01);
}

TEST_F(SerialCoreTest, line_status_has_priority) {
    uart.write(kFcr, 0x01);
    uart.write(kIer, 0x0f);
    uart.receive_break();
    uart.set_modem_inputs(0);
    EXPECT_EQ(uart.read(kIir) & 0x0f, 0x06);
    (void)uart.read(kLsr);
    EXPECT_EQ(uart.read(kIir) & 0x0f, 0x04);
    (void)uart.read(0);
    EXPECT_EQ(uart.read(kIir) & 0x0f, 0x02);
    EXPECT_EQ(uart.read(kIir) & 0x0f, 0x00);
    (void)uart.read(kMsr);
    EXPECT_EQ(uart.read(kIir) & 0x0f, 0x01);
}

}  // namespace
}  // namespace qc::hw
