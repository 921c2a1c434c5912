// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/transport.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <charconv>
#include <limits>

#include "io/command_channel.h"
#include "io/connector.h"
#include "io/fd_channel.h"
#include "io/file_channel.h"
#include "monitor/context_fds.h"

namespace qc::migration {

namespace {

constexpr int64_t kConnectDeadlineMs = 30'000;

Result<std::unique_ptr<io::Channel>> open_socket(const io::SocketAddress& address,
                                                 const io::Interrupt* interrupt) {
    std::unique_ptr<io::SocketChannel> channel =
        TRY(io::connect(address, io::deadline_in_ms(kConnectDeadlineMs), interrupt));
    TRY(channel->set_no_delay(true));
    channel->limit_portions_on_this_host();
    return std::unique_ptr<io::Channel>(std::move(channel));
}

Result<std::unique_ptr<io::Channel>> open_command(const CommandAddress& address) {
    return std::unique_ptr<io::Channel>(
        TRY(io::CommandChannel::start(address.arguments, io::CommandChannel::Direction::kWrite)));
}

Result<std::unique_ptr<io::Channel>> open_file(const FileAddress& address, FdSets* fd_sets) {
    return std::unique_ptr<io::Channel>(
        TRY(io::FileChannel::create_file(address.path, address.offset, fd_sets)));
}

}  // namespace

Result<UniqueFd> take_passed_fd(const std::string& name, monitor::ContextFds* fds) {
    if (name.empty() || name[0] < '0' || name[0] > '9') {
        if (fds == nullptr) {
            return fail("'fd:{}' is not a number, and there is no monitor to know the name", name);
        }
        return fds->take(name);
    }
    int number = -1;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error != std::errc() || end != name.data() + name.size()) {
        return fail("Invalid file descriptor number '{}'", name);
    }
    // Whoever started this process left it open for this; a command that is run
    // later must not have it.
    if (fcntl(number, F_SETFD, FD_CLOEXEC) != 0) {
        return fail_errno(errno, "file descriptor number '{}'", name);
    }
    return UniqueFd(number);
}

Result<std::unique_ptr<io::Channel>> channel_over(UniqueFd fd, const std::string& name, Use use) {
    struct stat status;
    if (fstat(fd.get(), &status) != 0) return fail_errno(errno, "{}", name);
    if (S_ISSOCK(status.st_mode)) {
        std::unique_ptr<io::SocketChannel> channel =
            TRY(io::SocketChannel::create(std::move(fd)).context("{}", name));
        TRY(channel->set_no_delay(true));
        return std::unique_ptr<io::Channel>(std::move(channel));
    }
    if (S_ISREG(status.st_mode) || S_ISBLK(status.st_mode)) {
        using Direction = io::FileChannel::Direction;
        return std::unique_ptr<io::Channel>(TRY(io::FileChannel::adopt(
            std::move(fd), use == Use::kRead ? Direction::kRead : Direction::kWrite, name)));
    }
    // Both may keep their user waiting.
    if (!S_ISFIFO(status.st_mode) && !S_ISCHR(status.st_mode))
        return fail("{} is no socket, pipe or file", name);
    UniqueFd none;
    return std::unique_ptr<io::Channel>(
        TRY(use == Use::kRead ? io::FdChannel::create(std::move(fd), std::move(none), name)
                              : io::FdChannel::create(std::move(none), std::move(fd), name)));
}

WayTraits way_of(const Address& address) {
    return {.one_way = is_one_way(address),
            .many_channels = std::holds_alternative<io::SocketAddress>(address),
            .seekable = std::holds_alternative<FileAddress>(address),
            .tcp = std::holds_alternative<io::SocketAddress>(address) &&
                   std::get<io::SocketAddress>(address).is_inet()};
}

Result<Route> route_to(const Address& address, monitor::ContextFds* fds, FdSets* fd_sets) {
    Route route{.open = {}, .way = way_of(address), .name = to_string(address)};
    if (const auto* socket = std::get_if<io::SocketAddress>(&address)) {
        route.open = [copy = *socket](const io::Interrupt* interrupt) {
            return open_socket(copy, interrupt);
        };
    } else if (const auto* command = std::get_if<CommandAddress>(&address)) {
        route.open = [copy = *command](const io::Interrupt*) { return open_command(copy); };
    } else if (const auto* file = std::get_if<FileAddress>(&address)) {
        if (file->offset > uint64_t{std::numeric_limits<int64_t>::max()}) {
            return fail("offset {} in file '{}' is too large", file->offset, file->path);
        }
        route.open = [copy = *file, fd_sets](const io::Interrupt*) {
            return open_file(copy, fd_sets);
        };
    } else {
        const std::string& name = std::get<PassedFdAddress>(address).name;
        std::unique_ptr<io::Channel> channel =
            TRY(channel_over(TRY(take_passed_fd(name, fds)), route.name, Use::kWrite));
        route.way.one_way = !channel->two_way();
        route.way.seekable = channel->random_access() != nullptr;
        route.open = [channel = std::move(channel), name = route.name](
                         const io::Interrupt*) mutable -> Result<std::unique_ptr<io::Channel>> {
            if (channel == nullptr) return fail("{} is one channel, which is in use", name);
            return std::move(channel);
        };
    }
    return route;
}

Failure needs_seekable(const std::string& name) {
    return fail(
        "the capability 'mapped-ram' needs a file, and '{}' has no positions to go to: use file: "
        "or the descriptor of a file",
        name);
}

Result<void> check_capabilities(const Capabilities& capabilities, const WayTraits& way,
                                const std::string& name) {
    for (Capability capability :
         {Capability::kXColo, Capability::kReturnPath, Capability::kSwitchoverAck}) {
        if (way.one_way && capabilities.get(capability)) {
            return fail(
                "the capability '{}' needs answers from the other side, and '{}' gives "
                "none: use tcp:, unix: or a socket's descriptor",
                to_string(capability), name);
        }
    }
    if (capabilities.get(Capability::kZeroCopySend) && !way.tcp) {
        return fail("the capability 'zero-copy-send' needs TCP, and '{}' is another way", name);
    }
    const bool mapped = capabilities.get(Capability::kMappedRam);
    if (mapped && !way.seekable) return needs_seekable(name);
    // With mapped-ram they are threads that write to one file.
    if (!way.many_channels && !mapped && capabilities.get(Capability::kMultifd)) {
        return fail("the capability 'multifd' needs several channels, and '{}' is one", name);
    }
    return {};
}

}  // namespace qc::migration
