// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a QMP command's handler may use: the subsystems of the machine, named
// only, so that a handler in one room needs no header of another. All outlive
// every command.
//
// Threading: a plain bundle of references; each subsystem says itself who may
// call what. In-band commands run on the main loop without the machine lock.
#pragma once

namespace qc {
class EventLoop;
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
namespace qc::qapi {
class CommandTable;
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

struct MonitorContext {
    EventLoop& loop;
    MachineLock& machine_lock;
    const qapi::CommandTable& commands;
    const qom::TypeRegistry& types;
    qom::ObjectTree& objects;
    chardev::ChardevRegistry& chardevs;
    block::DriveTable& drives;
    runstate::VmControl& vm;
    runstate::SystemRequests& requests;
    migration::Migration& migration;
    // For the handlers in system/, about the machine as a whole.
    system::Machine& machine;
};

}  // namespace qc::monitor
