// SPDX-License-Identifier: GPL-2.0-or-later
//
// What belongs to no device and migrates: the run state that the source was in.
//
// Threading: as state::StateComponent. Owned by DeviceStates.
#pragma once

#include "runstate/run_state.h"
#include "state/state_component.h"

namespace qc::migration {

// "globalstate": the run state by its QMP name.
class GlobalState final : public state::StateComponent {
 public:
    void set_run_state(runstate::RunState state) { run_state_ = state; }
    runstate::RunState run_state() const { return run_state_; }

    state::StateId state_id() const override;
    Result<std::vector<std::byte>> save_state() override;
    Result<std::unique_ptr<state::StagedState>> stage_state(
        uint32_t version, std::span<const std::byte> data) override;
    std::string describe_state() const override;
    Result<std::string> print_state() override;

 private:
    class Staged;
    runstate::RunState run_state_ = runstate::RunState::kPrelaunch;
};

}  // namespace qc::migration
