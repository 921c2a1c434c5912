// SPDX-License-Identifier: GPL-2.0-or-later
//
// What tests/guest/linux_init.sh prints, and what of it is right.
#pragma once

#include <charconv>
#include <string>

#include "tests/functional/linux_guest.h"

namespace qc::qtest {

// The job "check" has printed the right results.
inline Result<void> check_linux_results(Vm& vm, int cpus) {
    const std::string said = vm.serial().text();
    for (const std::string& result :
         {fmt::format("cpus {}\r\n", cpus), std::string("sha256 080acf35a507ac98\r\n"),
          std::string("float 10.4807282172\r\n"), std::string("integer 346834\r\n"),
          std::string("sorted 796dff5eb1113e2e\r\n"),
          std::string("inflated e071f707df7bbeee\r\n")}) {
        if (said.find(result) == std::string::npos) {
            return fail("{} did not say {}, but: {}", vm.name(), result, said);
        }
    }
    return {};
}

// The job "work" goes on, is never wrong, and misses no number. What a secondary printed
// before it was alone may come twice: a checkpoint takes it back to where the primary was.
inline Result<void> check_linux_works(Vm& vm) {
    const size_t alone_since = vm.serial().size();
    TRY(vm.serial().wait_growth(alone_since + 64, Deadline::in(kBoot)));
    const std::string text = vm.serial().text().substr(alone_since);
    int last = 0;
    int lines = 0;
    for (size_t at = text.find("\nwork "); at != std::string::npos;
         at = text.find("\nwork ", at + 1)) {
        const char* number = text.c_str() + at + 6;
        int value = 0;
        const auto [end, error] = std::from_chars(number, text.c_str() + text.size(), value);
        const std::string_view rest =
            std::string_view(text).substr(static_cast<size_t>(end - text.c_str()));
        if (rest.size() < 8) break;  // still being printed
        if (error != std::errc{} || !rest.starts_with(" right\r\n")) {
            return fail("{}: after work {}: '{}'", vm.name(), last, rest.substr(0, 40));
        }
        if (lines++ > 0 && value != last + 1) {
            return fail("{}: work {} follows {}", vm.name(), value, last);
        }
        last = value;
    }
    if (lines < 2) return fail("{} said '{}'", vm.name(), text);
    return {};
}

}  // namespace qc::qtest
