// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/chardev_backend.h"

#include "io/qapi_address.h"

namespace qc::chardev {

namespace {

using Backend = decltype(ChardevConfig::backend);

Result<void> check_path(const std::string& path) {
    if (path.empty()) return fail("chardev: no path given");
    if (path.find('\0') != std::string::npos) return fail("chardev: a path holds a zero byte");
    return {};
}

// A name that getfd gave is no number.
Result<io::SocketAddress> address_from(const qapi::SocketAddressLegacy& legacy,
                                       std::string& passed_fd) {
    switch (legacy.type) {
        case qapi::SocketAddressType::kInet:
            return io::SocketAddress(TRY(io::from_qapi(legacy.inet->data)));
        case qapi::SocketAddressType::kUnix:
            return io::SocketAddress(TRY(io::from_qapi(legacy.unix->data)));
        case qapi::SocketAddressType::kFd: break;
    }
    const std::string& name = legacy.fd->data.str;
    if (name.empty()) return fail("fd: a name or a number is missing");
    if (name[0] >= '0' && name[0] <= '9') return io::SocketAddress::parse("fd:" + name);
    passed_fd = name;
    return io::SocketAddress(io::FdAddress{-1});
}

Result<Backend> socket_from(const qapi::ChardevSocket& socket, std::string& passed_fd) {
    SocketConfig config{.address = TRY(address_from(socket.addr, passed_fd))};
    const bool server = socket.server.value_or(true);
    config.role = server ? SocketRole::kServer : SocketRole::kClient;
    config.no_delay = socket.nodelay.value_or(false);
    config.telnet = socket.telnet.value_or(false);
    config.tls_creds = socket.tls_creds.value_or("");
    config.tls_authz = socket.tls_authz.value_or("");
    TRY(complete(config, socket.wait, {.seconds = socket.reconnect, .ms = socket.reconnect_ms}));
    return config;
}

Result<Backend> udp_from(const qapi::ChardevUdp& udp) {
    const auto inet_only = [](const qapi::SocketAddressLegacy& address) -> Result<io::InetAddress> {
        if (address.type != qapi::SocketAddressType::kInet) {
            return fail("chardev: udp: only addresses of type 'inet' are possible");
        }
        return io::from_qapi(address.inet->data);
    };
    UdpConfig config{.remote = TRY(inet_only(udp.remote)), .local = std::nullopt};
    if (udp.local) config.local = TRY(inet_only(*udp.local));
    return config;
}

Result<Backend> file_from(const qapi::ChardevFile& file) {
    TRY(check_path(file.out));
    if (file.in) TRY(check_path(*file.in));
    return FileConfig{.path = file.out,
                      .mode = file.append.value_or(false) ? FileMode::kAppend : FileMode::kTruncate,
                      .input_path = file.in.value_or("")};
}

Result<Backend> ringbuf_from(std::string_view name, const qapi::ChardevRingbuf& ringbuf) {
    RingbufConfig config{.name = name};
    if (ringbuf.size && *ringbuf.size < 0) {
        return fail("size of ringbuf chardev must be power of two");
    }
    if (ringbuf.size) config.size = static_cast<uint64_t>(*ringbuf.size);
    return config;
}

// What all of them have.
Result<LogConfig> log_from(const qapi::ChardevBackend& backend) {
    using Kind = qapi::ChardevBackendKind;
    const auto of = [](const auto& wrapper) {
        return log_config(wrapper->data.logfile, wrapper->data.logappend);
    };
    switch (backend.type) {
        case Kind::kFile: return of(backend.file);
        case Kind::kPipe: return of(backend.pipe);
        case Kind::kSocket: return of(backend.socket);
        case Kind::kUdp: return of(backend.udp);
        case Kind::kPty: return of(backend.pty);
        case Kind::kMux: return of(backend.mux);
        case Kind::kStdio: return of(backend.stdio);
        case Kind::kRingbuf: return of(backend.ringbuf);
        case Kind::kMemory: return of(backend.memory);
        case Kind::kNull: break;
    }
    return of(backend.null);
}

Result<Backend> backend_from(const qapi::ChardevBackend& backend, std::string& passed_fd) {
    using Kind = qapi::ChardevBackendKind;
    switch (backend.type) {
        case Kind::kFile: return file_from(backend.file->data);
        case Kind::kPipe: {
            TRY(check_path(backend.pipe->data.device));
            return PipeConfig{backend.pipe->data.device};
        }
        case Kind::kSocket: return socket_from(backend.socket->data, passed_fd);
        case Kind::kUdp: return udp_from(backend.udp->data);
        case Kind::kPty: return PtyConfig{};
        case Kind::kMux: return MuxConfig{backend.mux->data.chardev};
        case Kind::kStdio: {
            const bool signals = backend.stdio->data.signal.value_or(true);
            return StdioConfig{signals ? TerminalSignals::kOn : TerminalSignals::kOff};
        }
        case Kind::kRingbuf: return ringbuf_from("ringbuf", backend.ringbuf->data);
        case Kind::kMemory: return ringbuf_from("memory", backend.memory->data);
        case Kind::kNull: break;
    }
    return NullConfig{};
}

}  // namespace

Result<RequestedChardev> chardev_from(std::string id, const qapi::ChardevBackend& backend) {
    RequestedChardev requested;
    requested.config.backend = TRY(backend_from(backend, requested.passed_fd));
    requested.config.log = TRY(log_from(backend));
    requested.config.id = std::move(id);
    return requested;
}

}  // namespace qc::chardev
