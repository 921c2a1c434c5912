// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/address.h"

#include <gtest/gtest.h>

#include <random>

namespace qc::migration {
namespace {

std::string error_of(std::string_view uri) {
    Result<Address> address = parse_uri(uri);
    return address ? "" : address.error().message();
}

TEST(MigrationAddressTest, sockets_are_read_as_everywhere) {
    EXPECT_EQ(*parse_uri("tcp:127.0.0.1:0"),
              Address(io::SocketAddress(io::InetAddress{"127.0.0.1", "0", {}, {}})));
    EXPECT_EQ(*parse_uri("tcp:[::1]:4444"),
              Address(io::SocketAddress(io::InetAddress{"::1", "4444", {}, {}})));
    EXPECT_EQ(*parse_uri("unix:/a:b,c"), Address(io::SocketAddress(io::UnixAddress{"/a:b,c"})));
}

TEST(MigrationAddressTest, command_goes_to_the_shell_as_it_stands) {
    EXPECT_EQ(*parse_uri("exec:cat > 'a,b:c'"),
              Address(CommandAddress{{"/bin/sh", "-c", "cat > 'a,b:c'"}}));
}

TEST(MigrationAddressTest, file_may_have_an_offset_and_commas) {
    EXPECT_EQ(*parse_uri("file:/tmp/x"), Address(FileAddress{"/tmp/x", 0}));
    EXPECT_EQ(*parse_uri("file:/tmp/x,offset=0x1000"), Address(FileAddress{"/tmp/x", 4096}));
    EXPECT_EQ(*parse_uri("file:/tmp/x,offset=20M"), Address(FileAddress{"/tmp/x", 20 << 20}));
    EXPECT_EQ(*parse_uri("file:a,b"), Address(FileAddress{"a,b", 0}));
    EXPECT_EQ(*parse_uri("file:a,offset=1,offset=2"), Address(FileAddress{"a,offset=1", 2}));
}

TEST(MigrationAddressTest, descriptor_is_a_name_or_a_number) {
    EXPECT_EQ(*parse_uri("fd:fd-mig"), Address(PassedFdAddress{"fd-mig"}));
    EXPECT_EQ(*parse_uri("fd:7"), Address(PassedFdAddress{"7"}));
}

TEST(MigrationAddressTest, what_cannot_be_is_refused_with_a_reason) {
    EXPECT_EQ(error_of(""), "unknown migration protocol: ");
    EXPECT_EQ(error_of("nosuch:x"), "unknown migration protocol: nosuch:x");
    EXPECT_EQ(error_of("exec:"), "exec: a command is missing");
    EXPECT_EQ(error_of("file:"), "file: a path is missing");
    EXPECT_EQ(error_of("fd:"), "fd: a name or a number is missing");
    EXPECT_NE(error_of("rdma:host:1").find("'rdma:' is not supported"), std::string::npos);
    for (const char* uri :
         {"tcp", "tcp:", "tcp:host", "tcp:host:99999", "tcp:[::1:4", "unix:", "FILE:x",
          "file:x,offset=", "file:x,offset=-1", "file:x,offset=0x20M", "file:,offset=1",
          "file:x,offset=99999999999999999999", "file:x,offset=1k2"}) {
        EXPECT_NE(error_of(uri), "") << uri;
    }
    EXPECT_NE(error_of(std::string_view("file:a\0b", 8)), "");
}

TEST(MigrationAddressTest, random_text_never_does_harm) {
    std::mt19937 random(7);
    constexpr std::string_view kPieces[] = {
        "tcp:", "unix:", "fd:", "exec:", "file:", ",offset=", "[", "]", ":", "0x", "9", "\xff"};
    for (int round = 0; round < 20'000; ++round) {
        std::string uri;
        for (unsigned i = random() % 8; i > 0; --i)
            uri += kPieces[random() % std::size(kPieces)];
        if (Result<Address> address = parse_uri(uri)) {
            EXPECT_NE(to_string(*address), "");
        } else {
            EXPECT_NE(address.error().message(), "");
        }
    }
}

TEST(MigrationAddressTest, commands_and_files_never_answer) {
    EXPECT_TRUE(is_one_way(*parse_uri("exec:cat")));
    EXPECT_TRUE(is_one_way(*parse_uri("file:x")));
    EXPECT_FALSE(is_one_way(*parse_uri("unix:x")));
    EXPECT_FALSE(is_one_way(*parse_uri("fd:x")));
}

}  // namespace
}  // namespace qc::migration
