// SPDX-License-Identifier: GPL-2.0-or-later
//
// Sender, receiver and gate of multifd over channels in memory, without a machine.
#include <gtest/gtest.h>

#include <cstring>

#include "migration/multifd_gate.h"
#include "migration/multifd_ram_store.h"
#include "migration/multifd_receiver.h"
#include "migration/multifd_sender.h"
#include "migration/test_machine.h"
#include "migration/test_rendezvous.h"

namespace qc::migration {
namespace {

constexpr uint64_t kPages = 2000;

memory::RamBlock& add_block(memory::RamList& ram) {
    return **ram.create_block("pc.ram", kPages * memory::kPageSize, memory::RamBlock::Kind::kRam);
}

class MultifdChannelsTest : public testing::Test {
 protected:
    void connect(size_t channels, MultifdCompression compression = MultifdCompression::kNone) {
        std::vector<std::unique_ptr<io::Channel>> theirs;
        sender = *MultifdSender::create({.session = {},
                                         .channels = static_cast<uint8_t>(channels),
                                         .compression = compression,
                                         .level = 1},
                                        from_ram, *breaks,
                                        [&]() -> Result<std::unique_ptr<io::Channel>> {
                                            auto [a, b] = io::MemoryChannel::create_pair();
                                            senders_ends.push_back(a.get());
                                            theirs.push_back(std::move(b));
                                            return std::move(a);
                                        });
        std::array<std::byte, kMultifdHelloSize> hello;
        for (auto& channel : theirs)
            ASSERT_TRUE(channel->read_exact(hello));
        receiver = MultifdReceiver::start(to_ram, store, compression, nullptr, std::move(theirs));
    }
    // A receiver whose only channel is written by the test.
    void connect_raw() {
        auto [a, b] = io::MemoryChannel::create_pair(4 << 20);
        raw = std::move(a);
        std::vector<std::unique_ptr<io::Channel>> theirs;
        theirs.push_back(std::move(b));
        receiver = MultifdReceiver::start(to_ram, store, MultifdCompression::kNone, nullptr,
                                          std::move(theirs));
    }
    void send_raw(const MultifdPacket& packet, size_t payload) {
        std::vector<std::byte> bytes;
        encode_multifd_packet(packet, bytes);
        bytes.resize(bytes.size() + payload, std::byte{0x5a});
        ASSERT_TRUE(raw->write_all(bytes));
    }
    void fill(uint8_t seed) {
        for (uint64_t page = 0; page < kPages; ++page) {
            if (page % 5 == 0) continue;  // stays zero
            std::memset(from.page(page).data(), static_cast<int>(1 + (page + seed) % 255), 4096);
        }
    }
    void hand_over(uint64_t first, uint64_t count) {
        sender->pages(0, first,
                      {from.host() + first * memory::kPageSize, count * memory::kPageSize});
    }
    bool equal() const {
        return std::memcmp(from.host(), to.host(), kPages * memory::kPageSize) == 0;
    }
    std::string receiver_error() {
        Result<void> synced = receiver->wait_sync();
        return synced ? "" : synced.error().message();
    }

    memory::RamList from_ram;
    memory::RamList to_ram;
    memory::RamBlock& from = add_block(from_ram);
    memory::RamBlock& to = add_block(to_ram);
    std::unique_ptr<BreakPoint> breaks = *BreakPoint::create();
    MultifdRamStore store{to_ram};
    std::vector<io::Channel*> senders_ends;
    std::unique_ptr<io::Channel> raw;
    std::unique_ptr<MultifdSender> sender;
    std::unique_ptr<MultifdReceiver> receiver;
};

TEST_F(MultifdChannelsTest, all_pages_arrive_and_both_sides_count_the_same) {
    connect(3);
    fill(1);
    hand_over(0, kPages);
    ASSERT_TRUE(sender->sync());
    Result<SentPages> sent = sender->drain();
    ASSERT_TRUE(sent);
    ASSERT_TRUE(receiver->wait_sync());
    SentPages arrived = receiver->take_counts();
    EXPECT_EQ(sent->normal, arrived.normal);
    EXPECT_EQ(sent->zero, arrived.zero);
    EXPECT_EQ(arrived.zero, kPages / 5);
    EXPECT_EQ(arrived.normal + arrived.zero, kPages);
    EXPECT_TRUE(equal());
    std::vector<Bitmap> bitmap = {Bitmap(kPages)};
    receiver->take_arrived(bitmap);
    EXPECT_EQ(bitmap[0].count(), kPages);
    EXPECT_EQ(sender->bytes_owed(), 0u);
}

TEST_F(MultifdChannelsTest, every_channel_is_used) {
    connect(4);
    fill(1);
    for (int round = 0; round < 20; ++round) {
        hand_over(0, kPages);
        ASSERT_TRUE(sender->sync());
        ASSERT_TRUE(sender->drain());
        ASSERT_TRUE(receiver->wait_sync());
        receiver->release();
    }
    for (size_t channel = 0; channel < 4; ++channel)
        EXPECT_GT(sender->packets_of(channel), 0u) << channel;
}

TEST_F(MultifdChannelsTest, later_pass_is_never_overwritten_by_an_earlier_one) {
    connect(4);
    for (uint8_t pass = 1; pass <= 60; ++pass) {
        // Runs of different lengths, so that a page changes its channel.
        for (uint64_t page = 0; page < kPages; ++page)
            std::memset(from.page(page).data(), pass, 8);
        for (uint64_t page = 0; page < kPages; page += 1 + pass)
            hand_over(page, std::min<uint64_t>(1 + pass, kPages - page));
        ASSERT_TRUE(sender->sync());
        ASSERT_TRUE(sender->drain());
        ASSERT_TRUE(receiver->wait_sync());
        ASSERT_TRUE(equal()) << int{pass};
        receiver->release();
    }
}

TEST_F(MultifdChannelsTest, channel_is_held_at_its_sync_until_it_is_released) {
    connect_raw();
    std::vector<PageSpan> page = {{7, 1}};
    send_raw({.sync = true, .number = 0}, 0);
    send_raw({.payload_size = 4096, .number = 1, .block = "pc.ram", .normal = page}, 4096);
    ASSERT_TRUE(receiver->wait_sync());
    EXPECT_EQ(receiver->take_counts().normal, 0u);
    receiver->release();
    send_raw({.sync = true, .number = 2}, 0);
    ASSERT_TRUE(receiver->wait_sync());
    EXPECT_EQ(receiver->take_counts().normal, 1u);
    EXPECT_EQ(to.page(7)[0], std::byte{0x5a});
}

TEST_F(MultifdChannelsTest, compressed_pages_arrive) {
    for (MultifdCompression method : {MultifdCompression::kZlib, MultifdCompression::kZstd}) {
        sender.reset();
        receiver.reset();
        connect(2, method);
        fill(static_cast<uint8_t>(method));
        hand_over(0, kPages);
        ASSERT_TRUE(sender->sync());
        ASSERT_TRUE(sender->drain());
        ASSERT_TRUE(receiver->wait_sync());
        EXPECT_TRUE(equal());
        EXPECT_LT(sender->bytes_sent(), kPages * 4096 / 8);
    }
}

TEST_F(MultifdChannelsTest, lost_channel_is_an_error_on_both_sides) {
    connect(3);
    fill(1);
    senders_ends[1]->shutdown();
    for (int round = 0; round < 10; ++round)
        hand_over(0, kPages);
    Result<SentPages> sent = sender->drain();
    ASSERT_FALSE(sent);
    // The receiver ends all channels when it loses one: any of them may be the first
    // that the sender finds broken.
    EXPECT_NE(sent.error().message().find("multifd channel"), std::string::npos);
    EXPECT_FALSE(sender->sync());
    EXPECT_NE(receiver_error(), "");
}

TEST_F(MultifdChannelsTest, broken_off_sender_does_not_hang) {
    connect(2);
    fill(1);
    // Nobody reads: the receiver is held.
    ASSERT_TRUE(sender->sync());
    ASSERT_TRUE(receiver->wait_sync());
    Thread breaker("breaker", [&] { breaks->break_all(); });
    for (int round = 0; round < 10; ++round)
        hand_over(0, kPages);
    EXPECT_FALSE(sender->drain());
    breaker.join();
}

TEST_F(MultifdChannelsTest, packet_that_comes_twice_is_refused) {
    connect_raw();
    std::vector<PageSpan> page = {{7, 1}};
    for (int i = 0; i < 2; ++i)
        send_raw({.payload_size = 4096, .number = 5, .block = "pc.ram", .normal = page}, 4096);
    EXPECT_NE(receiver_error().find("packet 5 follows packet 5"), std::string::npos);
}

TEST_F(MultifdChannelsTest, unknown_block_is_refused) {
    connect_raw();
    std::vector<PageSpan> page = {{7, 1}};
    send_raw({.number = 1, .block = "vga.vram", .zero = page}, 0);
    EXPECT_NE(receiver_error().find("unknown here"), std::string::npos);
}

TEST_F(MultifdChannelsTest, page_behind_the_block_is_refused_before_anything_is_stored) {
    connect_raw();
    std::vector<PageSpan> pages = {{0, 1}, {kPages, 1}};
    send_raw({.payload_size = 8192, .number = 1, .block = "pc.ram", .normal = pages}, 8192);
    EXPECT_NE(receiver_error().find("no page at offset"), std::string::npos);
    EXPECT_EQ(to.page(0)[0], std::byte{0});
}

TEST_F(MultifdChannelsTest, other_compression_than_agreed_is_refused) {
    connect_raw();
    send_raw({.sync = true, .compression = MultifdCompression::kZstd, .number = 1}, 0);
    EXPECT_NE(receiver_error().find("'zstd'"), std::string::npos);
}

TEST_F(MultifdChannelsTest, end_in_the_middle_of_a_packet_is_an_error) {
    connect_raw();
    std::vector<PageSpan> page = {{7, 1}};
    send_raw({.payload_size = 4096, .number = 1, .block = "pc.ram", .normal = page}, 100);
    raw.reset();
    EXPECT_NE(receiver_error().find("multifd channel 0"), std::string::npos);
    EXPECT_EQ(receiver->take_counts().normal, 0u);
}

class MultifdGateTest : public testing::Test {
 protected:
    std::unique_ptr<io::Channel> stranger(std::string_view bytes) {
        std::unique_ptr<io::Channel> channel = rendezvous.connect();
        EXPECT_TRUE(channel->write_all(std::as_bytes(std::span(bytes))));
        return channel;
    }
    std::unique_ptr<io::Channel> main_stream() { return stranger("QEVMrest"); }
    std::unique_ptr<io::Channel> channel(const MultifdSession& of, uint8_t number) {
        std::unique_ptr<io::Channel> opened = rendezvous.connect();
        EXPECT_TRUE(opened->write_all(encode_multifd_hello({of, number})));
        return opened;
    }
    // The peer's end sees the end of the stream.
    static bool was_refused(io::Channel& end) {
        std::byte byte;
        Result<size_t> count = end.read_some({&byte, 1}, io::deadline_in_ms(5000));
        return count && *count == 0;
    }

    TestRendezvous rendezvous;
    std::unique_ptr<io::Interrupt> interrupt = *io::Interrupt::create();
    MultifdGate gate{rendezvous.accept(),
                     interrupt.get(),
                     {.hello_ms = 30, .parked_ms = 60, .channels_ms = 200, .waiting = 8}};
    MultifdSession session = *MultifdSession::random();
};

TEST_F(MultifdGateTest, main_stream_is_found_and_nothing_of_it_but_the_magic_is_read) {
    auto main = main_stream();
    Result<std::unique_ptr<io::Channel>> found = gate.await_main();
    ASSERT_TRUE(found);
    std::array<std::byte, 4> rest;
    ASSERT_TRUE((*found)->read_exact(rest));
    EXPECT_EQ(std::memcmp(rest.data(), "rest", 4), 0);
    EXPECT_EQ(gate.refused(), 0u);
}

TEST_F(MultifdGateTest, channels_are_seated_by_number_in_whatever_order_they_come) {
    auto second = channel(session, 1);
    auto main = main_stream();
    ASSERT_TRUE(gate.await_main());
    auto first = channel(session, 0);
    ASSERT_TRUE(first->write_all(std::as_bytes(std::span("a", 1))));
    ASSERT_TRUE(second->write_all(std::as_bytes(std::span("b", 1))));
    auto channels = gate.await_channels(session, 2);
    ASSERT_TRUE(channels) << channels.error().message();
    std::byte byte;
    ASSERT_TRUE((*channels)[0]->read_exact({&byte, 1}));
    EXPECT_EQ(byte, std::byte{'a'});
    ASSERT_TRUE((*channels)[1]->read_exact({&byte, 1}));
    EXPECT_EQ(byte, std::byte{'b'});
    EXPECT_EQ(gate.refused(), 0u);
}

TEST_F(MultifdGateTest, strangers_are_refused_and_keep_nobody_out) {
    auto silent = rendezvous.connect();
    auto babbler = stranger("GET / HTTP/1.0\r\n");
    auto half = stranger(std::string_view("\x11\x22\x33\x44\0\0", 6));
    auto other_version = stranger(std::string(64, '\x11'));
    auto wrong_session = channel(*MultifdSession::random(), 0);
    auto main = main_stream();
    ASSERT_TRUE(gate.await_main());
    auto out_of_range = channel(session, 2);
    auto zero = channel(session, 0);
    auto zero_again = channel(session, 0);
    auto second_stream = main_stream();
    auto one = channel(session, 1);
    ASSERT_TRUE(gate.await_channels(session, 2));
    for (auto* refused :
         {babbler.get(), other_version.get(), wrong_session.get(), out_of_range.get(),
          zero_again.get(), second_stream.get(), silent.get(), half.get()}) {
        EXPECT_TRUE(was_refused(*refused));
    }
    EXPECT_EQ(gate.refused(), 8u);
}

TEST_F(MultifdGateTest, silent_connection_is_refused_after_its_time) {
    auto silent = rendezvous.connect();
    Thread late("late", [&] {
        EXPECT_TRUE(was_refused(*silent));
        auto main = main_stream();
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    });
    EXPECT_TRUE(gate.await_main());
    EXPECT_EQ(gate.refused(), 1u);
    late.join();
}

TEST_F(MultifdGateTest, channel_without_a_stream_is_refused_after_its_time) {
    auto lonely = channel(session, 0);
    Thread late("late", [&] {
        EXPECT_TRUE(was_refused(*lonely));
        auto main = main_stream();
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    });
    EXPECT_TRUE(gate.await_main());
    EXPECT_EQ(gate.refused(), 1u);
    late.join();
}

TEST_F(MultifdGateTest, missing_channel_is_named) {
    auto main = main_stream();
    ASSERT_TRUE(gate.await_main());
    auto zero = channel(session, 0);
    auto channels = gate.await_channels(session, 2);
    ASSERT_FALSE(channels);
    EXPECT_EQ(channels.error().message(), "multifd channel 1 of 2 did not connect in time");
}

TEST_F(MultifdGateTest, crowd_of_strangers_is_bounded) {
    std::vector<std::unique_ptr<io::Channel>> crowd;
    for (int i = 0; i < 20; ++i)
        crowd.push_back(rendezvous.connect());
    auto main = main_stream();
    ASSERT_TRUE(gate.await_main());
    EXPECT_GE(gate.refused(), 12u);
}

TEST_F(MultifdGateTest, interrupt_ends_every_wait) {
    interrupt->trigger();
    EXPECT_FALSE(gate.await_main());
    EXPECT_FALSE(gate.await_channels(session, 2));
}

}  // namespace
}  // namespace qc::migration
