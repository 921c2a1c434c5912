// SPDX-License-Identifier: GPL-2.0-or-later
//
// The state of all components of a machine at once: saved in order, or staged
// one by one and committed together. The machine's own devices come from the
// registry; after them stands a component of the migration itself, the source's
// run state ("globalstate").
//
// Threading: the migration's thread, VM stopped; the functions take the machine
// lock themselves.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "migration/global_state.h"
#include "migration/migration_deps.h"
#include "state/state_component.h"

namespace qc::migration {

struct SavedComponent {
    std::string name;
    uint32_t instance = 0;
    uint32_t version = 0;
    std::vector<std::byte> data;
};

// "i8259:1"; for messages.
std::string component_label(std::string_view name, uint32_t instance);

class DeviceStates {
 public:
    explicit DeviceStates(MigrationDeps& deps) : deps_(deps) {}

    // `run_state` is what "globalstate" says: where the VM was before it was stopped.
    Result<std::vector<SavedComponent>> save(runstate::RunState run_state);
    // VMDESCRIPTION, for components in the state in which save() returned them.
    std::string describe(std::span<const SavedComponent> saved, std::string_view configuration);

    // Parses and validates one component's state and keeps it.
    Result<void> stage(std::string_view name, uint32_t instance, uint32_t version,
                       std::span<const std::byte> data);
    // Every component was staged; else the error names one that was not.
    Result<void> check_complete();
    // All of it, in order. An error means that the machine must not run.
    Result<void> commit();
    void drop_staged() { staged_.clear(); }

    // Of the state that was committed last.
    runstate::RunState run_state() const { return global_.run_state(); }

 private:
    std::vector<state::StateComponent*> components() REQUIRES(deps_.machine_lock);
    struct Staged {
        state::StateComponent* component;
        std::string label;
        std::unique_ptr<state::StagedState> state;
    };

    MigrationDeps& deps_;
    GlobalState global_;
    std::vector<Staged> staged_;
};

}  // namespace qc::migration
