// SPDX-License-Identifier: GPL-2.0-or-later
#include "qtest/request.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "util/base64.h"
#include "util/result.h"

namespace qc::qtest_server {

namespace {

using Words = std::vector<std::string_view>;

constexpr size_t kMaxWords = 16;
constexpr std::string_view kUnnamedInputs = "unnamed-gpio-in";

Words split(std::string_view line) {
    Words words;
    while (words.size() < kMaxWords) {
        const size_t space = line.find(' ');
        words.push_back(line.substr(0, space));
        if (space == std::string_view::npos) break;
        line.remove_prefix(space + 1);
    }
    return words;
}

// A word as messages quote it: no longer than a person reads, and nothing that would end
// the line or confuse a terminal.
std::string quoted(std::string_view word) {
    constexpr size_t kLongest = 64;
    std::string text(word.substr(0, kLongest));
    for (char& c : text) {
        if (c < ' ' || c > '~') c = '?';
    }
    return text;
}

// As C writes integers: 0x1f, 037, 31.
Result<uint64_t> parse_number(std::string_view word, std::string_view what, uint64_t most) {
    std::string_view digits = word;
    int base = 10;
    if (digits.starts_with("0x") || digits.starts_with("0X")) {
        base = 16;
        digits.remove_prefix(2);
    } else if (digits.size() > 1 && digits.front() == '0') {
        base = 8;
        digits.remove_prefix(1);
    }
    uint64_t value = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stopped, error] = std::from_chars(digits.data(), end, value, base);
    if (digits.empty() || stopped != end || error == std::errc::invalid_argument) {
        return fail("Invalid {} '{}'", what, quoted(word));
    }
    if (error == std::errc::result_out_of_range || value > most) {
        return fail("The {} '{}' is out of range", what, quoted(word));
    }
    return value;
}

Result<uint64_t> parse_address(std::string_view word) {
    return parse_number(word, "address", std::numeric_limits<uint64_t>::max());
}

// Values that are too large for the access lose their upper bits, as in QEMU.
Result<uint64_t> parse_value(std::string_view word, unsigned size) {
    const uint64_t value = TRY(parse_number(word, "value", std::numeric_limits<uint64_t>::max()));
    return size == 8 ? value : value & ((uint64_t{1} << (size * 8)) - 1);
}

enum class Empty : uint8_t { kAllowed, kRefused };
struct Range {
    uint64_t address, size;
};
Result<Range> parse_range(const Words& words, Empty empty) {
    const uint64_t address = TRY(parse_address(words[1]));
    const uint64_t size = TRY(parse_number(words[2], "size", kMaxBlock));
    if (size == 0 && empty == Empty::kRefused) return fail("The size is 0");
    if (size != 0 && address > std::numeric_limits<uint64_t>::max() - (size - 1)) {
        return fail("The block goes past the end of the address space");
    }
    return Range{address, size};
}

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// At most `most` bytes; what has no pair of digits is left out.
Result<std::vector<std::byte>> parse_hex(std::string_view word, size_t most) {
    if (!word.starts_with("0x")) return fail("The data does not begin with 0x");
    word.remove_prefix(2);
    const size_t count = std::min(word.size() / 2, most);
    std::vector<std::byte> data(count);
    for (size_t i = 0; i < count; ++i) {
        const int high = hex_value(word[2 * i]);
        const int low = hex_value(word[2 * i + 1]);
        if (high < 0 || low < 0) return fail("The data is not hexadecimal");
        data[i] = static_cast<std::byte>(high << 4 | low);
    }
    return data;
}

template <unsigned kSize>
Result<Request> port_read(const Words& words) {
    const uint64_t port = TRY(parse_number(words[1], "port", 0xffff));
    return PortRead{static_cast<uint16_t>(port), kSize};
}

template <unsigned kSize>
Result<Request> port_write(const Words& words) {
    const uint64_t port = TRY(parse_number(words[1], "port", 0xffff));
    return PortWrite{static_cast<uint16_t>(port), kSize,
                     static_cast<uint32_t>(TRY(parse_value(words[2], kSize)))};
}

template <unsigned kSize>
Result<Request> memory_load(const Words& words) {
    return MemoryLoad{TRY(parse_address(words[1])), kSize};
}

template <unsigned kSize>
Result<Request> memory_store(const Words& words) {
    const uint64_t address = TRY(parse_address(words[1]));
    return MemoryStore{address, kSize, TRY(parse_value(words[2], kSize))};
}

template <BlockText kText>
Result<Request> block_read(const Words& words) {
    const Range range = TRY(parse_range(words, Empty::kRefused));
    return BlockRead{range.address, range.size, kText};
}

// Shorter than this there is no data in the word.
constexpr size_t kShortestData = 3;

Result<Request> block_write_hex(const Words& words) {
    const Range range = TRY(parse_range(words, Empty::kRefused));
    if (words[3].size() < kShortestData) return Refused{"ERR invalid argument size"};
    auto data = TRY(parse_hex(words[3], range.size));
    data.resize(range.size);
    return BlockWrite{range.address, std::move(data), {}};
}

Result<Request> block_write_base64(const Words& words) {
    const Range range = TRY(parse_range(words, Empty::kRefused));
    if (words[3].size() < kShortestData) return Refused{"ERR invalid argument size"};
    const std::string decoded = TRY(decode_base64(words[3]));
    BlockWrite write{range.address, {}, {}};
    if (decoded.size() != range.size) {
        write.remark =
            fmt::format("b64write: {} bytes of data for a size of {}", decoded.size(), range.size);
    }
    const auto bytes = std::as_bytes(std::span(decoded));
    const auto used = bytes.first(std::min<size_t>(bytes.size(), range.size));
    write.data.assign(used.begin(), used.end());
    return write;
}

Result<Request> block_fill(const Words& words) {
    const Range range = TRY(parse_range(words, Empty::kAllowed));
    const uint64_t value = TRY(parse_value(words[3], 1));
    return BlockFill{range.address, range.size, static_cast<std::byte>(value)};
}

Result<int64_t> parse_time(std::string_view word) {
    constexpr auto kLast = std::numeric_limits<int64_t>::max() - 1;
    return static_cast<int64_t>(TRY(parse_number(word, "time", kLast)));
}

Result<Request> clock_step(const Words& words) {
    if (words.size() == 1) return ClockStep{};
    return ClockStep{TRY(parse_time(words[1]))};
}

Result<Request> clock_set(const Words& words) {
    return ClockSet{TRY(parse_time(words[1]))};
}

Result<Request> intercept_inputs(const Words& words) {
    return InterceptInputs{std::string(words[1]), words.size() > 2};
}

Result<Request> intercept_outputs(const Words& words) {
    return InterceptOutputs{std::string(words[1]), std::string(words.size() > 2 ? words[2] : "")};
}

Result<Request> drive_input(const Words& words) {
    const std::string_view name = words[2] == kUnnamedInputs ? std::string_view() : words[2];
    const uint64_t pin = TRY(parse_number(words[3], "pin", std::numeric_limits<int>::max()));
    const uint64_t level = TRY(parse_number(words[4], "level", std::numeric_limits<int>::max()));
    return DriveInput{std::string(words[1]), std::string(name), static_cast<unsigned>(pin),
                      level != 0};
}

struct Verb {
    std::string_view name;
    size_t arguments;  // what it needs; a word beyond what it takes is ignored, as in QEMU
    Result<Request> (*parse)(const Words& words);
};

constexpr std::array kVerbs = {
    Verb{"endianness", 0, [](const Words&) -> Result<Request> { return AskByteOrder{}; }},
    Verb{"inb", 1, port_read<1>},
    Verb{"inw", 1, port_read<2>},
    Verb{"inl", 1, port_read<4>},
    Verb{"outb", 2, port_write<1>},
    Verb{"outw", 2, port_write<2>},
    Verb{"outl", 2, port_write<4>},
    Verb{"readb", 1, memory_load<1>},
    Verb{"readw", 1, memory_load<2>},
    Verb{"readl", 1, memory_load<4>},
    Verb{"readq", 1, memory_load<8>},
    Verb{"writeb", 2, memory_store<1>},
    Verb{"writew", 2, memory_store<2>},
    Verb{"writel", 2, memory_store<4>},
    Verb{"writeq", 2, memory_store<8>},
    Verb{"read", 2, block_read<BlockText::kHex>},
    Verb{"b64read", 2, block_read<BlockText::kBase64>},
    Verb{"write", 3, block_write_hex},
    Verb{"b64write", 3, block_write_base64},
    Verb{"memset", 3, block_fill},
    Verb{"clock_step", 0, clock_step},
    Verb{"clock_set", 1, clock_set},
    Verb{"irq_intercept_in", 1, intercept_inputs},
    Verb{"irq_intercept_out", 1, intercept_outputs},
    Verb{"set_irq_in", 4, drive_input},
    Verb{"module_load", 2, [](const Words&) -> Result<Request> { return LoadModule{}; }},
};

}  // namespace

Request parse_request(std::string_view line) {
    const Words words = split(line);
    const auto* verb = std::ranges::find(kVerbs, words[0], &Verb::name);
    if (verb == kVerbs.end()) return Refused{unknown_command(line)};
    if (words.size() <= verb->arguments) {
        return Refused{fmt::format("FAIL {} needs {} arguments", verb->name, verb->arguments)};
    }
    Result<Request> request = verb->parse(words);
    if (!request) return Refused{"FAIL " + request.error().message()};
    return *std::move(request);
}

std::string unknown_command(std::string_view line) {
    return fmt::format("FAIL Unknown command '{}'", quoted(line.substr(0, line.find(' '))));
}

std::string port_value_reply(uint32_t value) {
    return fmt::format("OK {:#06x}", value);
}

std::string memory_value_reply(uint64_t value) {
    return fmt::format("OK {:#018x}", value);
}

std::string block_reply(std::span<const std::byte> data, BlockText text) {
    if (text == BlockText::kBase64) return "OK " + encode_base64(data);
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string reply = "OK 0x";
    reply.reserve(reply.size() + 2 * data.size());
    for (const std::byte byte : data) {
        reply += kDigits[static_cast<size_t>(byte) >> 4];
        reply += kDigits[static_cast<size_t>(byte) & 15];
    }
    return reply;
}

}  // namespace qc::qtest_server
