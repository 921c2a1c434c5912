// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/chardev_config.h"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>

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
    return FileConfig{*std::move(path), append ? FileMode::kAppend : FileMode::kTruncate,
                      options.take("input-path").value_or("")};
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
        address.abstract = TRY(options.take_bool("abstract")).value_or(false);
        address.tight = TRY(options.take_bool("tight")).value_or(true);
        TRY(io::raw_unix_address(address));
        return io::SocketAddress(std::move(address));
    }
    if (fd) return TRY(io::SocketAddress::parse("fd:" + *fd));

    const std::optional<std::string> port = options.take("port");
    if (!port) return fail("chardev: socket: no port given");
    io::InetAddress address = TRY(io::inet_address(*std::move(host), *port));
    address.ipv4 = TRY(options.take_bool("ipv4"));
    address.ipv6 = TRY(options.take_bool("ipv6"));
    address.keep_alive = TRY(options.take_bool("keep-alive")).value_or(false);
    return io::SocketAddress(std::move(address));
}

Result<std::optional<int64_t>> take_delay(OptionString& options, std::string_view name) {
    const std::optional<uint64_t> number = TRY(options.take_number(name));
    if (!number) return std::optional<int64_t>();
    if (*number > std::numeric_limits<int32_t>::max()) {
        return fail("Value is too large for parameter '{}'", name);
    }
    return std::optional(static_cast<int64_t>(*number));
}

Result<Backend> parse_socket(OptionString& options) {
    SocketConfig config{.address = TRY(take_address(options))};
    const bool server = TRY(options.take_bool("server")).value_or(false);
    config.role = server ? SocketRole::kServer : SocketRole::kClient;
    std::optional<bool> wait = TRY(options.take_bool("wait"));
    // The old spelling of wait=off, which scripts still use.
    if (TRY(options.take_bool("nowait")).value_or(false)) wait = false;
    // QEMU has this one in both spellings too.
    const std::optional<bool> delay = TRY(options.take_bool("delay"));
    config.no_delay = TRY(options.take_bool("nodelay")).value_or(!delay.value_or(true));
    config.telnet = TRY(options.take_bool("telnet")).value_or(false);
    config.tls_creds = options.take("tls-creds").value_or("");
    config.tls_authz = options.take("tls-authz").value_or("");
    const Reconnect reconnect{.seconds = TRY(take_delay(options, "reconnect")),
                              .ms = TRY(take_delay(options, "reconnect-ms"))};
    // A server of the command line waits unless it is told otherwise.
    if (server && !wait) wait = true;
    TRY(complete(config, wait, reconnect));
    return config;
}

Result<Backend> parse_pipe(OptionString& options) {
    std::optional<std::string> path = options.take("path");
    if (!path || path->empty()) return fail("chardev: pipe: no device path given");
    return PipeConfig{*std::move(path)};
}

Result<Backend> parse_pty(OptionString& options) {
    // A name of its own for the terminal came later than QEMU's 9.0.
    if (options.take("path")) return fail("chardev: pty: this version makes no link to it");
    return PtyConfig{};
}

// "ringbuf" or "memory".
template <bool kMemory>
Result<Backend> parse_ringbuf(OptionString& options) {
    RingbufConfig config;
    if (kMemory) config.name = "memory";
    config.size = TRY(options.take_size("size")).value_or(config.size);
    return config;
}

Result<Backend> parse_mux(OptionString& options) {
    std::optional<std::string> base = options.take("chardev");
    if (!base) return fail("chardev: mux: no chardev given");
    return MuxConfig{*std::move(base)};
}

Result<Backend> parse_udp(OptionString& options) {
    const auto given = [&](const char* key) {
        std::optional<std::string> text = options.take(key);
        return text && !text->empty() ? text : std::nullopt;
    };
    const std::optional<std::string> host = given("host");
    const std::optional<std::string> port = given("port");
    const std::optional<std::string> local_host = given("localaddr");
    const std::optional<std::string> local_port = given("localport");
    if (!port) return fail("chardev: udp: remote port not specified");
    UdpConfig config{.remote = TRY(io::inet_address(host.value_or("localhost"), *port)),
                     .local = std::nullopt};
    config.remote.ipv4 = TRY(options.take_bool("ipv4"));
    config.remote.ipv6 = TRY(options.take_bool("ipv6"));
    if (local_host || local_port) {
        config.local = TRY(io::inet_address(local_host.value_or(""), local_port.value_or("0")));
    }
    return config;
}

struct BackendParser {
    std::string_view name;
    Result<Backend> (*parse)(OptionString& options);
};

constexpr std::array kBackends = {
    BackendParser{"file", parse_file},
    BackendParser{"memory", parse_ringbuf<true>},
    BackendParser{"mux", parse_mux},
    BackendParser{"null", parse_null},
    BackendParser{"pipe", parse_pipe},
    BackendParser{"pty", parse_pty},
    BackendParser{"ringbuf", parse_ringbuf<false>},
    BackendParser{"socket", parse_socket},
    BackendParser{"stdio", parse_stdio},
    BackendParser{"udp", parse_udp},
};

}  // namespace

std::vector<std::string_view> backend_names() {
    std::vector<std::string_view> names;
    for (const BackendParser& backend : kBackends)
        names.push_back(backend.name);
    return names;
}

Result<ChardevConfig> parse_backend(std::string id, std::string_view name, OptionString options) {
    const auto* found = std::ranges::find(kBackends, name, &BackendParser::name);
    if (found == kBackends.end()) return fail("'{}' is not a valid char driver name", name);
    ChardevConfig config{.id = std::move(id), .backend = TRY(found->parse(options))};
    config.mux = TRY(options.take_bool("mux")).value_or(false);
    if (config.mux && std::holds_alternative<MuxConfig>(config.backend)) {
        return fail("chardev: mux: a multiplexer of a multiplexer is not possible");
    }
    std::optional<std::string> log = options.take("logfile");
    config.log = TRY(log_config(std::move(log), TRY(options.take_bool("logappend"))));
    TRY(options.expect_empty());
    return config;
}

Result<LogConfig> log_config(std::optional<std::string> path, std::optional<bool> append) {
    if (!path && append) return fail("'logappend' option requires 'logfile' option");
    if (!path) return LogConfig{};
    if (path->empty()) return fail("chardev: no path given for 'logfile'");
    if (path->find('\0') != std::string::npos) return fail("chardev: a path holds a zero byte");
    return LogConfig{*std::move(path),
                     append.value_or(false) ? FileMode::kAppend : FileMode::kTruncate};
}

std::string backend_help() {
    std::string text = "Available chardev backend types: \n";
    for (const BackendParser& backend : kBackends)
        text += fmt::format("  {}\n", backend.name);
    return text;
}

Result<void> complete(SocketConfig& config, std::optional<bool> wait, const Reconnect& reconnect) {
    const bool server = config.role == SocketRole::kServer;
    if (wait && !server) {
        return fail("'wait' option is incompatible with socket in client connect mode");
    }
    config.wait = wait.value_or(false);
    if (reconnect.seconds && reconnect.ms) {
        return fail("'reconnect' and 'reconnect-ms' are mutually exclusive");
    }
    const char* const name = reconnect.seconds ? "reconnect" : "reconnect-ms";
    const int64_t unit = reconnect.seconds ? 1000 : 1;
    const int64_t delay = reconnect.seconds ? *reconnect.seconds : reconnect.ms.value_or(0);
    if (delay < 0) return fail("'{}' must not be negative", name);
    if (delay > std::numeric_limits<int32_t>::max() / unit) {
        return fail("Value is too large for parameter '{}'", name);
    }
    if (delay != 0 && server) {
        return fail("'{}' option is incompatible with socket in server listen mode", name);
    }
    if (delay != 0 && config.address.is_fd()) {
        return fail("'{}' option is incompatible with 'fd'", name);
    }
    config.reconnect_ms = static_cast<uint32_t>(delay * unit);
    if (config.tls_creds.empty() && !config.tls_authz.empty()) {
        return fail("'tls_authz' option requires 'tls_creds' option");
    }
    if (!server && !config.tls_authz.empty()) {
        return fail("'tls_authz' option is for servers only");
    }
    return {};
}

bool is_valid_id(std::string_view id) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const auto inner = [&](char c) {
        return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    };
    return !id.empty() && letter(id.front()) && std::ranges::all_of(id, inner);
}

Result<void> check_id(std::string_view id) {
    if (is_valid_id(id)) return {};
    Error error("Parameter 'id' expects an identifier");
    error.set_hint(
        "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter.");
    return Failure(std::move(error));
}

Result<ChardevConfig> parse_chardev_option(std::string_view text) {
    OptionString options = TRY(OptionString::parse(text, "backend"));
    const std::optional<std::string> id = options.take("id");
    if (!id) return fail("chardev: no id specified");
    TRY(check_id(*id));
    const std::optional<std::string> backend = options.take("backend");
    if (!backend) return fail("chardev: \"{}\" missing backend", *id);
    return parse_backend(*id, *backend, std::move(options));
}

}  // namespace qc::chardev
