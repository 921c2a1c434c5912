// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where a migration goes to or comes from, as `migrate`, `migrate-incoming` and
// `-incoming` name it:
//
//   tcp:HOST:PORT  unix:PATH  fd:NAME-OR-NUMBER  exec:COMMAND  file:PATH[,offset=N]
//
// Threading: plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "io/socket_address.h"
#include "util/result.h"

namespace qc::migration {

// A program's path and its arguments.
struct CommandAddress {
    std::vector<std::string> arguments;
    bool operator==(const CommandAddress&) const = default;
};

struct FileAddress {
    std::string path;
    uint64_t offset = 0;
    bool operator==(const FileAddress&) const = default;
};

// A name that `getfd` gave, or the number of a descriptor that this process was
// started with.
struct PassedFdAddress {
    std::string name;
    bool operator==(const PassedFdAddress&) const = default;
};

// A socket's address is TCP or UNIX here, never a number.
using Address = std::variant<io::SocketAddress, CommandAddress, FileAddress, PassedFdAddress>;

Result<Address> parse_uri(std::string_view uri);

// As parse_uri() reads it, where it can be written so; for messages.
std::string to_string(const Address& address);

// True for commands and files: whatever is at the other end, it never answers.
bool is_one_way(const Address& address);

}  // namespace qc::migration
