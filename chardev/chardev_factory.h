// SPDX-License-Identifier: GPL-2.0-or-later
//
// Makes a back end of what chardev_config.h has parsed.
//
// Threading: main loop.
#pragma once

#include <memory>

#include "chardev/chardev.h"
#include "chardev/chardev_config.h"
#include "chardev/mux_chardev.h"
#include "crypto/tls_objects.h"
#include "io/wait.h"
#include "util/event/event_loop.h"
#include "util/fd_sets.h"
#include "util/result.h"

namespace qc::chardev {

struct ChardevDeps {
    EventLoop& loop;
    // Breaks off waiting at start-up; trigger() is safe in a signal handler. May
    // be null.
    const io::Interrupt* interrupt = nullptr;
    // Where credentials are found by name. May be null.
    const crypto::TlsObjects* tls = nullptr;
    MuxRequests mux_requests = {};
    // Where paths /dev/fdset/N are looked up. May be null.
    FdSets* fd_sets = nullptr;
    // Standard input and output will not be the caller's (-daemonize).
    bool background = false;
};

// `base` is what a multiplexer stands on, null for all others.
Result<std::unique_ptr<Chardev>> create_chardev(const ChardevConfig& config, Startup startup,
                                                const ChardevDeps& deps, Chardev* base);

}  // namespace qc::chardev
