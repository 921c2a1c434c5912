// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the migration needs of the machine. All of it outlives the migration.
#pragma once

#include <optional>
#include <string>

#include "crypto/tls_objects.h"
#include "memory/dirty_log.h"
#include "memory/ram_list.h"
#include "migration/event_listener.h"
#include "runstate/output_gate.h"
#include "runstate/system_requests.h"
#include "runstate/vm_control.h"
#include "state/registry.h"
#include "util/fd_sets.h"
#include "util/machine_lock.h"
#include "util/uuid.h"

namespace qc::migration {

// How many processors a machine has, and how they are arranged.
struct Processors {
    uint32_t present = 1;
    uint32_t sockets = 1;
    uint32_t cores = 1;    // of a socket
    uint32_t threads = 1;  // of a core

    bool operator==(const Processors&) const = default;
};

struct MigrationDeps {
    // The machine's identity: both sides must have the same.
    std::string machine_type;  // the versioned name, "pc-i440fx-9.0"
    std::optional<Uuid> uuid;  // compared with the capability validate-uuid
    Processors processors;
    memory::RamList& ram;

    state::Registry& registry;
    runstate::VmControl& vm;
    memory::DirtyLog& dirty_log;
    MachineLock& machine_lock;
    EventListener& events;

    // False after -S: an incoming machine that was running is left paused.
    bool autostart = true;

    // The guest's wishes to reset or shut down, which COLO holds back until both
    // sides are in step.
    runstate::SystemRequests& requests;

    // Closed while the guest runs ahead of a checkpoint that the peer does not have.
    runstate::OutputGate& output_gate;

    // Where `tls-creds` and `tls-authz` are looked up; may be null: nowhere.
    const crypto::TlsObjects* tls = nullptr;

    // Where files /dev/fdset/N are looked up; may be null: nowhere.
    FdSets* fd_sets = nullptr;
};

}  // namespace qc::migration
