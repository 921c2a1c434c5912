// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whatever text stands on a command line: it is parsed or refused, what was
// parsed and is written again parses to the same, and every way to take a value
// ends.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "util/option_string.h"

namespace {

std::string doubled_commas(std::string_view value) {
    std::string text;
    for (char c : value)
        text.append(c == ',' ? 2 : 1, c);
    return text;
}

void check_written_again(const qc::OptionString& options) {
    std::string text;
    for (const auto& option : options.options()) {
        if (!text.empty()) text += ',';
        text += option.key + '=' + doubled_commas(option.value);
    }
    auto again = qc::OptionString::parse(text, "");
    if (!again || again->options().size() != options.options().size()) std::abort();
    for (size_t index = 0; index < options.options().size(); ++index) {
        const auto& before = options.options()[index];
        const auto& after = again->options()[index];
        if (before.key != after.key || before.value != after.value) std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const char* implied_key : {"", "driver"}) {
        auto options = qc::OptionString::parse(text, implied_key);
        if (!options) continue;
        check_written_again(*options);
        while (!options->options().empty()) {
            const std::string key = options->options().back().key;
            const size_t before = options->options().size();
            static_cast<void>(options->take_size(key));
            if (options->options().size() == before) options->take(key);
            if (options->options().size() >= before) std::abort();
        }
    }
    static_cast<void>(qc::parse_bool("key", text));
    static_cast<void>(qc::parse_number("key", text));
    static_cast<void>(qc::parse_size("key", text, 1 << 20));
    return 0;
}
