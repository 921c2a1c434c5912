// SPDX-License-Identifier: GPL-2.0-or-later
//
// The QMP commands of character devices.
#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>

#include "chardev/chardev_backend.h"
#include "chardev/chardev_registry.h"
#include "chardev/pty_chardev.h"
#include "chardev/ringbuf_chardev.h"
#include "monitor/context.h"
#include "monitor/context_fds.h"
#include "qapi/generated/qapi_commands_char.h"
#include "system/machine.h"
#include "util/base64.h"

namespace qc::qapi {

namespace {

using chardev::Chardev;

// The descriptor of a socket that shall be used; its number, which must be what it is
// taken for, as the socket that takes it over cannot give it back.
Result<UniqueFd> take_socket(monitor::MonitorContext& context,
                             const chardev::RequestedChardev& requested) {
    const auto* config = std::get_if<chardev::SocketConfig>(&requested.config.backend);
    if (config == nullptr || !config->address.is_fd()) return UniqueFd();
    UniqueFd fd;
    if (!requested.passed_fd.empty()) {
        fd = TRY(context.fds.take(requested.passed_fd));
    } else {
        fd.reset(fcntl(config->address.fd().fd, F_DUPFD_CLOEXEC, 3));
        if (!fd) return fail_errno(errno, "file descriptor {}", config->address.fd().fd);
    }
    int listening = 0;
    socklen_t length = sizeof(listening);
    if (getsockopt(fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0) {
        return fail_errno(errno, "file descriptor '{}' is not a socket", config->address.fd().fd);
    }
    const bool server = config->role == chardev::SocketRole::kServer;
    if ((listening != 0) != server) {
        return fail("the descriptor is {}a listening socket", server ? "not " : "");
    }
    return fd;
}

using Action = Result<Chardev*> (*)(chardev::ChardevRegistry&, const chardev::ChardevConfig&);

Result<ChardevReturn> make(monitor::MonitorContext& context, const std::string& id,
                           const ChardevBackend& backend, Action action) {
    chardev::RequestedChardev requested = TRY(chardev::chardev_from(id, backend));
    UniqueFd fd = TRY(take_socket(context, requested));
    // From here on the descriptor belongs to the new back end, or is closed by it.
    if (fd) {
        std::get<chardev::SocketConfig>(requested.config.backend).address =
            io::FdAddress{fd.release()};
    }
    const Chardev* chardev = TRY(action(*context.chardevs, requested.config));
    context.machine->chardevs_changed();
    if (chardev->backend() != "pty") return ChardevReturn{};
    return ChardevReturn{.pty = static_cast<const chardev::PtyChardev*>(chardev)->path()};
}

Result<chardev::RingbufChardev*> find_ringbuf(monitor::MonitorContext& context,
                                              const std::string& id) {
    Chardev* chardev = context.chardevs->find(id);
    if (chardev == nullptr) return fail("Device '{}' not found", id);
    if (chardev->backend() != "ringbuf" && chardev->backend() != "memory") {
        return fail("{} is not a ringbuf device", id);
    }
    return static_cast<chardev::RingbufChardev*>(chardev);
}

}  // namespace

Result<std::vector<ChardevInfo>> qmp_query_chardev(monitor::MonitorContext& context) {
    std::vector<ChardevInfo> infos;
    for (const Chardev* chardev : context.chardevs->list()) {
        infos.push_back({.label = chardev->id(),
                         .filename = chardev->description(),
                         .frontend_open = chardev->attached()});
    }
    return infos;
}

Result<std::vector<ChardevBackendInfo>> qmp_query_chardev_backends(monitor::MonitorContext&) {
    std::vector<ChardevBackendInfo> infos;
    for (std::string_view name : chardev::backend_names())
        infos.push_back({.name = std::string(name)});
    return infos;
}

Result<ChardevReturn> qmp_chardev_add(monitor::MonitorContext& context,
                                      const ChardevAddArgs& args) {
    if (args.id.empty()) return fail("Parameter 'id' expects an identifier");
    TRY(context.chardevs->check_new_id(args.id));
    return make(context, args.id, args.backend,
                [](chardev::ChardevRegistry& chardevs, const chardev::ChardevConfig& config) {
                    return chardevs.add(config, chardev::Startup::kMayNotWait);
                })
        .context("Failed to add chardev '{}'", args.id);
}

Result<ChardevReturn> qmp_chardev_change(monitor::MonitorContext& context,
                                         const ChardevChangeArgs& args) {
    return make(context, args.id, args.backend,
                [](chardev::ChardevRegistry& chardevs, const chardev::ChardevConfig& config) {
                    return chardevs.change(config);
                });
}

Result<void> qmp_chardev_remove(monitor::MonitorContext& context, const ChardevRemoveArgs& args) {
    TRY(context.chardevs->remove(args.id));
    context.machine->chardevs_changed();
    return {};
}

Result<void> qmp_chardev_send_break(monitor::MonitorContext& context,
                                    const ChardevSendBreakArgs& args) {
    Chardev* chardev = context.chardevs->find(args.id);
    if (chardev == nullptr) return fail("Chardev '{}' not found", args.id);
    chardev->send_break();
    return {};
}

Result<void> qmp_ringbuf_write(monitor::MonitorContext& context, const RingbufWriteArgs& args) {
    chardev::RingbufChardev* ringbuf = TRY(find_ringbuf(context, args.device));
    std::string data = args.data;
    if (args.format == DataFormat::kBase64) data = TRY(decode_base64(args.data));
    ringbuf->put(std::as_bytes(std::span(data)));
    return {};
}

Result<std::string> qmp_ringbuf_read(monitor::MonitorContext& context,
                                     const RingbufReadArgs& args) {
    chardev::RingbufChardev* ringbuf = TRY(find_ringbuf(context, args.device));
    if (args.size <= 0) return fail("size must be greater than zero");
    const std::string data = ringbuf->read(static_cast<size_t>(args.size));
    if (args.format == DataFormat::kBase64) return encode_base64(std::as_bytes(std::span(data)));
    // Where it is no UTF-8, the writer of JSON says so.
    return data;
}

}  // namespace qc::qapi
