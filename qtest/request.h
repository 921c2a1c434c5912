// SPDX-License-Identifier: GPL-2.0-or-later
//
// The requests of the qtest protocol, one to a line, and the text of its replies. See
// docs/devel/qtest.rst.
//
// Threading: plain values and functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace qc::qtest_server {

// A block that is read, written or filled by one request. What a line may have follows
// from it: two characters for each byte, and room for the rest.
inline constexpr uint64_t kMaxBlock = uint64_t{64} << 20;
inline constexpr size_t kMaxLine = 2 * kMaxBlock + 256;

// Sizes of single accesses are 1, 2, 4 or 8 bytes.
struct AskByteOrder {};
struct PortRead {
    uint16_t port;
    unsigned size;
};
struct PortWrite {
    uint16_t port;
    unsigned size;
    uint32_t value;
};
struct MemoryLoad {
    uint64_t address;
    unsigned size;
};
struct MemoryStore {
    uint64_t address;
    unsigned size;
    uint64_t value;
};

// Blocks never go past the end of the address space.
enum class BlockText : uint8_t { kHex, kBase64 };
struct BlockRead {
    uint64_t address;
    uint64_t size;
    BlockText text;
};
struct BlockWrite {
    uint64_t address;
    std::vector<std::byte> data;
    // Why fewer or other bytes were written than the request said; empty: they were not.
    std::string remark;
};
struct BlockFill {
    uint64_t address;
    uint64_t size;
    std::byte value;
};

// To the next timer's deadline if nothing is given.
struct ClockStep {
    std::optional<int64_t> by_ns;
};
struct ClockSet {
    int64_t to_ns;
};

struct InterceptInputs {
    std::string device;
    bool named;
};
struct InterceptOutputs {
    std::string device;
    std::string name;  // empty: the unnamed ones
};
struct DriveInput {
    std::string device;
    std::string name;  // empty: the unnamed ones
    unsigned pin;
    bool level;
};
struct LoadModule {};

// What cannot be a request: the reply to it.
struct Refused {
    std::string reply;
};

using Request = std::variant<AskByteOrder, PortRead, PortWrite, MemoryLoad, MemoryStore, BlockRead,
                             BlockWrite, BlockFill, ClockStep, ClockSet, InterceptInputs,
                             InterceptOutputs, DriveInput, LoadModule, Refused>;

// `line` is without its end.
Request parse_request(std::string_view line);

// "FAIL Unknown command 'x'", with as much of the command as a line should have.
std::string unknown_command(std::string_view line);
std::string port_value_reply(uint32_t value);
std::string memory_value_reply(uint64_t value);
std::string block_reply(std::span<const std::byte> data, BlockText text);

}  // namespace qc::qtest_server
