// SPDX-License-Identifier: GPL-2.0-or-later
//
// Opens addresses for a migration's source. What can be wrong with an address
// before anybody waits for a peer is found by route_to(); the rest happens in the
// migration's thread.
//
// Threading: route_to() on the main loop, a route's open() in the migration's
// thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "io/channel.h"
#include "migration/address.h"
#include "migration/capabilities.h"
#include "util/fd_sets.h"
#include "util/unique_fd.h"

namespace qc::monitor {
class ContextFds;
}

namespace qc::migration {

// Opens one more channel to the same place, as often as it is called; a place that
// has one only fails the second time. `interrupt` (may be null) breaks it off.
using Opener =
    std::move_only_function<Result<std::unique_ptr<io::Channel>>(const io::Interrupt* interrupt)>;

// What a way to or from a peer can do.
struct WayTraits {
    bool one_way = false;
    bool many_channels = false;
    bool seekable = false;
    bool tcp = false;
};
// As far as it follows from the address.
WayTraits way_of(const Address& address);

struct Route {
    Opener open;
    WayTraits way;
    std::string name;  // for messages: the address
};

// Takes a descriptor that the address names out of `fds` (may be null). `fd_sets` (may be
// null) is where a file /dev/fdset/N is looked up.
Result<Route> route_to(const Address& address, monitor::ContextFds* fds, FdSets* fd_sets = nullptr);

// Refuses by name what it cannot.
Result<void> check_capabilities(const Capabilities& capabilities, const WayTraits& way,
                                const std::string& name);
// What mapped-ram says of a place without positions.
Failure needs_seekable(const std::string& name);

enum class Use : uint8_t { kRead, kWrite };

// `name` is a name in `fds` or a number of this process. The descriptor is the
// caller's from then on.
Result<UniqueFd> take_passed_fd(const std::string& name, monitor::ContextFds* fds);
// A channel over a socket, a pipe or a file; only a socket has two ways.
Result<std::unique_ptr<io::Channel>> channel_over(UniqueFd fd, const std::string& name, Use use);

}  // namespace qc::migration
