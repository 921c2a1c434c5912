// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/chardev_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "chardev/pty_chardev.h"

namespace qc::chardev {

ChardevRegistry::~ChardevRegistry() {
    // They hold claims on others.
    for (const Chardev* chardev : list()) {
        if (chardev->backend() == "mux") extract(std::string(chardev->id()));
    }
}

void ChardevRegistry::place(std::set<std::string, std::less<>> ids, EventLoop& loop) {
    placed_ids_ = std::move(ids);
    placed_loop_ = &loop;
}

bool ChardevRegistry::is_placed(const Chardev& chardev) const {
    const auto found = loops_.find(&chardev);
    return found != loops_.end() && found->second == placed_loop_;
}

// A multiplexer lives where its base does.
EventLoop& ChardevRegistry::loop_for(const ChardevConfig& config) {
    if (const auto* mux = std::get_if<MuxConfig>(&config.backend)) {
        const auto found = loops_.find(find(mux->base));
        if (found != loops_.end()) return *found->second;
    }
    if (placed_loop_ != nullptr && placed_ids_.contains(config.id)) return *placed_loop_;
    return deps_.loop;
}

Result<std::unique_ptr<Chardev>> ChardevRegistry::make(const ChardevConfig& config, Startup startup,
                                                       EventLoop& loop) {
    const auto is_stdio = [](const Chardev* one) { return one->backend() == "stdio"; };
    if (std::holds_alternative<StdioConfig>(config.backend) &&
        std::ranges::any_of(list(), is_stdio)) {
        return fail("cannot use stdio by multiple character devices");
    }
    Chardev* base = nullptr;
    if (const auto* mux = std::get_if<MuxConfig>(&config.backend)) base = find(mux->base);
    const ChardevDeps deps{.loop = loop,
                           .interrupt = deps_.interrupt,
                           .tls = deps_.tls,
                           .mux_requests = deps_.mux_requests,
                           .fd_sets = deps_.fd_sets};
    return create_chardev(config, startup, deps, base);
}

Chardev* ChardevRegistry::insert(std::unique_ptr<Chardev> chardev) {
    Chardev* const raw = chardev.get();
    MutexLock lock(mutex_);
    chardevs_[raw->id()] = std::move(chardev);
    return raw;
}

std::unique_ptr<Chardev> ChardevRegistry::extract(std::string_view id) {
    MutexLock lock(mutex_);
    const auto found = chardevs_.find(id);
    std::unique_ptr<Chardev> chardev = std::move(found->second);
    chardevs_.erase(found);
    loops_.erase(chardev.get());
    return chardev;
}

Result<Chardev*> ChardevRegistry::add(const ChardevConfig& config, Startup startup) {
    if (find(config.id) != nullptr) return fail("Chardev with id '{}' already exists", config.id);
    if (config.mux) return add_multiplexed(config, startup);
    EventLoop& loop = loop_for(config);
    Chardev* const chardev = insert(TRY(make(config, startup, loop)));
    loops_[chardev] = &loop;
    if (startup == Startup::kMayWait && chardev->backend() == "pty") {
        // Programs that started this one look for it there.
        fmt::print("char device redirected to {} (label {})\n",
                   static_cast<const PtyChardev*>(chardev)->path(), config.id);
        std::fflush(stdout);
    }
    return chardev;
}

Result<Chardev*> ChardevRegistry::add_multiplexed(const ChardevConfig& config, Startup startup) {
    ChardevConfig base{.id = config.id + "-base", .backend = config.backend};
    // Where the multiplexer was to be.
    if (placed_ids_.contains(config.id)) placed_ids_.insert(base.id);
    TRY(add(base, startup));
    implicit_bases_.insert(base.id);
    Result<Chardev*> mux =
        add({.id = config.id, .backend = MuxConfig{base.id}}, Startup::kMayNotWait);
    if (!mux) TRY(remove(base.id));
    return mux;
}

Result<Chardev*> ChardevRegistry::change(const ChardevConfig& config) {
    Chardev* const old = find(config.id);
    if (old == nullptr) return fail("Chardev '{}' does not exist", config.id);
    if (old->backend() == "mux" || std::holds_alternative<MuxConfig>(config.backend)) {
        return fail("Mux device hotswap not supported yet");
    }
    EventLoop& loop = *loops_.at(old);
    // Until here and in the next two lines nothing has changed if it fails.
    std::unique_ptr<Chardev> fresh = TRY(make(config, Startup::kMayNotWait, loop));
    TRY(old->hand_over(*fresh));
    const std::unique_ptr<Chardev> gone = extract(config.id);
    Chardev* const chardev = insert(std::move(fresh));
    loops_[chardev] = &loop;
    return chardev;
}

Result<void> ChardevRegistry::remove(std::string_view id) {
    Chardev* const chardev = find(id);
    if (chardev == nullptr) return fail("Chardev '{}' not found", id);
    if (chardev->claimed()) return fail("Chardev '{}' is busy", id);
    std::string base;
    if (chardev->backend() == "mux") base = static_cast<MuxChardev*>(chardev)->base_id();
    extract(std::string(id));
    const auto implicit = implicit_bases_.find(base);
    if (implicit != implicit_bases_.end()) {
        implicit_bases_.erase(implicit);
        return remove(base);
    }
    return {};
}

Result<ChardevClaim> ChardevRegistry::claim(std::string_view id) {
    Chardev* const chardev = find(id);
    if (chardev == nullptr) return fail("Chardev '{}' not found", id);
    return ChardevClaim::claim(*chardev);
}

Chardev* ChardevRegistry::find(std::string_view id) {
    MutexLock lock(mutex_);
    const auto found = chardevs_.find(id);
    return found == chardevs_.end() ? nullptr : found->second.get();
}

std::vector<const Chardev*> ChardevRegistry::list() const {
    MutexLock lock(mutex_);
    std::vector<const Chardev*> all;
    for (const auto& [id, chardev] : chardevs_)
        all.push_back(chardev.get());
    return all;
}

Result<Chardev*> ChardevRegistry::find_legacy(std::string_view new_id, std::string_view text,
                                              Startup startup) {
    constexpr std::string_view kPrefix = "chardev:";
    if (text.starts_with(kPrefix)) {
        const std::string_view id = text.substr(kPrefix.size());
        Chardev* const chardev = find(id);
        if (chardev == nullptr) return fail("chardev \"{}\" not found", id);
        return chardev;
    }
    const std::optional<ChardevConfig> config =
        TRY(parse_legacy_chardev(std::string(new_id), text));
    if (!config) return nullptr;
    return add(*config, startup);
}

Result<ChardevClaim> ChardevRegistry::claim_legacy(std::string_view new_id, std::string_view text,
                                                   Startup startup) {
    Chardev* const chardev = TRY(find_legacy(new_id, text, startup));
    if (chardev == nullptr) return ChardevClaim();
    return ChardevClaim::claim(*chardev);
}

bool ChardevRegistry::can_yank(std::string_view id) const {
    MutexLock lock(mutex_);
    const auto found = chardevs_.find(id);
    return found != chardevs_.end() && found->second->can_yank();
}

bool ChardevRegistry::yank(std::string_view id) {
    MutexLock lock(mutex_);
    const auto found = chardevs_.find(id);
    if (found == chardevs_.end() || !found->second->can_yank()) return false;
    found->second->yank();
    return true;
}

std::vector<std::string> ChardevRegistry::yankable() const {
    MutexLock lock(mutex_);
    std::vector<std::string> ids;
    for (const auto& [id, chardev] : chardevs_) {
        if (chardev->can_yank()) ids.push_back(id);
    }
    return ids;
}

}  // namespace qc::chardev
