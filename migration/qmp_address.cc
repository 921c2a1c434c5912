// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/qmp_address.h"

#include "io/qapi_address.h"

namespace qc::migration {

namespace {

Result<void> check_text(std::string_view what, const std::string& text) {
    if (text.find('\0') != std::string::npos) return fail("{} holds a zero byte", what);
    return {};
}

Result<Address> socket_from(const qapi::SocketAddress& socket) {
    switch (socket.type) {
        case qapi::SocketAddressType::kInet:
            return Address(io::SocketAddress(TRY(io::from_qapi(*socket.inet))));
        case qapi::SocketAddressType::kUnix:
            return Address(io::SocketAddress(TRY(io::from_qapi(*socket.unix))));
        case qapi::SocketAddressType::kFd: break;
    }
    if (socket.fd->str.empty()) return fail("fd: a name or a number is missing");
    return Address(PassedFdAddress{socket.fd->str});
}

Result<Address> address_of(const qapi::MigrationAddress& address) {
    switch (address.transport) {
        case qapi::MigrationAddressType::kSocket: return socket_from(*address.socket);
        case qapi::MigrationAddressType::kExec: {
            const std::vector<std::string>& args = address.exec->args;
            if (args.empty() || args[0].empty()) return fail("exec: a command is missing");
            for (const std::string& argument : args)
                TRY(check_text("an argument of the command", argument));
            return Address(CommandAddress{args});
        }
        case qapi::MigrationAddressType::kFile: break;
    }
    if (address.file->filename.empty()) return fail("file: a path is missing");
    TRY(check_text("'filename'", address.file->filename));
    return Address(FileAddress{address.file->filename, address.file->offset});
}

}  // namespace

Result<Address> address_from(const std::optional<std::string>& uri,
                             const std::optional<std::vector<qapi::MigrationChannel>>& channels) {
    if (uri && channels) {
        return fail(
            "'uri' and 'channels' arguments are mutually exclusive; exactly one of the two "
            "is needed");
    }
    if (uri) return parse_uri(*uri);
    if (!channels) return fail("one of the arguments 'uri' and 'channels' is needed");
    if (channels->size() != 1) {
        return fail("'channels' has {} entries; this version takes one, of type 'main'",
                    channels->size());
    }
    return address_of(channels->front().addr);
}

qapi::SocketAddress to_qapi(const io::SocketAddress& address) {
    if (address.is_unix()) {
        return {.type = qapi::SocketAddressType::kUnix,
                .unix = qapi::UnixSocketAddress{.path = address.unix_path().path}};
    }
    if (address.is_fd()) {
        return {.type = qapi::SocketAddressType::kFd,
                .fd = qapi::FdSocketAddress{.str = std::to_string(address.fd().fd)}};
    }
    return {
        .type = qapi::SocketAddressType::kInet,
        .inet = qapi::InetSocketAddress{.host = address.inet().host, .port = address.inet().port}};
}

}  // namespace qc::migration
