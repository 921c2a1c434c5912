// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/machine_core.h"

namespace qc::system {

Result<std::unique_ptr<MachineCore>> MachineCore::create(EventLoop& loop) {
    auto core = std::unique_ptr<MachineCore>(new MachineCore());
    core->virtual_driver_ = TRY(loop.drive_timers(core->virtual_timers, core->lock));
    core->virtual_driver_->set_enabled(false);
    core->host_driver_ = TRY(loop.drive_timers(core->host_timers, core->lock));
    core->registry.add(core->clock_component_);
    return core;
}

void MachineCore::clock_changed() {
    virtual_driver_->set_enabled(virtual_clock.running() || timers_run_);
    virtual_driver_->reschedule();
}

void MachineCore::let_timers_run(bool run) {
    timers_run_ = run;
    clock_changed();
}

hw::DeviceContext MachineCore::device_context() {
    return {.lock = lock,
            .virtual_timers = virtual_timers,
            .host_timers = host_timers,
            .memory = memory,
            .io = io,
            .io_root = io_root};
}

Result<void> MachineCore::validate(const ClockState& state) const {
    if (state.virtual_ns < 0) return fail("the virtual clock reads {} ns", state.virtual_ns);
    return {};
}

void MachineCore::restore(const ClockState& state) {
    virtual_clock.set_ns(state.virtual_ns);
    clock_changed();
}

}  // namespace qc::system
