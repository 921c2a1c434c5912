// SPDX-License-Identifier: GPL-2.0-or-later
//
// The short forms of -serial, -qmp and their like, rewritten as options.
#include <fmt/format.h>

#include <algorithm>

#include "chardev/chardev_config.h"

namespace qc::chardev {

namespace {

using Rewrite = Result<OptionString> (*)(std::string_view text);

// The text is one path; a comma is part of it.
Result<OptionString> rewrite_path(std::string_view text) {
    OptionString options;
    options.set("path", std::string(text));
    return options;
}

// A path, then options.
Result<OptionString> rewrite_unix(std::string_view text) {
    return OptionString::parse(text, "path");
}

// "HOST:PORT", then options.
Result<OptionString> rewrite_tcp(std::string_view text) {
    OptionString options = TRY(OptionString::parse(text, "path"));
    // What parse_inet() has split is put back as options.
    const io::InetAddress address =
        TRY(io::SocketAddress::parse_inet(text.substr(0, text.find(','))));
    options.take("path");
    options.set("host", address.host);
    options.set("port", address.port);
    return options;
}

Result<OptionString> rewrite_telnet(std::string_view text) {
    OptionString options = TRY(rewrite_tcp(text));
    options.set("telnet", "on");
    return options;
}

// "[HOST]:PORT[@[HOST]:PORT]": the remote end, then ours; or a port alone.
Result<OptionString> rewrite_udp(std::string_view text) {
    OptionString options;
    const auto put = [&](std::string_view address, const char* host,
                         const char* port) -> Result<void> {
        const size_t colon = address.find(':');
        const io::InetAddress parsed = TRY(io::SocketAddress::parse_inet(
            colon == std::string_view::npos ? fmt::format(":{}", address) : std::string(address)));
        options.set(host, parsed.host);
        options.set(port, parsed.port);
        return {};
    };
    const size_t at = text.find('@');
    TRY(put(text.substr(0, at), "host", "port"));
    if (at != std::string_view::npos) TRY(put(text.substr(at + 1), "localaddr", "localport"));
    return options;
}

struct ShortForm {
    std::string_view prefix;
    std::string_view backend;
    Rewrite rewrite;
};

constexpr ShortForm kShortForms[] = {
    {"file:", "file", rewrite_path},       {"pipe:", "pipe", rewrite_path},
    {"unix:", "socket", rewrite_unix},     {"tcp:", "socket", rewrite_tcp},
    {"telnet:", "socket", rewrite_telnet}, {"udp:", "udp", rewrite_udp},
};

// What QEMU has and this program has not, for an error that says so.
Result<void> refuse_missing(std::string_view text) {
    for (std::string_view name : {"vc", "braille", "msmouse", "wctablet"}) {
        if (text == name || (name == "vc" && text.starts_with("vc:"))) {
            return fail("'{}': this version has no displays and input devices", text);
        }
    }
    for (std::string_view prefix : {"con:", "tn3270:", "websocket:", "/dev/"}) {
        if (text.starts_with(prefix)) return fail("'{}': this version has no '{}'", text, prefix);
    }
    return {};
}

}  // namespace

Result<std::optional<ChardevConfig>> parse_legacy_chardev(std::string id, std::string_view text) {
    if (text == "none") return std::optional<ChardevConfig>();
    if (text.starts_with(kMonitorPrefix)) {
        auto config = TRY(parse_legacy_chardev(std::move(id), text.substr(kMonitorPrefix.size())));
        if (!config) return fail("'{}' is not a valid char driver", text);
        config->mux = true;
        // Who works at a console does not want to end the emulator with Control-C.
        if (auto* stdio = std::get_if<StdioConfig>(&config->backend)) {
            stdio->signals = TerminalSignals::kOff;
        }
        return config;
    }
    for (std::string_view name : {"null", "stdio", "pty"}) {
        if (text == name) return parse_backend(std::move(id), name, {});
    }
    const auto* const form = std::ranges::find_if(
        kShortForms, [&](const ShortForm& one) { return text.starts_with(one.prefix); });
    if (form != std::end(kShortForms)) {
        OptionString options = TRY(form->rewrite(text.substr(form->prefix.size())));
        return parse_backend(std::move(id), form->backend, std::move(options));
    }
    TRY(refuse_missing(text));
    return fail("'{}' is not a valid char driver", text);
}

}  // namespace qc::chardev
