// SPDX-License-Identifier: GPL-2.0-or-later
//
// Guest time under an accelerator in which it does not pass: the virtual clock moves when
// a test says so. While the VM is stopped the clock moves too, but no timer runs.
//
// Threading: machine lock, but for what RunListener says. Owned by system::QtestService.
#pragma once

#include "qtest/target.h"
#include "runstate/vm_control.h"
#include "system/machine_core.h"

namespace qc::system {

class SteppedTime final : public qtest_server::GuestTime, public runstate::RunListener {
 public:
    explicit SteppedTime(MachineCore& core) : core_(core) {}

    int64_t now_ns() const override { return core_.virtual_clock.now_ns(); }
    std::optional<int64_t> next_deadline_ns() const override;
    bool advance(int64_t target_ns) override;

    void vm_starting() override;
    void vm_stopped() override;

 private:
    MachineCore& core_;
    bool runs_ = false;
};

}  // namespace qc::system
