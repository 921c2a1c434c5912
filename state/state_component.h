// SPDX-License-Identifier: GPL-2.0-or-later
//
// How a part of the machine saves and loads its state. Loading has two steps:
// stage_state() parses and validates everything and touches nothing; commit()
// then makes it the component's state. COLO stages a whole machine before it
// commits any of it, on components that have been running, again and again,
// without a reset in between. So commit() sets *all* state of the component:
// nothing of what was there before may shine through.
//
// Threading: machine lock, VM stopped, for all three.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "util/result.h"

namespace qc::state {

struct StateId {
    std::string name;       // at most 255 bytes, unique together with `instance`
    uint32_t instance = 0;  // which one of several equal devices
    uint32_t version = 1;   // what save_state() writes
    // The oldest version that stage_state() understands.
    uint32_t oldest_version = 1;
};

class StagedState {
 public:
    virtual ~StagedState() = default;
    // Fails only if the host refuses (an ioctl on a KVM vCPU); the machine is then
    // unfit to run.
    virtual Result<void> commit() = 0;
};

class StateComponent {
 public:
    virtual ~StateComponent() = default;
    virtual StateId state_id() const = 0;
    virtual Result<std::vector<std::byte>> save_state() = 0;
    virtual Result<std::unique_ptr<StagedState>> stage_state(uint32_t version,
                                                             std::span<const std::byte> data) = 0;
    // The fields as a JSON array of {"name","type","size"}, for VMDESCRIPTION.
    virtual std::string describe_state() const = 0;
    // The present state as text, "name: value" lines, for people who debug.
    virtual Result<std::string> print_state() = 0;
};

}  // namespace qc::state
