// SPDX-License-Identifier: GPL-2.0-or-later
#include "state/registry.h"

#include "util/assert.h"

namespace qc::state {

void Registry::add(StateComponent& component) {
    StateId id = component.state_id();
    QC_ASSERT(!id.name.empty() && id.name.size() <= 255);
    QC_ASSERT(find(id.name, id.instance) == nullptr);
    components_.push_back(&component);
}

void Registry::remove(StateComponent& component) {
    std::erase(components_, &component);
}

StateComponent* Registry::find(std::string_view name, uint32_t instance) const {
    for (StateComponent* component : components_) {
        StateId id = component->state_id();
        if (id.name == name && id.instance == instance) return component;
    }
    return nullptr;
}

}  // namespace qc::state
