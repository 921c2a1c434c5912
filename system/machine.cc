// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/machine.h"

#include "system/chardev_nodes.h"
#include "system/device_nodes.h"
#include "system/linux/signal_watch.h"
#include "system/objects/tls_lookup.h"
#include "system/qtest_service.h"
#include "system/run_listeners.h"
#include "system/user_objects.h"
#include "util/log.h"

namespace qc::system {

Machine::Machine(Options options, EventLoop& loop)
    : options_(std::move(options)),
      loop_(loop),
      requests_({.reset_is_shutdown = options_.no_reboot},
                [this] { loop_.post([this] { serve_requests(); }); }),
      guest_reports_(loop, {.panicked = [this] { guest_panicked(); },
                            .crash_loaded = [this] { guest_crash_loaded(); },
                            .watchdog = [this] { watchdog_expired(); }}) {}

Machine::~Machine() {
    shut_down();
}

Result<std::unique_ptr<Machine>> Machine::create(Options options, EventLoop& loop) {
    auto machine = std::unique_ptr<Machine>(new Machine(std::move(options), loop));
    TRY(machine->create_back_ends());
    TRY(machine->create_accelerator());
    TRY(machine->create_vcpus());
    TRY(machine->create_board());
    TRY(machine->check_globals());
    TRY(machine->create_migration());
    TRY(machine->create_monitors());
    // Until here a signal ends the process, which may be waiting for the client of a
    // character device; from here on it is an orderly shutdown. Threads inherit the
    // mask, and the first of them start now.
    block_termination_signals();
    for (const auto& vcpu : machine->vcpus_)
        TRY(machine->vm_->add_vcpu(*vcpu));
    machine->chardev_nodes_ = std::make_unique<ChardevNodes>(
        *machine->chardevs_, machine->nodes_->types(), machine->object_tree());
    TRY(machine->create_qtest());
    TRY(machine->user_objects_->make(machine->options_.objects, ObjectStage::kMachine));
    return machine;
}

void Machine::start_kernel() {
    if (board_ == nullptr) return;
    board_->start_kernel();
    for (unsigned index = 0; index < vcpus_.size(); ++index) {
        if (auto start = board_->processor_start(index)) vcpus_[index]->start_from(*start);
    }
}

Result<void> Machine::launch() {
    qmp_->monitor().set_preconfig(options_.preconfig);
    qmp_->start();
    return options_.preconfig ? Result<void>() : start_guest();
}

Result<void> Machine::exit_preconfig() {
    if (!qmp_->monitor().preconfig()) {
        return fail("The command is permitted only before machine initialization");
    }
    qmp_->monitor().set_preconfig(false);
    return start_guest();
}

Result<void> Machine::start_guest() {
    if (!options_.incoming) {
        return options_.start_paused ? Result<void>() : vm_->start();
    }
    TRY(vm_->set_state(runstate::RunState::kInmigrate));
    if (options_.incoming->value == "defer") return {};
    auto address = TRY(
        migration::parse_uri(options_.incoming->value).context("{}", options_.incoming->origin));
    return migration_->migrate_incoming(address).context("{}", options_.incoming->origin);
}

hw::Device* Machine::find_device(const qom::Object& node) const {
    return nodes_->device_of(node);
}

std::string Machine::device_id(const hw::Device& device) const {
    return board_ ? std::string(board_->device_id(device)) : std::string();
}

hw::PciBus* Machine::pci_bus() {
    return board_ ? &board_->pci_bus() : nullptr;
}

void Machine::chardevs_changed() {
    MachineLockGuard guard(core_->lock);
    chardev_nodes_->update();
}

qom::ObjectTree& Machine::object_tree() {
    return nodes_->tree();
}

Result<void> Machine::stop() {
    // Before the incoming machine has arrived, this decides what becomes of it.
    return vm_->user_stop();
}

Result<void> Machine::resume() {
    if (vm_->state() == runstate::RunState::kShutdown ||
        vm_->state() == runstate::RunState::kInternalError) {
        return fail("Resetting the Virtual Machine is required");
    }
    return vm_->user_start();
}

void Machine::shut_down() {
    requests_.set_policy(nullptr);
    if (migration_) migration_->shut_down();
    if (vm_) vm_->shut_down();
    if (user_objects_) user_objects_->machine_ends();
    if (qtest_) qtest_->close();
    if (qmp_) qmp_->stop();
    if (drives_) drives_->drain();
}

void Machine::end(int exit_status) {
    if (ended_) return;
    ended_ = true;
    exit_status_ = exit_status;
    loop_.quit();
}

void Machine::incoming_failed(const std::string& message) {
    loop_.post([this, message] {
        error_report("{}", message);
        end(1);
    });
}

}  // namespace qc::system
