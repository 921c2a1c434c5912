// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/socket_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>

#include "util/option_string.h"

namespace qc::io {

namespace {

constexpr uint64_t kMaxPort = 65535;
// What separates an address's parts is part of no name. An IPv6 host has colons.
constexpr std::string_view kSeparators = ",[]:";
constexpr std::string_view kNotInHosts = ",[]";

bool is_number(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

Result<void> check_port(std::string_view port, std::string_view address) {
    if (port.empty()) return fail("port not specified in address '{}'", address);
    if (!is_number(port)) {
        if (port.find_first_of(kSeparators) == std::string_view::npos) return {};
        return fail("port '{}' in address '{}' is neither a number nor a service", port, address);
    }
    const Result<uint64_t> number = parse_number("port", port);
    if (!number || *number > kMaxPort) {
        return fail("port '{}' in address '{}' is not in 0..{}", port, address, kMaxPort);
    }
    return {};
}

std::string inet_text(const InetAddress& address) {
    const bool brackets = address.host.find(':') != std::string::npos;
    return fmt::format("{}{}{}:{}", brackets ? "[" : "", address.host, brackets ? "]" : "",
                       address.port);
}

}  // namespace

Result<InetAddress> inet_address(std::string host, std::string_view port) {
    if (host.find_first_of(kNotInHosts) != std::string::npos) {
        return fail("'{}' is not the name of a host", host);
    }
    InetAddress address;
    address.host = std::move(host);
    address.port = port;
    TRY(check_port(address.port, inet_text(address)));
    return address;
}

Result<InetAddress> SocketAddress::parse_inet(std::string_view text) {
    const size_t comma = text.find(',');
    const std::string_view address = text.substr(0, comma);
    InetAddress result;
    size_t colon;
    if (address.starts_with('[')) {
        const size_t bracket = address.find(']');
        if (bracket == std::string_view::npos) return fail("error parsing address '{}'", address);
        result.host = address.substr(1, bracket - 1);
        colon = bracket + 1;
    } else {
        colon = std::min(address.find(':'), address.size());
        result.host = address.substr(0, colon);
    }
    if (colon >= address.size() || address[colon] != ':' ||
        address.find(':', colon + 1) != std::string_view::npos) {
        Error error(fmt::format("error parsing address '{}'", address));
        error.set_hint("An address is HOST:PORT; an IPv6 host stands in brackets: [::1]:4444.");
        return Failure(std::move(error));
    }
    result.port = address.substr(colon + 1);
    TRY(check_port(result.port, address));

    if (comma != std::string_view::npos) {
        OptionString options = TRY(OptionString::parse(text.substr(comma + 1), ""));
        result.ipv4 = TRY(options.take_bool("ipv4"));
        result.ipv6 = TRY(options.take_bool("ipv6"));
        TRY(options.expect_empty());
    }
    return result;
}

Result<SocketAddress> SocketAddress::parse(std::string_view text) {
    if (text.starts_with("tcp:")) return SocketAddress(TRY(parse_inet(text.substr(4))));
    if (text.starts_with("unix:")) {
        UnixAddress address{std::string(text.substr(5))};
        TRY(raw_unix_address(address));
        return SocketAddress(std::move(address));
    }
    if (text.starts_with("fd:")) {
        const std::string_view digits = text.substr(3);
        int fd = -1;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), fd);
        if (!is_number(digits) || error != std::errc() || end != digits.data() + digits.size()) {
            return fail("'{}' is not a number of a file descriptor", digits);
        }
        return SocketAddress(FdAddress{fd});
    }
    return fail("'{}' is not an address of the form tcp:HOST:PORT, unix:PATH or fd:N", text);
}

std::string SocketAddress::short_string() const {
    if (is_inet()) return inet_text(inet());
    if (is_unix()) {
        const UnixAddress& address = unix_path();
        if (!address.abstract) return address.path;
        return fmt::format("{},abstract=on{}", address.path, address.tight ? ",tight=on" : "");
    }
    return fmt::format("{}", fd().fd);
}

std::string SocketAddress::to_string() const {
    const char* prefix = is_inet() ? "tcp" : is_unix() ? "unix" : "fd";
    return fmt::format("{}:{}", prefix, short_string());
}

Result<RawSocketAddress> raw_unix_address(const UnixAddress& address) {
    // The kernel would take it for a name of its own choice.
    if (address.path.empty()) return fail("a UNIX socket needs a path");
    RawSocketAddress raw;
    sockaddr_un target = {};
    target.sun_family = AF_UNIX;
    if (address.path.size() >= sizeof(target.sun_path)) {
        Error error(fmt::format("UNIX socket path '{}' is too long", address.path));
        error.set_hint(
            fmt::format("The path must be shorter than {} bytes.", sizeof(target.sun_path)));
        return Failure(std::move(error));
    }
    if (address.path.find('\0') != std::string::npos) {
        return fail("a UNIX socket path holds a zero byte");
    }
    // An abstract name begins with a zero byte, a path ends with one.
    address.path.copy(target.sun_path + (address.abstract ? 1 : 0), sizeof(target.sun_path) - 1);
    const bool whole = address.abstract && !address.tight;
    raw.length = static_cast<socklen_t>(
        whole ? sizeof(target) : offsetof(sockaddr_un, sun_path) + address.path.size() + 1);
    std::memcpy(&raw.storage, &target, sizeof(target));
    return raw;
}

Result<SocketAddress> from_raw(const RawSocketAddress& raw) {
    std::array<char, INET6_ADDRSTRLEN> text = {};
    if (raw.family() == AF_INET) {
        sockaddr_in address;
        std::memcpy(&address, &raw.storage, sizeof(address));
        inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
        return SocketAddress(
            InetAddress{text.data(), std::to_string(ntohs(address.sin_port)), {}, {}});
    }
    if (raw.family() == AF_INET6) {
        sockaddr_in6 address;
        std::memcpy(&address, &raw.storage, sizeof(address));
        inet_ntop(AF_INET6, &address.sin6_addr, text.data(), text.size());
        return SocketAddress(
            InetAddress{text.data(), std::to_string(ntohs(address.sin6_port)), {}, {}});
    }
    if (raw.family() == AF_UNIX) {
        sockaddr_un address;
        std::memcpy(&address, &raw.storage, sizeof(address));
        const size_t header = offsetof(sockaddr_un, sun_path);
        if (raw.length > header && address.sun_path[0] != '\0') {
            const size_t limit = std::min<size_t>(raw.length, sizeof(address)) - header;
            return SocketAddress(
                UnixAddress{std::string(address.sun_path, strnlen(address.sun_path, limit))});
        }
    }
    return fail("the socket has no address");
}

Result<SocketAddress> local_address_of(int fd) {
    RawSocketAddress raw;
    raw.length = sizeof(raw.storage);
    if (getsockname(fd, raw.get(), &raw.length) != 0) {
        return fail_errno(errno, "local address of file descriptor {}", fd);
    }
    return from_raw(raw);
}

Result<SocketAddress> peer_address_of(int fd) {
    RawSocketAddress raw;
    raw.length = sizeof(raw.storage);
    if (getpeername(fd, raw.get(), &raw.length) != 0) {
        return fail_errno(errno, "peer address of file descriptor {}", fd);
    }
    return from_raw(raw);
}

}  // namespace qc::io
