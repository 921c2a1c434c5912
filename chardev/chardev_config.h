// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a chardev is to be, as -chardev, -serial and chardev-add say it.
//
// Threading: plain values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "chardev/file_chardev.h"
#include "chardev/terminal_mode.h"
#include "io/socket_address.h"
#include "util/result.h"

namespace qc::chardev {

struct NullConfig {};

struct FileConfig {
    std::string path;
    FileMode mode = FileMode::kTruncate;
};

struct StdioConfig {
    TerminalSignals signals = TerminalSignals::kOn;
};

enum class SocketRole : uint8_t { kClient, kServer };

struct SocketConfig {
    io::SocketAddress address;
    SocketRole role = SocketRole::kClient;
    // A server at start-up: nothing goes on before somebody has connected.
    bool wait = false;
    bool no_delay = false;
    // A client that lost its connection, or got none, tries again after this
    // time; 0: never.
    uint32_t reconnect_ms = 0;
};

struct ChardevConfig {
    std::string id;
    std::variant<NullConfig, FileConfig, StdioConfig, SocketConfig> backend;
};

// The back ends that -chardev knows, for its help.
std::vector<std::string_view> backend_names();

// "BACKEND,id=ID[,KEY=VALUE...]". An unknown back end or option is an error that
// names it.
Result<ChardevConfig> parse_chardev_option(std::string_view text);

// What -serial, -qmp and their like take: "null", "stdio", "file:PATH",
// "unix:PATH[,OPTIONS]", "tcp:HOST:PORT[,OPTIONS]". Nothing for "none".
// "chardev:ID" is for the caller.
Result<std::optional<ChardevConfig>> parse_legacy_chardev(std::string id, std::string_view text);

// QEMU's rule for ids: a letter, then letters, digits, '-', '.', '_'.
bool is_valid_id(std::string_view id);

}  // namespace qc::chardev
