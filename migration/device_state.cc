// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/device_state.h"

#include <algorithm>
#include <iterator>

#include "memory/phys_addr.h"

namespace qc::migration {

std::string component_label(std::string_view name, uint32_t instance) {
    return fmt::format("{}:{}", name, instance);
}

std::vector<state::StateComponent*> DeviceStates::components() {
    std::vector<state::StateComponent*> all = deps_.registry.components();
    all.push_back(&global_);
    return all;
}

Result<std::vector<SavedComponent>> DeviceStates::save(runstate::RunState run_state) {
    MachineLockGuard lock(deps_.machine_lock);
    global_.set_run_state(run_state);
    std::vector<SavedComponent> saved;
    for (state::StateComponent* component : components()) {
        state::StateId id = component->state_id();
        std::vector<std::byte> data = TRY(component->save_state().context(
            "saving the state of '{}'", component_label(id.name, id.instance)));
        saved.push_back({std::move(id.name), id.instance, id.version, std::move(data)});
    }
    return saved;
}

std::string DeviceStates::describe(std::span<const SavedComponent> saved,
                                   std::string_view configuration) {
    MachineLockGuard lock(deps_.machine_lock);
    std::vector<state::StateComponent*> all = components();
    std::string devices;
    for (size_t i = 0; i < saved.size() && i < all.size(); ++i) {
        const SavedComponent& entry = saved[i];
        // Component names are our own: nothing in them needs escaping.
        fmt::format_to(std::back_inserter(devices),
                       R"({}{{"name":"{}","instance_id":{},"vmsd_name":"{}","version":{},)"
                       R"("fields":[{{"name":"length","type":"uint32","size":4}},)"
                       R"({{"name":"data","type":"buffer","size":{}}}],"state":{}}})",
                       i == 0 ? "" : ",", entry.name, entry.instance, entry.name, entry.version,
                       entry.data.size(), all[i]->describe_state());
    }
    return fmt::format(R"({{"configuration":{},"page_size":{},"devices":[{}]}})", configuration,
                       memory::kPageSize, devices);
}

Result<void> DeviceStates::stage(std::string_view name, uint32_t instance, uint32_t version,
                                 std::span<const std::byte> data) {
    MachineLockGuard lock(deps_.machine_lock);
    for (state::StateComponent* component : components()) {
        state::StateId id = component->state_id();
        if (id.name != name || id.instance != instance) continue;
        std::string label = component_label(name, instance);
        if (std::ranges::any_of(staged_,
                                [&](const Staged& s) { return s.component == component; })) {
            return fail("the state of '{}' comes twice", label);
        }
        auto staged = TRY(component->stage_state(version, data).context("state of '{}'", label));
        staged_.push_back({component, std::move(label), std::move(staged)});
        return {};
    }
    return fail("this machine has no '{}'", component_label(name, instance));
}

Result<void> DeviceStates::check_complete() {
    MachineLockGuard lock(deps_.machine_lock);
    for (state::StateComponent* component : components()) {
        if (std::ranges::any_of(staged_,
                                [&](const Staged& s) { return s.component == component; })) {
            continue;
        }
        state::StateId id = component->state_id();
        return fail("the state of '{}' is missing", component_label(id.name, id.instance));
    }
    return {};
}

Result<void> DeviceStates::commit() {
    MachineLockGuard lock(deps_.machine_lock);
    // In the registry's order, whatever the order of arrival was.
    for (state::StateComponent* component : components()) {
        auto it = std::ranges::find(staged_, component, &Staged::component);
        if (it == staged_.end()) continue;
        TRY(it->state->commit().context("loading the state of '{}'", it->label));
    }
    staged_.clear();
    return {};
}

}  // namespace qc::migration
