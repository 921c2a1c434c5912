// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where a stream socket is: host and port, a UNIX path, or a descriptor that
// the parent process passed.
//
// Threading: plain values.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "util/result.h"

namespace qc::io {

struct InetAddress {
    std::string host;  // name or number, IPv6 without brackets; empty: any
    std::string port;  // number or service name
    // What may be used; nothing said: both.
    std::optional<bool> ipv4;
    std::optional<bool> ipv6;
    // Of a client: the kernel asks now and then whether the peer still lives.
    bool keep_alive = false;
    bool operator==(const InetAddress&) const = default;
};

// From its two parts; what a port may be is said in one place.
Result<InetAddress> inet_address(std::string host, std::string_view port);

struct UnixAddress {
    std::string path;
    // A name in the kernel's own space rather than in a file system; tight: without
    // zeros behind it.
    bool abstract = false;
    bool tight = true;
    bool operator==(const UnixAddress&) const = default;
};

struct FdAddress {
    int fd;
    bool operator==(const FdAddress&) const = default;
};

class SocketAddress {
 public:
    SocketAddress(InetAddress address) : value_(std::move(address)) {}
    SocketAddress(UnixAddress address) : value_(std::move(address)) {}
    SocketAddress(FdAddress address) : value_(address) {}
    bool operator==(const SocketAddress&) const = default;

    // "tcp:HOST:PORT[,ipv4=on|off][,ipv6=on|off]", "unix:PATH", "fd:N".
    static Result<SocketAddress> parse(std::string_view text);
    // What follows "tcp:". A host with colons stands in brackets.
    static Result<InetAddress> parse_inet(std::string_view text);

    bool is_inet() const { return std::holds_alternative<InetAddress>(value_); }
    bool is_unix() const { return std::holds_alternative<UnixAddress>(value_); }
    bool is_fd() const { return std::holds_alternative<FdAddress>(value_); }
    const InetAddress& inet() const { return std::get<InetAddress>(value_); }
    const UnixAddress& unix_path() const { return std::get<UnixAddress>(value_); }
    const FdAddress& fd() const { return std::get<FdAddress>(value_); }

    // As parse() reads it, without the options of an Internet address; those of an
    // abstract name are for the eye only.
    std::string to_string() const;
    // Without "tcp:" and its like: "127.0.0.1:4444", for error messages.
    std::string short_string() const;

 private:
    std::variant<InetAddress, UnixAddress, FdAddress> value_;
};

// An address as the kernel takes it.
struct RawSocketAddress {
    sockaddr_storage storage = {};
    socklen_t length = 0;

    const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
    sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
    int family() const { return storage.ss_family; }
};

// Fails if the path is too long for the kernel.
Result<RawSocketAddress> raw_unix_address(const UnixAddress& address);

// Numeric. Fails for an unnamed UNIX socket and for other families.
Result<SocketAddress> from_raw(const RawSocketAddress& raw);
Result<SocketAddress> local_address_of(int fd);
Result<SocketAddress> peer_address_of(int fd);

}  // namespace qc::io
