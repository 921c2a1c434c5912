// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a QMP command's handler may use: the subsystems of the machine, named
// only, so that a handler in one room needs no header of another. All outlive
// every command. A program without a machine (a unit test) leaves them nullptr.
//
// Threading: a plain bundle, made for one command; each subsystem says itself who
// may call what. In-band commands run on the main loop's thread without the machine
// lock; those with allow-oob also on the monitor's thread, at any moment.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

namespace qc {
class FdSets;
class MachineLock;
}  // namespace qc
namespace qc::block {
class DriveTable;
}
namespace qc::chardev {
class ChardevRegistry;
}
namespace qc::migration {
class Migration;
}
namespace qc::qom {
class ObjectTree;
class TypeRegistry;
}  // namespace qc::qom
namespace qc::runstate {
class SystemRequests;
class VmControl;
}  // namespace qc::runstate
namespace qc::system {
class Machine;
}

namespace qc::monitor {

class ContextFds;
class Monitor;
class QmpSession;

struct MonitorServices {
    MachineLock* machine_lock = nullptr;
    const qom::TypeRegistry* types = nullptr;
    qom::ObjectTree* objects = nullptr;
    chardev::ChardevRegistry* chardevs = nullptr;
    FdSets* fd_sets = nullptr;
    block::DriveTable* drives = nullptr;
    runstate::VmControl* vm = nullptr;
    runstate::SystemRequests* requests = nullptr;
    migration::Migration* migration = nullptr;
    // For the handlers in system/, about the machine as a whole.
    system::Machine* machine = nullptr;
};

// What commands of the human monitor remember from one to the next.
struct HumanState {
    // Whose registers and virtual addresses are meant: `cpu`.
    uint32_t cpu = 0;
    // The lines that were typed, oldest first; null: nobody typed.
    const std::deque<std::string>* history = nullptr;
};

struct MonitorContext : MonitorServices {
    Monitor& monitor;
    // Whose command it is; null: a person's.
    QmpSession* session;
    // What this client passed by SCM_RIGHTS.
    ContextFds& fds;
    // Of commands of the human monitor, never null there.
    HumanState* human = nullptr;
};

}  // namespace qc::monitor
