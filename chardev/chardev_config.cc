// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/chardev_config.h"

#include <algorithm>
#include <array>
#include <limits>

#include "util/checked.h"
#include "util/option_string.h"

namespace qc::chardev {

namespace {

using Backend = decltype(ChardevConfig::backend);

Result<Backend> parse_null(OptionString&) {
    return NullConfig{};
}

Result<Backend> parse_file(OptionString& options) {
    std::optional<std::string> path = options.take("path");
    if (!path || path->empty()) return fail("chardev: file: no filename given");
    const bool append = TRY(options.take_bool("append")).value_or(false);
    return FileConfig{*std::move(path), append ? FileMode::kAppend : FileMode::kTruncate};
}

Result<Backend> parse_stdio(OptionString& options) {
    const bool signals = TRY(options.take_bool("signal")).value_or(true);
    return StdioConfig{signals ? TerminalSignals::kOn : TerminalSignals::kOff};
}

Result<io::SocketAddress> take_address(OptionString& options) {
    std::optional<std::string> path = options.take("path");
    std::optional<std::string> host = options.take("host");
    const std::optional<std::string> fd = options.take("fd");
    if (path.has_value() + host.has_value() + fd.has_value() != 1) {
        return fail("One of 'path', 'fd' or 'host' option required.");
    }
    if (path) {
        io::UnixAddress address{*std::move(path)};
        TRY(io::raw_unix_address(address));
        return io::SocketAddress(std::move(address));
    }
    if (fd) return TRY(io::SocketAddress::parse("fd:" + *fd));

    const std::optional<std::string> port = options.take("port");
    if (!port) return fail("chardev: socket: no port given");
    const bool brackets = host->find(':') != std::string::npos;
    io::InetAddress address = TRY(io::SocketAddress::parse_inet(
        brackets ? fmt::format("[{}]:{}", *host, *port) : fmt::format("{}:{}", *host, *port)));
    address.ipv4 = TRY(options.take_bool("ipv4"));
    address.ipv6 = TRY(options.take_bool("ipv6"));
    return io::SocketAddress(std::move(address));
}

// Both spellings: "reconnect" in seconds, "reconnect-ms".
Result<uint32_t> take_reconnect(OptionString& options, SocketRole role) {
    const std::optional<uint64_t> seconds = TRY(options.take_number("reconnect"));
    const std::optional<uint64_t> ms = TRY(options.take_number("reconnect-ms"));
    const char* const name = seconds ? "reconnect" : "reconnect-ms";
    if (seconds && ms) return fail("'reconnect' and 'reconnect-ms' are mutually exclusive");
    const std::optional<uint64_t> delay =
        seconds ? checked_mul<uint64_t>(*seconds, 1000) : ms.value_or(0);
    if (!delay || *delay > std::numeric_limits<int32_t>::max()) {
        return fail("Value is too large for parameter '{}'", name);
    }
    if (*delay != 0 && role == SocketRole::kServer) {
        return fail("'{}' option is incompatible with socket in server listen mode", name);
    }
    return static_cast<uint32_t>(*delay);
}

Result<Backend> parse_socket(OptionString& options) {
    SocketConfig config{.address = TRY(take_address(options))};
    const bool server = TRY(options.take_bool("server")).value_or(false);
    config.role = server ? SocketRole::kServer : SocketRole::kClient;
    std::optional<bool> wait = TRY(options.take_bool("wait"));
    // The old spelling of wait=off, which scripts still use.
    if (TRY(options.take_bool("nowait")).value_or(false)) wait = false;
    if (wait && !server) {
        return fail("'wait' option is incompatible with socket in client connect mode");
    }
    config.wait = wait.value_or(server);
    // QEMU has this one in both spellings too.
    const std::optional<bool> delay = TRY(options.take_bool("delay"));
    config.no_delay = TRY(options.take_bool("nodelay")).value_or(!delay.value_or(true));
    config.reconnect_ms = TRY(take_reconnect(options, config.role));
    return config;
}

struct BackendParser {
    std::string_view name;
    Result<Backend> (*parse)(OptionString& options);
};

constexpr std::array<BackendParser, 4> kBackends = {{
    {"file", parse_file},
    {"null", parse_null},
    {"socket", parse_socket},
    {"stdio", parse_stdio},
}};

Result<ChardevConfig> parse_backend(std::string id, std::string_view name, OptionString options) {
    const auto* found = std::ranges::find(kBackends, name, &BackendParser::name);
    if (found == kBackends.end()) return fail("'{}' is not a valid char driver name", name);
    ChardevConfig config{.id = std::move(id), .backend = TRY(found->parse(options))};
    TRY(options.expect_empty());
    return config;
}

// The text after "tcp:" or "unix:": an address, then options.
Result<ChardevConfig> parse_legacy_socket(std::string id, std::string_view text, bool tcp) {
    const size_t comma = text.find(',');
    OptionString options = TRY(OptionString::parse(text, "path"));
    if (!tcp) return parse_backend(std::move(id), "socket", std::move(options));

    // "host:port" first; what parse_inet() has split is put back as options.
    const io::InetAddress address = TRY(io::SocketAddress::parse_inet(text.substr(0, comma)));
    options.take("path");
    options.set("host", address.host);
    options.set("port", address.port);
    return parse_backend(std::move(id), "socket", std::move(options));
}

}  // namespace

std::vector<std::string_view> backend_names() {
    std::vector<std::string_view> names;
    for (const BackendParser& backend : kBackends)
        names.push_back(backend.name);
    return names;
}

bool is_valid_id(std::string_view id) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const auto inner = [&](char c) {
        return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    };
    return !id.empty() && letter(id.front()) && std::ranges::all_of(id, inner);
}

Result<ChardevConfig> parse_chardev_option(std::string_view text) {
    OptionString options = TRY(OptionString::parse(text, "backend"));
    const std::optional<std::string> id = options.take("id");
    if (!id) return fail("chardev: no id specified");
    if (!is_valid_id(*id)) {
        Error error("Parameter 'id' expects an identifier");
        error.set_hint(
            "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter.");
        return Failure(std::move(error));
    }
    const std::optional<std::string> backend = options.take("backend");
    if (!backend) return fail("chardev: \"{}\" missing backend", *id);
    return parse_backend(*id, *backend, std::move(options));
}

Result<std::optional<ChardevConfig>> parse_legacy_chardev(std::string id, std::string_view text) {
    if (text == "none") return std::optional<ChardevConfig>();
    const auto after = [&](std::string_view prefix) { return text.substr(prefix.size()); };
    if (text == "null") return parse_backend(std::move(id), "null", {});
    if (text == "stdio") return parse_backend(std::move(id), "stdio", {});
    if (text.starts_with("unix:")) {
        return parse_legacy_socket(std::move(id), after("unix:"), false);
    }
    if (text.starts_with("tcp:")) return parse_legacy_socket(std::move(id), after("tcp:"), true);
    if (text.starts_with("file:")) {
        // Not an option string: a comma is part of the path.
        OptionString options;
        options.set("path", std::string(after("file:")));
        return parse_backend(std::move(id), "file", std::move(options));
    }
    return fail("'{}' is not a valid char driver", text);
}

}  // namespace qc::chardev
