// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/chardev_factory.h"

#include <unistd.h>

#include "chardev/file_chardev.h"
#include "chardev/null_chardev.h"
#include "chardev/pipe_chardev.h"
#include "chardev/pty_chardev.h"
#include "chardev/ringbuf_chardev.h"
#include "chardev/socket_chardev.h"
#include "chardev/stdio_chardev.h"
#include "chardev/udp_chardev.h"
#include "crypto/tls_request.h"

namespace qc::chardev {

namespace {

Result<std::optional<crypto::TlsSettings>> tls_of(const SocketConfig& socket,
                                                  const crypto::TlsObjects* objects) {
    if (socket.tls_creds.empty()) return std::optional<crypto::TlsSettings>();
    const bool server = socket.role == SocketRole::kServer;
    crypto::TlsRequest request{
        .creds = socket.tls_creds,
        .authz = socket.tls_authz,
        .endpoint = server ? crypto::TlsEndpoint::kServer : crypto::TlsEndpoint::kClient,
        .hostname = socket.address.is_inet() ? socket.address.inet().host : std::string()};
    return std::optional(TRY(crypto::find_tls_settings(objects, request)));
}

struct Maker {
    const std::string& id;
    Startup startup;
    const ChardevDeps& deps;
    Chardev* base;

    Result<std::unique_ptr<Chardev>> operator()(const NullConfig&) const {
        return std::make_unique<NullChardev>(deps.loop, id);
    }
    Result<std::unique_ptr<Chardev>> operator()(const FileConfig& file) const {
        return TRY(FileChardev::create(deps.loop, id, file.path, file.mode, file.input_path,
                                       deps.fd_sets));
    }
    Result<std::unique_ptr<Chardev>> operator()(const StdioConfig& stdio) const {
        return TRY(StdioChardev::create(deps.loop, id, stdio.signals, STDIN_FILENO, STDOUT_FILENO));
    }
    Result<std::unique_ptr<Chardev>> operator()(const SocketConfig& socket) const {
        Result<std::optional<crypto::TlsSettings>> tls = tls_of(socket, deps.tls);
        if (!tls) {
            // A descriptor that was given is used up in any case.
            if (socket.address.is_fd()) UniqueFd(socket.address.fd().fd).reset();
            return Failure(std::move(tls).error());
        }
        return TRY(SocketChardev::create(
            {.loop = deps.loop, .interrupt = deps.interrupt, .tls = *std::move(tls)}, id, socket,
            startup));
    }
    Result<std::unique_ptr<Chardev>> operator()(const PipeConfig& pipe) const {
        return TRY(PipeChardev::create(deps.loop, id, pipe.path, deps.fd_sets));
    }
    Result<std::unique_ptr<Chardev>> operator()(const PtyConfig&) const {
        return TRY(PtyChardev::create(deps.loop, id));
    }
    Result<std::unique_ptr<Chardev>> operator()(const RingbufConfig& ringbuf) const {
        return TRY(RingbufChardev::create(deps.loop, id, ringbuf));
    }
    Result<std::unique_ptr<Chardev>> operator()(const UdpConfig& udp) const {
        return TRY(UdpChardev::create(deps.loop, id, udp, startup));
    }
    Result<std::unique_ptr<Chardev>> operator()(const MuxConfig& mux) const {
        if (base == nullptr) return fail("mux: base chardev {} not found", mux.base);
        return TRY(MuxChardev::create(deps.loop, id, *base, deps.mux_requests));
    }
};

}  // namespace

Result<std::unique_ptr<Chardev>> create_chardev(const ChardevConfig& config, Startup startup,
                                                const ChardevDeps& deps, Chardev* base) {
    std::unique_ptr<Chardev> log;
    if (!config.log.path.empty()) {
        log = TRY(FileChardev::create(deps.loop, config.id, config.log.path, config.log.mode, {},
                                      deps.fd_sets));
    }
    auto chardev = TRY(std::visit(Maker{config.id, startup, deps, base}, config.backend));
    if (log != nullptr) chardev->set_log(std::move(log));
    return chardev;
}

}  // namespace qc::chardev
