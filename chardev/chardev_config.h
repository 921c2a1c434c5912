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
#include "util/option_string.h"
#include "util/result.h"

namespace qc::chardev {

struct NullConfig {};

struct FileConfig {
    std::string path;
    FileMode mode = FileMode::kTruncate;
    std::string input_path;  // empty: nothing is read
};

struct PipeConfig {
    std::string path;
};

struct PtyConfig {};

struct RingbufConfig {
    std::string_view name = "ringbuf";  // or "memory", with static storage
    uint64_t size = 65536;
};

struct UdpConfig {
    io::InetAddress remote;
    std::optional<io::InetAddress> local;
};

struct MuxConfig {
    std::string base;  // the ID of another chardev
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
    bool telnet = false;
    // IDs of objects; empty: no TLS, all clients.
    std::string tls_creds;
    std::string tls_authz;
};

// Whether creating may wait for others: at start-up, not while a machine runs.
enum class Startup : uint8_t { kMayWait, kMayNotWait };

// Where all output goes as well: `logfile`, `logappend`.
struct LogConfig {
    std::string path;  // empty: nowhere
    FileMode mode = FileMode::kTruncate;
};
Result<LogConfig> log_config(std::optional<std::string> path, std::optional<bool> append);

struct ChardevConfig {
    std::string id;
    std::variant<NullConfig, FileConfig, StdioConfig, SocketConfig, PipeConfig, PtyConfig,
                 RingbufConfig, UdpConfig, MuxConfig>
        backend;
    // The back end gets the id "ID-base", and ID is a multiplexer on it.
    bool mux = false;
    // Of the back end.
    LogConfig log;
};

// The back ends that -chardev knows, for its help and query-chardev-backends.
std::vector<std::string_view> backend_names();
// What `-chardev help` prints.
std::string backend_help();

// What parts of a socket's configuration say of each other, in the words that all
// ways of writing it share. The delay is in milliseconds or, first, in seconds.
struct Reconnect {
    std::optional<int64_t> seconds;
    std::optional<int64_t> ms;
};
Result<void> complete(SocketConfig& config, std::optional<bool> wait, const Reconnect& reconnect);

// "BACKEND,id=ID[,KEY=VALUE...]". An unknown back end or option is an error that
// names it.
Result<ChardevConfig> parse_chardev_option(std::string_view text);
// The same, without the id, as -serial's and others' short forms are rewritten.
Result<ChardevConfig> parse_backend(std::string id, std::string_view backend, OptionString options);

// What -serial, -qmp and their like take: "null", "stdio", "pty", "file:PATH",
// "pipe:PATH", "unix:PATH[,OPTIONS]", "tcp:HOST:PORT[,OPTIONS]", "telnet:" likewise,
// "udp:[HOST]:PORT[@[HOST]:PORT]"; "mon:DEV" for DEV with a multiplexer, for the caller to put
// a monitor on. Nothing for "none". "chardev:ID" is for the caller.
Result<std::optional<ChardevConfig>> parse_legacy_chardev(std::string id, std::string_view text);

inline constexpr std::string_view kMonitorPrefix = "mon:";

// QEMU's rule for ids: a letter, then letters, digits, '-', '.', '_'.
bool is_valid_id(std::string_view id);
// Its error says so.
Result<void> check_id(std::string_view id);

}  // namespace qc::chardev
