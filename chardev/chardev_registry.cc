// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/chardev_registry.h"

#include <algorithm>

namespace qc::chardev {

Result<void> ChardevRegistry::add(const ChardevConfig& config, Startup startup) {
    if (chardevs_.contains(config.id)) {
        return fail("Chardev with id '{}' already exists", config.id);
    }
    const auto is_stdio = [](const auto& entry) { return entry.second->backend() == "stdio"; };
    if (std::holds_alternative<StdioConfig>(config.backend) &&
        std::ranges::any_of(chardevs_, is_stdio)) {
        return fail("cannot use stdio by multiple character devices");
    }
    chardevs_[config.id] = TRY(create_chardev(config, startup, deps_));
    return {};
}

Result<void> ChardevRegistry::remove(std::string_view id) {
    const auto found = chardevs_.find(id);
    if (found == chardevs_.end()) return fail("Chardev '{}' not found", id);
    if (found->second->claimed()) return fail("Chardev '{}' is busy", id);
    chardevs_.erase(found);
    return {};
}

Result<ChardevClaim> ChardevRegistry::claim(std::string_view id) {
    Chardev* const chardev = find(id);
    if (chardev == nullptr) return fail("Chardev '{}' not found", id);
    return ChardevClaim::claim(*chardev);
}

Chardev* ChardevRegistry::find(std::string_view id) {
    const auto found = chardevs_.find(id);
    return found == chardevs_.end() ? nullptr : found->second.get();
}

std::vector<const Chardev*> ChardevRegistry::list() const {
    std::vector<const Chardev*> all;
    for (const auto& [id, chardev] : chardevs_)
        all.push_back(chardev.get());
    return all;
}

Result<ChardevClaim> ChardevRegistry::claim_legacy(std::string_view new_id, std::string_view text,
                                                   Startup startup) {
    constexpr std::string_view kPrefix = "chardev:";
    if (text.starts_with(kPrefix)) return claim(text.substr(kPrefix.size()));
    const std::optional<ChardevConfig> config =
        TRY(parse_legacy_chardev(std::string(new_id), text));
    if (!config) return ChardevClaim();
    TRY(add(*config, startup));
    return claim(new_id);
}

}  // namespace qc::chardev
