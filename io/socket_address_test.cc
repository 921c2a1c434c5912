// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/socket_address.h"

#include <gtest/gtest.h>

namespace qc::io {
namespace {

std::string round_trip(std::string_view text) {
    return SocketAddress::parse(text)->to_string();
}

std::string error_of(std::string_view text) {
    return SocketAddress::parse(text).error().message();
}

TEST(SocketAddress, valid_addresses_print_as_they_were_written) {
    for (const char* text : {"tcp:127.0.0.1:4444", "tcp:host.example:http", "tcp::0",
                             "tcp:[::1]:4444", "unix:/run/x.sock", "unix:rel,with=odd", "fd:7"}) {
        EXPECT_EQ(round_trip(text), text);
    }
}

TEST(SocketAddress, brackets_are_no_part_of_the_host) {
    const SocketAddress address = *SocketAddress::parse("tcp:[fe80::1%eth0]:1");
    EXPECT_EQ(address.inet().host, "fe80::1%eth0");
    EXPECT_EQ(address.inet().port, "1");
    EXPECT_EQ(address.short_string(), "[fe80::1%eth0]:1");
}

TEST(SocketAddress, family_options_are_read_and_others_named) {
    const SocketAddress address = *SocketAddress::parse("tcp:localhost:1,ipv4=on,ipv6=off");
    EXPECT_EQ(address.inet().ipv4, true);
    EXPECT_EQ(address.inet().ipv6, false);
    EXPECT_EQ(error_of("tcp:localhost:1,to=5"), "Invalid parameter 'to'");
}

TEST(SocketAddress, malformed_host_and_port_are_refused) {
    EXPECT_EQ(error_of("tcp:localhost"), "error parsing address 'localhost'");
    EXPECT_EQ(error_of("tcp:[::1"), "error parsing address '[::1'");
    EXPECT_EQ(error_of("tcp:[::1]4"), "error parsing address '[::1]4'");
    EXPECT_EQ(error_of("tcp:::1:4444"), "error parsing address '::1:4444'");
    EXPECT_EQ(error_of("tcp:h:"), "port not specified in address 'h:'");
    EXPECT_EQ(inet_address("::1", "90:1").error().message(),
              "port '90:1' in address '[::1]:90:1' is neither a number nor a service");
    EXPECT_EQ(inet_address("a,b", "90").error().message(), "'a,b' is not the name of a host");
    EXPECT_EQ(error_of("tcp:h:65536"), "port '65536' in address 'h:65536' is not in 0..65535");
    EXPECT_FALSE(SocketAddress::parse("tcp:h:99999999999999999999"));
}

TEST(SocketAddress, malformed_descriptor_or_path_is_refused) {
    EXPECT_FALSE(SocketAddress::parse("fd:"));
    EXPECT_FALSE(SocketAddress::parse("fd:x"));
    EXPECT_FALSE(SocketAddress::parse("fd:-1"));
    EXPECT_FALSE(SocketAddress::parse("fd:99999999999"));
    EXPECT_FALSE(SocketAddress::parse("unix:"));
    EXPECT_FALSE(SocketAddress::parse("unix:" + std::string(108, 'x')));
    EXPECT_TRUE(SocketAddress::parse("unix:" + std::string(107, 'x')));
}

TEST(SocketAddress, unknown_kind_is_refused) {
    EXPECT_NE(error_of("rdma:x:1").find("'rdma:x:1'"), std::string::npos);
}

}  // namespace
}  // namespace qc::io
