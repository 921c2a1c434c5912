// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/address.h"

#include "util/option_string.h"

namespace qc::migration {

namespace {

Result<Address> parse_file(std::string_view text) {
    constexpr std::string_view kOffset = ",offset=";
    FileAddress file;
    if (const size_t at = text.rfind(kOffset); at != std::string_view::npos) {
        file.offset = TRY(parse_size("offset", text.substr(at + kOffset.size())));
        text = text.substr(0, at);
    }
    if (text.empty()) return fail("file: a path is missing");
    file.path = text;
    return Address(std::move(file));
}

Result<Address> parse_command(std::string_view text) {
    if (text.empty()) return fail("exec: a command is missing");
    return Address(CommandAddress{{"/bin/sh", "-c", std::string(text)}});
}

Result<Address> parse_passed_fd(std::string_view text) {
    if (text.empty()) return fail("fd: a name or a number is missing");
    return Address(PassedFdAddress{std::string(text)});
}

}  // namespace

Result<Address> parse_uri(std::string_view uri) {
    if (uri.find('\0') != std::string_view::npos) {
        return fail("the migration's address holds a zero byte");
    }
    const size_t colon = uri.find(':');
    const std::string_view scheme = uri.substr(0, colon);
    if (colon != std::string_view::npos) {
        const std::string_view rest = uri.substr(colon + 1);
        if (scheme == "tcp" || scheme == "unix") {
            return Address(TRY(io::SocketAddress::parse(uri)));
        }
        if (scheme == "fd") return parse_passed_fd(rest);
        if (scheme == "exec") return parse_command(rest);
        if (scheme == "file") return parse_file(rest);
        if (scheme == "rdma" || scheme == "vsock") {
            return fail("migration over '{}:' is not supported by this version", scheme);
        }
    }
    return fail("unknown migration protocol: {}", uri);
}

std::string to_string(const Address& address) {
    if (const auto* socket = std::get_if<io::SocketAddress>(&address)) return socket->to_string();
    if (const auto* file = std::get_if<FileAddress>(&address)) return "file:" + file->path;
    if (const auto* fd = std::get_if<PassedFdAddress>(&address)) return "fd:" + fd->name;
    const auto& arguments = std::get<CommandAddress>(address).arguments;
    return "exec:" + (arguments.empty() ? "" : arguments.back());
}

bool is_one_way(const Address& address) {
    return std::holds_alternative<CommandAddress>(address) ||
           std::holds_alternative<FileAddress>(address);
}

}  // namespace qc::migration
