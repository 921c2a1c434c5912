// SPDX-License-Identifier: GPL-2.0-or-later
//
// QEMU's option strings: "value,key=value,flag,a.b.0.c=x". A comma inside a value
// is written twice. With an implied key the first element may stand without one:
// `-device ide-hd,drive=d0` has implied key "driver". A bare `flag` means
// flag=on; `noflag` is *not* special.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "util/result.h"

namespace qc {

class OptionString {
 public:
    struct Option {
        std::string key;
        std::string value;
        bool bare = false;  // written without '='
    };

    OptionString() = default;
    // `implied_key` may be empty: then a first element without '=' is a flag.
    static Result<OptionString> parse(std::string_view text, std::string_view implied_key);

    const std::vector<Option>& options() const { return options_; }

    // The take_ functions remove the option, so that what is left at the end is
    // unknown; expect_empty() names it. The last of several equal keys wins.
    std::optional<std::string> take(std::string_view key);
    Result<std::string> take_required(std::string_view key);
    Result<std::optional<bool>> take_bool(std::string_view key);  // on|yes|true|y, off|no|false|n
    Result<std::optional<uint64_t>> take_number(std::string_view key);  // decimal or 0x
    Result<std::optional<uint64_t>> take_size(std::string_view key);    // bytes, with suffix
    // Adds an option at the end, as if it had been written.
    void set(std::string key, std::string value);
    // All options under "prefix.", prefix cut off.
    OptionString take_prefix(std::string_view prefix);

    // An error in QEMU's words, "Invalid parameter 'x'", if an option is left.
    Result<void> expect_empty() const;

 private:
    std::vector<Option> options_;
};

Result<bool> parse_bool(std::string_view key, std::string_view text);
Result<uint64_t> parse_number(std::string_view key, std::string_view text);
// "64", "64k", "1.5G"; suffixes B K M G T P E, powers of 1024; `default_unit`
// multiplies a number without suffix.
Result<uint64_t> parse_size(std::string_view key, std::string_view text, uint64_t default_unit = 1);

}  // namespace qc
