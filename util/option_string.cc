// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/option_string.h"

#include <algorithm>
#include <array>

#include "util/checked.h"

namespace qc {

namespace {

__extension__ using Wide = unsigned __int128;

// Reads up to the next single comma, turning doubled commas into one, and moves
// `text` behind it.
std::string read_value(std::string_view& text) {
    std::string value;
    while (!text.empty()) {
        const size_t comma = text.find(',');
        value += text.substr(0, comma);
        if (comma == std::string_view::npos) {
            text = {};
            break;
        }
        const bool doubled = text.substr(comma).starts_with(",,");
        text.remove_prefix(comma + (doubled ? 2 : 1));
        if (!doubled) break;
        value += ',';
    }
    return value;
}

std::optional<unsigned> digit_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return std::nullopt;
}

struct Digits {
    size_t count = 0;
    std::optional<uint64_t> value = 0;  // nothing on overflow
};

// Consumes the digits of `base` at the start of `text`.
Digits read_digits(std::string_view& text, unsigned base) {
    Digits digits;
    while (!text.empty()) {
        const std::optional<unsigned> digit = digit_value(text.front());
        if (!digit || *digit >= base) break;
        if (digits.value) digits.value = checked_mul<uint64_t>(*digits.value, base);
        if (digits.value) digits.value = checked_add<uint64_t>(*digits.value, *digit);
        text.remove_prefix(1);
        ++digits.count;
    }
    return digits;
}

bool skip_hex_prefix(std::string_view& text) {
    if (!text.starts_with("0x") && !text.starts_with("0X")) return false;
    text.remove_prefix(2);
    return true;
}

std::optional<uint64_t> unit_of_suffix(char suffix) {
    switch (suffix) {
        case 'B':
        case 'b': return 1;
        case 'K':
        case 'k': return uint64_t{1} << 10;
        case 'M':
        case 'm': return uint64_t{1} << 20;
        case 'G':
        case 'g': return uint64_t{1} << 30;
        case 'T':
        case 't': return uint64_t{1} << 40;
        case 'P':
        case 'p': return uint64_t{1} << 50;
        case 'E':
        case 'e': return uint64_t{1} << 60;
        default: return std::nullopt;
    }
}

// `digits` behind a decimal point, as a count of bytes, rounded down. Digits
// past the eighteenth are below one byte for every unit and are dropped.
uint64_t fraction_of(std::string_view digits, uint64_t unit) {
    Wide value = 0;
    Wide scale = 1;
    for (char c : digits.substr(0, 18)) {
        value = value * 10 + static_cast<unsigned>(c - '0');
        scale *= 10;
    }
    return static_cast<uint64_t>(value * unit / scale);
}

Failure not_a_size(std::string_view key) {
    Error error(fmt::format("Parameter '{}' expects a size", key));
    error.set_hint(
        "A size is a number of bytes, or a number with one of the suffixes "
        "K, M, G, T, P, E (powers of 1024).");
    return Failure(std::move(error));
}

Failure size_out_of_range(std::string_view key, std::string_view text) {
    return fail("Value '{}' is out of range for parameter '{}'", text, key);
}

}  // namespace

Result<OptionString> OptionString::parse(std::string_view text, std::string_view implied_key) {
    OptionString result;
    bool first = true;
    while (!text.empty()) {
        const size_t stop = text.find_first_of("=,");
        Option option;
        if (stop != std::string_view::npos && text[stop] == '=') {
            option.key = text.substr(0, stop);
            text.remove_prefix(stop + 1);
            option.value = read_value(text);
        } else if (first && !implied_key.empty() && (stop != 0 || text.starts_with(",,"))) {
            option.key = implied_key;
            option.value = read_value(text);
        } else {
            option.key = text.substr(0, stop);
            option.value = "on";
            option.bare = true;
            text.remove_prefix(stop == std::string_view::npos ? text.size() : stop + 1);
            first = false;
            // A doubled or trailing comma between options is an empty element.
            if (option.key.empty()) continue;
        }
        first = false;
        if (option.key.empty()) return fail("Invalid parameter ''");
        result.options_.push_back(std::move(option));
    }
    return result;
}

std::optional<std::string> OptionString::take(std::string_view key) {
    std::optional<std::string> value;
    std::erase_if(options_, [&](Option& option) {
        if (option.key != key) return false;
        value = std::move(option.value);
        return true;
    });
    return value;
}

Result<std::string> OptionString::take_required(std::string_view key) {
    std::optional<std::string> value = take(key);
    if (!value) return fail("Parameter '{}' is missing", key);
    return *std::move(value);
}

Result<std::optional<bool>> OptionString::take_bool(std::string_view key) {
    const std::optional<std::string> value = take(key);
    if (!value) return std::nullopt;
    return TRY(parse_bool(key, *value));
}

Result<std::optional<uint64_t>> OptionString::take_number(std::string_view key) {
    const std::optional<std::string> value = take(key);
    if (!value) return std::nullopt;
    return TRY(parse_number(key, *value));
}

Result<std::optional<uint64_t>> OptionString::take_size(std::string_view key) {
    const std::optional<std::string> value = take(key);
    if (!value) return std::nullopt;
    return TRY(parse_size(key, *value));
}

void OptionString::set(std::string key, std::string value) {
    options_.push_back({.key = std::move(key), .value = std::move(value)});
}

OptionString OptionString::take_prefix(std::string_view prefix) {
    OptionString taken;
    std::erase_if(options_, [&](Option& option) {
        const std::string_view key = option.key;
        if (key.size() <= prefix.size() + 1 || !key.starts_with(prefix) ||
            key[prefix.size()] != '.') {
            return false;
        }
        option.key.erase(0, prefix.size() + 1);
        taken.options_.push_back(std::move(option));
        return true;
    });
    return taken;
}

Result<void> OptionString::expect_empty() const {
    if (!options_.empty()) return fail("Invalid parameter '{}'", options_.front().key);
    return {};
}

Result<bool> parse_bool(std::string_view key, std::string_view text) {
    static constexpr std::array<std::string_view, 4> kTrue = {"on", "yes", "true", "y"};
    static constexpr std::array<std::string_view, 4> kFalse = {"off", "no", "false", "n"};
    if (std::ranges::find(kTrue, text) != kTrue.end()) return true;
    if (std::ranges::find(kFalse, text) != kFalse.end()) return false;
    return fail("Parameter '{}' expects 'on' or 'off'", key);
}

Result<uint64_t> parse_number(std::string_view key, std::string_view text) {
    std::string_view rest = text;
    const unsigned base = skip_hex_prefix(rest) ? 16 : 10;
    const Digits digits = read_digits(rest, base);
    if (digits.count == 0 || !rest.empty()) return fail("Parameter '{}' expects a number", key);
    if (!digits.value) return fail("Value '{}' is too large for parameter '{}'", text, key);
    return *digits.value;
}

Result<uint64_t> parse_size(std::string_view key, std::string_view text, uint64_t default_unit) {
    std::string_view rest = text;
    const bool hex = skip_hex_prefix(rest);
    const Digits whole = read_digits(rest, hex ? 16 : 10);
    if (whole.count == 0) return not_a_size(key);

    std::string_view fraction;
    if (!hex && rest.starts_with('.')) {
        rest.remove_prefix(1);
        fraction = rest;
        const Digits digits = read_digits(rest, 10);
        if (digits.count == 0) return not_a_size(key);
        fraction = fraction.substr(0, digits.count);
    }

    uint64_t unit = default_unit;
    if (!rest.empty()) {
        // QEMU takes no suffix behind hexadecimal digits.
        if (hex) return not_a_size(key);
        const std::optional<uint64_t> suffix = unit_of_suffix(rest.front());
        if (!suffix || rest.size() != 1) return not_a_size(key);
        unit = *suffix;
    }
    // Half a byte is a mistake, not a size.
    if (unit == 1 && fraction.find_first_not_of('0') != std::string_view::npos) {
        return not_a_size(key);
    }

    if (!whole.value) return size_out_of_range(key, text);
    const std::optional<uint64_t> bytes = checked_mul<uint64_t>(*whole.value, unit);
    if (!bytes) return size_out_of_range(key, text);
    const std::optional<uint64_t> total =
        checked_add<uint64_t>(*bytes, fraction_of(fraction, unit));
    if (!total) return size_out_of_range(key, text);
    return *total;
}

}  // namespace qc
