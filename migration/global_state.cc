// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/global_state.h"

#include <array>

#include "util/bytes.h"

namespace qc::migration {

namespace {

using runstate::RunState;

// What a source can be in when it sends its state.
constexpr std::array kSendableStates = {
    RunState::kPrelaunch, RunState::kRunning,       RunState::kPaused,
    RunState::kSuspended, RunState::kShutdown,      RunState::kWatchdog,
    RunState::kIoError,   RunState::kGuestPanicked, RunState::kInternalError,
};

}  // namespace

class GlobalState::Staged final : public state::StagedState {
 public:
    Staged(GlobalState& owner, RunState run_state) : owner_(owner), run_state_(run_state) {}
    Result<void> commit() override {
        owner_.run_state_ = run_state_;
        return {};
    }

 private:
    GlobalState& owner_;
    RunState run_state_;
};

state::StateId GlobalState::state_id() const {
    return {.name = "globalstate"};
}

Result<std::vector<std::byte>> GlobalState::save_state() {
    ByteWriter out;
    out.counted_string(to_string(run_state_));
    return out.take();
}

Result<std::unique_ptr<state::StagedState>> GlobalState::stage_state(
    uint32_t version, std::span<const std::byte> data) {
    if (version != 1) return fail("state version {} is not supported, 1 is", version);
    ByteReader in(data);
    std::string name = TRY(in.counted_string("run_state"));
    TRY(in.expect_end("global state"));
    for (RunState run_state : kSendableStates) {
        if (to_string(run_state) == name) return std::make_unique<Staged>(*this, run_state);
    }
    return fail("the source's run state is '{}'", name);
}

std::string GlobalState::describe_state() const {
    return R"([{"name":"run_state","type":"buffer","size":1}])";
}

Result<std::string> GlobalState::print_state() {
    return fmt::format("run_state: {}\n", to_string(run_state_));
}

}  // namespace qc::migration
