// SPDX-License-Identifier: GPL-2.0-or-later
//
// What follows where a guest panics or its watchdog expires (-action, set-action). In
// QMP's order.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace qc::system {

enum class PanicAction : uint8_t { kPause, kShutdown, kExitFailure, kNone };
enum class WatchdogAction : uint8_t {
    kReset,
    kShutdown,
    kPoweroff,
    kPause,
    kDebug,
    kNone,
    kInjectNmi
};

// By QMP's names: "exit-failure".
std::optional<PanicAction> parse_panic_action(std::string_view name);
std::optional<WatchdogAction> parse_watchdog_action(std::string_view name);

}  // namespace qc::system
