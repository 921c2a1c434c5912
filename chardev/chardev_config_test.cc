// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/chardev_config.h"

#include <gtest/gtest.h>

namespace qc::chardev {
namespace {

std::string error_of(std::string_view option) {
    return parse_chardev_option(option).error().message();
}

std::string legacy_error_of(std::string_view option) {
    return parse_legacy_chardev("serial0", option).error().message();
}

SocketConfig socket_of(std::string_view option) {
    return std::get<SocketConfig>(parse_chardev_option(option)->backend);
}

SocketConfig legacy_socket_of(std::string_view option) {
    return std::get<SocketConfig>((*parse_legacy_chardev("serial0", option))->backend);
}

TEST(ChardevOption, null_and_stdio_need_an_id_only) {
    EXPECT_EQ(parse_chardev_option("null,id=n")->id, "n");
    EXPECT_EQ(std::get<StdioConfig>(parse_chardev_option("stdio,id=s")->backend).signals,
              TerminalSignals::kOn);
    EXPECT_EQ(std::get<StdioConfig>(parse_chardev_option("stdio,id=s,signal=off")->backend).signals,
              TerminalSignals::kOff);
}

TEST(ChardevOption, file_has_path_and_mode) {
    const FileConfig file =
        std::get<FileConfig>(parse_chardev_option("file,id=f,path=/a,,b,append=on")->backend);
    EXPECT_EQ(file.path, "/a,b");
    EXPECT_EQ(file.mode, FileMode::kAppend);
    EXPECT_EQ(error_of("file,id=f"), "chardev: file: no filename given");
}

TEST(ChardevOption, socket_of_the_colo_procedure_is_understood) {
    const SocketConfig server = socket_of("socket,id=m,host=0.0.0.0,port=9003,server=on,wait=off");
    EXPECT_EQ(server.address.to_string(), "tcp:0.0.0.0:9003");
    EXPECT_EQ(server.role, SocketRole::kServer);
    EXPECT_FALSE(server.wait);
    const SocketConfig client = socket_of("socket,id=r,host=::1,port=9003,reconnect-ms=1000");
    EXPECT_EQ(client.address.to_string(), "tcp:[::1]:9003");
    EXPECT_EQ(client.role, SocketRole::kClient);
    EXPECT_EQ(client.reconnect_ms, 1000u);
    EXPECT_EQ(socket_of("socket,id=r,host=h,port=1,reconnect=2").reconnect_ms, 2000u);
}

TEST(ChardevOption, server_waits_unless_told_otherwise) {
    EXPECT_TRUE(socket_of("socket,id=s,path=/x,server=on").wait);
    EXPECT_TRUE(socket_of("socket,id=s,path=/x,server").wait);
    EXPECT_FALSE(socket_of("socket,id=s,path=/x,server,nowait").wait);
    EXPECT_FALSE(socket_of("socket,id=s,path=/x").wait);
}

TEST(ChardevOption, nodelay_has_two_spellings) {
    EXPECT_FALSE(socket_of("socket,id=s,path=/x").no_delay);
    EXPECT_TRUE(socket_of("socket,id=s,path=/x,nodelay=on").no_delay);
    EXPECT_TRUE(socket_of("socket,id=s,path=/x,delay=off").no_delay);
}

TEST(ChardevOption, socket_address_is_checked) {
    const std::string one = "One of 'path', 'fd' or 'host' option required.";
    EXPECT_EQ(error_of("socket,id=s"), one);
    EXPECT_EQ(error_of("socket,id=s,path=/x,fd=3"), one);
    EXPECT_EQ(error_of("socket,id=s,host=h"), "chardev: socket: no port given");
    EXPECT_FALSE(parse_chardev_option("socket,id=s,fd=x"));
    EXPECT_EQ(error_of("socket,id=s,path=,server=on"), "a UNIX socket needs a path");
    EXPECT_FALSE(parse_chardev_option("socket,id=s,host=h,port=70000"));
    EXPECT_TRUE(socket_of("socket,id=s,fd=5").address.is_fd());
}

TEST(ChardevOption, options_that_exclude_each_other_are_refused) {
    EXPECT_EQ(error_of("socket,id=s,path=/x,wait=on"),
              "'wait' option is incompatible with socket in client connect mode");
    EXPECT_EQ(error_of("socket,id=s,path=/x,server=on,reconnect=1"),
              "'reconnect' option is incompatible with socket in server listen mode");
    EXPECT_FALSE(parse_chardev_option("socket,id=s,path=/x,reconnect=1,reconnect-ms=1000"));
    EXPECT_FALSE(parse_chardev_option("socket,id=s,path=/x,reconnect=18446744073709551"));
}

TEST(ChardevOption, unknown_things_are_named) {
    EXPECT_EQ(error_of("foo,id=x"), "'foo' is not a valid char driver name");
    EXPECT_EQ(error_of("null,id=x,bogus=1"), "Invalid parameter 'bogus'");
    EXPECT_EQ(error_of("socket,id=x,path=/x,websocket=on"), "Invalid parameter 'websocket'");
    EXPECT_EQ(error_of("socket,id=x,path=/x,server=maybe"),
              "Parameter 'server' expects 'on' or 'off'");
    EXPECT_EQ(error_of("null"), "chardev: no id specified");
    EXPECT_EQ(error_of("null,id=9x"), "Parameter 'id' expects an identifier");
    EXPECT_EQ(error_of("id=x"), "chardev: \"x\" missing backend");
}

TEST(ChardevOption, socket_knows_telnet_tls_keep_alive_and_abstract_names) {
    const SocketConfig socket = socket_of(
        "socket,id=s,host=h,port=1,telnet=on,keep-alive=on,tls-creds=tls0,reconnect-ms=5");
    EXPECT_TRUE(socket.telnet);
    EXPECT_TRUE(socket.address.inet().keep_alive);
    EXPECT_EQ(socket.tls_creds, "tls0");
    const SocketConfig abstract = socket_of("socket,id=s,path=name,abstract=on,tight=off");
    EXPECT_TRUE(abstract.address.unix_path().abstract);
    EXPECT_FALSE(abstract.address.unix_path().tight);
    EXPECT_EQ(error_of("socket,id=s,path=/x,tls-authz=a"),
              "'tls_authz' option requires 'tls_creds' option");
    EXPECT_EQ(error_of("socket,id=s,path=/x,tls-creds=t,tls-authz=a"),
              "'tls_authz' option is for servers only");
    EXPECT_EQ(error_of("socket,id=s,fd=3,reconnect=1"),
              "'reconnect' option is incompatible with 'fd'");
}

TEST(ChardevOption, other_back_ends_have_their_options) {
    EXPECT_EQ(std::get<PipeConfig>(parse_chardev_option("pipe,id=p,path=/p")->backend).path, "/p");
    EXPECT_EQ(error_of("pipe,id=p"), "chardev: pipe: no device path given");
    EXPECT_EQ(std::get<RingbufConfig>(parse_chardev_option("memory,id=r,size=1k")->backend).size,
              1024u);
    EXPECT_EQ(error_of("mux,id=m"), "chardev: mux: no chardev given");
    EXPECT_TRUE(parse_chardev_option("pty,id=p,mux=on")->mux);
    EXPECT_FALSE(parse_chardev_option("mux,id=m,chardev=c,mux=on"));
    const auto udp =
        std::get<UdpConfig>(parse_chardev_option("udp,id=u,port=9,localport=7")->backend);
    EXPECT_EQ(udp.remote.host, "localhost");
    EXPECT_EQ(udp.local->port, "7");
    EXPECT_EQ(error_of("udp,id=u"), "chardev: udp: remote port not specified");
}

TEST(ChardevOption, help_lists_all) {
    EXPECT_TRUE(backend_help().starts_with("Available chardev backend types: \n  file\n"));
    EXPECT_NE(backend_help().find("  udp\n"), std::string::npos);
}

TEST(LegacyChardev, none_makes_nothing) {
    EXPECT_EQ(parse_legacy_chardev("serial0", "none")->has_value(), false);
}

TEST(LegacyChardev, simple_forms_are_understood) {
    EXPECT_EQ((*parse_legacy_chardev("serial0", "null"))->id, "serial0");
    EXPECT_TRUE(
        std::holds_alternative<StdioConfig>((*parse_legacy_chardev("serial0", "stdio"))->backend));
    EXPECT_EQ(std::get<FileConfig>((*parse_legacy_chardev("s", "file:/a,b"))->backend).path,
              "/a,b");
}

TEST(LegacyChardev, sockets_have_address_then_options) {
    const SocketConfig unix_server = legacy_socket_of("unix:/run/a,server=on,wait=off");
    EXPECT_EQ(unix_server.address.to_string(), "unix:/run/a");
    EXPECT_FALSE(unix_server.wait);
    EXPECT_EQ(unix_server.role, SocketRole::kServer);
    const SocketConfig tcp = legacy_socket_of("tcp:[::1]:4444,server,nowait,nodelay");
    EXPECT_EQ(tcp.address.to_string(), "tcp:[::1]:4444");
    EXPECT_TRUE(tcp.no_delay);
    EXPECT_EQ(legacy_socket_of("tcp::4444").address.to_string(), "tcp::4444");
}

TEST(LegacyChardev, telnet_pipe_pty_and_udp_have_short_forms) {
    const SocketConfig telnet = legacy_socket_of("telnet:localhost:23,server=on,wait=off");
    EXPECT_TRUE(telnet.telnet);
    EXPECT_EQ(telnet.address.to_string(), "tcp:localhost:23");
    EXPECT_TRUE(std::holds_alternative<PtyConfig>((*parse_legacy_chardev("s", "pty"))->backend));
    EXPECT_EQ(std::get<PipeConfig>((*parse_legacy_chardev("s", "pipe:/a"))->backend).path, "/a");
    const auto udp =
        std::get<UdpConfig>((*parse_legacy_chardev("s", "udp:h:1@127.0.0.1:2"))->backend);
    EXPECT_EQ(udp.remote.host, "h");
    EXPECT_EQ(udp.local->host, "127.0.0.1");
    EXPECT_EQ(udp.local->port, "2");
    EXPECT_EQ(std::get<UdpConfig>((*parse_legacy_chardev("s", "udp:9"))->backend).remote.port, "9");
}

TEST(LegacyChardev, what_this_version_has_not_is_refused_by_name) {
    EXPECT_EQ(legacy_error_of("vc"), "'vc': this version has no displays and input devices");
    EXPECT_EQ(legacy_error_of("/dev/ttyS0"), "'/dev/ttyS0': this version has no '/dev/'");
}

TEST(LegacyChardev, other_words_are_refused) {
    EXPECT_EQ(legacy_error_of("foo:bar"), "'foo:bar' is not a valid char driver");
    EXPECT_EQ(legacy_error_of("tcp:localhost"), "error parsing address 'localhost'");
    EXPECT_EQ(legacy_error_of("file:"), "chardev: file: no filename given");
    EXPECT_FALSE(parse_legacy_chardev("s", "unix:,server"));
    EXPECT_EQ(legacy_error_of("unix:/x,bogus"), "Invalid parameter 'bogus'");
}

}  // namespace
}  // namespace qc::chardev
