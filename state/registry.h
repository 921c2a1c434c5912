// SPDX-License-Identifier: GPL-2.0-or-later
//
// The components of one machine whose state migrates, in the order in which they
// are saved and committed (order of adding: what others depend on comes first).
//
// Threading: machine lock. Owned by system::Machine.
#pragma once

#include <string_view>
#include <vector>

#include "state/state_component.h"

namespace qc::state {

class Registry {
 public:
    // `component` outlives the registry or is removed. (name, instance) is unique.
    void add(StateComponent& component);
    void remove(StateComponent& component);

    StateComponent* find(std::string_view name, uint32_t instance) const;
    const std::vector<StateComponent*>& components() const { return components_; }

 private:
    std::vector<StateComponent*> components_;
};

}  // namespace qc::state
