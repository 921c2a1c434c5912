// SPDX-License-Identifier: GPL-2.0-or-later
#include "qtest/request.h"

#include <gtest/gtest.h>

namespace qc::qtest_server {
namespace {

// Why a line is no request; empty if it is one.
std::string refusal(std::string_view line) {
    const Request request = parse_request(line);
    const auto* refused = std::get_if<Refused>(&request);
    return refused == nullptr ? "" : refused->reply;
}

template <typename T>
T parsed(std::string_view line) {
    const Request request = parse_request(line);
    const T* wanted = std::get_if<T>(&request);
    EXPECT_NE(wanted, nullptr) << line << ": " << refusal(line);
    return wanted == nullptr ? T{} : *wanted;
}

TEST(RequestTest, numbers_are_read_as_in_c) {
    EXPECT_EQ(parsed<MemoryLoad>("readb 0x1F").address, 0x1fu);
    EXPECT_EQ(parsed<MemoryLoad>("readb 31").address, 31u);
    EXPECT_EQ(parsed<MemoryLoad>("readb 037").address, 31u);
    EXPECT_EQ(parsed<MemoryLoad>("readb 0").address, 0u);
    EXPECT_EQ(parsed<MemoryLoad>("readb 0xffffffffffffffff").address, ~uint64_t{0});
}

TEST(RequestTest, what_is_no_number_is_refused) {
    for (const char* word : {"", "x", "0x", "09", "1x", "-1", "+1", " 1", "0x1g", "1.0"})
        EXPECT_TRUE(refusal("readb " + std::string(word)).starts_with("FAIL Invalid address"))
            << word;
    EXPECT_EQ(refusal("readb 0x10000000000000000"),
              "FAIL The address '0x10000000000000000' is out of range");
}

TEST(RequestTest, verbs_have_the_size_of_their_last_letter) {
    EXPECT_EQ(parsed<PortRead>("inb 0x70").size, 1u);
    EXPECT_EQ(parsed<PortRead>("inw 0x70").size, 2u);
    EXPECT_EQ(parsed<PortRead>("inl 0x70").size, 4u);
    EXPECT_EQ(parsed<PortWrite>("outw 0x70 1").size, 2u);
    EXPECT_EQ(parsed<MemoryStore>("writeq 0x70 1").size, 8u);
    EXPECT_EQ(parsed<MemoryLoad>("readl 0x70").size, 4u);
}

TEST(RequestTest, values_lose_what_the_access_has_no_room_for) {
    EXPECT_EQ(parsed<PortWrite>("outb 0x70 0x1ff").value, 0xffu);
    EXPECT_EQ(parsed<PortWrite>("outl 0x70 0x1234567890").value, 0x34567890u);
    EXPECT_EQ(parsed<MemoryStore>("writew 0 0x12345").value, 0x2345u);
    EXPECT_EQ(parsed<MemoryStore>("writeq 0 0x1122334455667788").value, 0x1122334455667788u);
}

TEST(RequestTest, ports_end_at_ffff) {
    EXPECT_EQ(parsed<PortRead>("inb 0xffff").port, 0xffff);
    EXPECT_EQ(refusal("inb 0x10000"), "FAIL The port '0x10000' is out of range");
    EXPECT_EQ(refusal("outb 0x10000 0"), "FAIL The port '0x10000' is out of range");
}

TEST(RequestTest, missing_words_are_refused) {
    EXPECT_EQ(refusal("inb"), "FAIL inb needs 1 arguments");
    EXPECT_EQ(refusal("outb 1"), "FAIL outb needs 2 arguments");
    EXPECT_EQ(refusal("write 0 1"), "FAIL write needs 3 arguments");
    EXPECT_EQ(refusal("clock_set"), "FAIL clock_set needs 1 arguments");
    EXPECT_EQ(refusal("set_irq_in a b 1"), "FAIL set_irq_in needs 4 arguments");
}

TEST(RequestTest, unknown_commands_are_named_in_print) {
    EXPECT_EQ(refusal("foo bar"), "FAIL Unknown command 'foo'");
    EXPECT_EQ(refusal("rtas x 1 2 3 4"), "FAIL Unknown command 'rtas'");
    EXPECT_EQ(refusal(""), "FAIL Unknown command ''");
    EXPECT_EQ(refusal("a\x01\xff"),
              "FAIL Unknown command 'a?"
              "?'");
    EXPECT_LT(refusal(std::string(100'000, 'x')).size(), 200u);
}

TEST(RequestTest, short_data_is_filled_up_with_zeros) {
    const auto write = parsed<BlockWrite>("write 0x10 4 0xaabb");
    const std::vector<std::byte> wanted{std::byte{0xaa}, std::byte{0xbb}, {}, {}};
    EXPECT_EQ(write.data, wanted);
    EXPECT_EQ(parsed<BlockWrite>("write 0x10 1 0xaabb").data.size(), 1u);
    EXPECT_EQ(parsed<BlockWrite>("write 0x10 4 0xa").data, std::vector<std::byte>(4));
}

TEST(RequestTest, data_that_is_none_is_refused) {
    EXPECT_EQ(refusal("write 0 4 0x"), "ERR invalid argument size");
    EXPECT_EQ(refusal("b64write 0 4 A="), "ERR invalid argument size");
    EXPECT_EQ(refusal("write 0 2 0xzz11"), "FAIL The data is not hexadecimal");
    EXPECT_EQ(refusal("write 0 2 1122"), "FAIL The data does not begin with 0x");
    EXPECT_EQ(refusal("b64write 0 2 !!!!"), "FAIL this is not base64");
}

TEST(RequestTest, base64_of_another_size_is_remarked_upon) {
    EXPECT_EQ(parsed<BlockWrite>("b64write 0 4 AQIDBA==").remark, "");
    const auto longer = parsed<BlockWrite>("b64write 0 3 AQIDBA==");
    EXPECT_EQ(longer.data.size(), 3u);
    EXPECT_NE(longer.remark, "");
    const auto shorter = parsed<BlockWrite>("b64write 0 5 AQIDBA==");
    EXPECT_EQ(shorter.data.size(), 4u);
    EXPECT_NE(shorter.remark, "");
}

TEST(RequestTest, blocks_are_bounded_and_stay_in_the_address_space) {
    EXPECT_EQ(refusal("read 0 0"), "FAIL The size is 0");
    EXPECT_EQ(refusal("b64write 0 0 AAAA"), "FAIL The size is 0");
    EXPECT_EQ(parsed<BlockFill>("memset 0 0 0x11").size, 0u);
    EXPECT_EQ(parsed<BlockRead>("read 0 0x4000000").size, kMaxBlock);
    EXPECT_EQ(refusal("read 0 0x4000001"), "FAIL The size '0x4000001' is out of range");
    EXPECT_EQ(refusal("memset 0 0xffffffffffffffff 1"),
              "FAIL The size '0xffffffffffffffff' is out of range");
    EXPECT_EQ(parsed<BlockRead>("read 0xffffffffffffffff 1").size, 1u);
    EXPECT_EQ(refusal("read 0xffffffffffffffff 2"),
              "FAIL The block goes past the end of the address space");
}

TEST(RequestTest, times_are_not_negative) {
    EXPECT_FALSE(parsed<ClockStep>("clock_step").by_ns.has_value());
    EXPECT_EQ(parsed<ClockStep>("clock_step 1000").by_ns, 1000);
    EXPECT_EQ(parsed<ClockSet>("clock_set 1000").to_ns, 1000);
    EXPECT_EQ(refusal("clock_step -5"), "FAIL Invalid time '-5'");
    EXPECT_EQ(refusal("clock_set 0x8000000000000000"),
              "FAIL The time '0x8000000000000000' is out of range");
}

TEST(RequestTest, unnamed_inputs_have_a_name_on_the_wire) {
    const auto unnamed = parsed<DriveInput>("set_irq_in ioapic unnamed-gpio-in 8 1");
    EXPECT_EQ(unnamed.name, "");
    EXPECT_EQ(unnamed.pin, 8u);
    EXPECT_TRUE(unnamed.level);
    EXPECT_EQ(parsed<DriveInput>("set_irq_in ioapic foo 8 0").name, "foo");
}

TEST(RequestTest, values_are_written_as_clients_read_them) {
    EXPECT_EQ(port_value_reply(0xff), "OK 0x00ff");
    EXPECT_EQ(port_value_reply(0), "OK 0x0000");
    EXPECT_EQ(port_value_reply(0x12378086), "OK 0x12378086");
    EXPECT_EQ(memory_value_reply(0x5a), "OK 0x000000000000005a");
    EXPECT_EQ(memory_value_reply(~uint64_t{0}), "OK 0xffffffffffffffff");
    const std::array data{std::byte{0x01}, std::byte{0xab}, std::byte{0x00}, std::byte{0xff}};
    EXPECT_EQ(block_reply(data, BlockText::kHex), "OK 0x01ab00ff");
    EXPECT_EQ(block_reply(data, BlockText::kBase64), "OK AasA/w==");
}

}  // namespace
}  // namespace qc::qtest_server
