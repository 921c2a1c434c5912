// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whatever stands behind -chardev, -serial or -incoming: it is parsed or refused,
// and an address that was parsed and is printed parses to itself.
#include "chardev/chardev_config.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

void check_printed_again(const qc::io::SocketAddress& address) {
    const auto again = qc::io::SocketAddress::parse(address.to_string());
    if (!again || again->to_string() != address.to_string()) std::abort();
}

void check_config(const qc::chardev::ChardevConfig& config) {
    const auto* socket = std::get_if<qc::chardev::SocketConfig>(&config.backend);
    if (socket == nullptr) return;
    const bool server = socket->role == qc::chardev::SocketRole::kServer;
    if (server ? socket->reconnect_ms != 0 : socket->wait) std::abort();
    check_printed_again(socket->address);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto config = qc::chardev::parse_chardev_option(text)) {
        if (!qc::chardev::is_valid_id(config->id)) std::abort();
        check_config(*config);
    }
    const auto legacy = qc::chardev::parse_legacy_chardev("serial0", text);
    if (legacy && *legacy) check_config(**legacy);
    if (const auto address = qc::io::SocketAddress::parse(text)) check_printed_again(*address);
    return 0;
}
