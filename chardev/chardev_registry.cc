// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/chardev_registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "chardev/pty_chardev.h"

namespace qc::chardev {

namespace {

// The descriptor that a socket is made of, if it is made of one.
UniqueFd descriptor_of(const ChardevConfig& config) {
    const auto* const socket = std::get_if<SocketConfig>(&config.backend);
    const bool named = socket != nullptr && socket->address.is_fd();
    return UniqueFd(named ? socket->address.fd().fd : -1);
}

}  // namespace

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

EventLoop& ChardevRegistry::loop_of(const Chardev& chardev) const {
    MutexLock lock(mutex_);
    return *chardevs_.at(chardev.id()).loop;
}

// A multiplexer lives where its base does.
EventLoop& ChardevRegistry::loop_for(const ChardevConfig& config) const {
    if (const auto* mux = std::get_if<MuxConfig>(&config.backend)) {
        const Chardev* const base = find(mux->base);
        return base == nullptr ? deps_.loop : loop_of(*base);
    }
    if (placed_loop_ != nullptr && placed_ids_.contains(config.id)) return *placed_loop_;
    return deps_.loop;
}

Result<std::unique_ptr<Chardev>> ChardevRegistry::make(const ChardevConfig& config, Startup startup,
                                                       EventLoop& loop) {
    const auto is_stdio = [](const Chardev* one) { return one->backend() == "stdio"; };
    if (std::holds_alternative<StdioConfig>(config.backend) && deps_.background) {
        return fail("cannot use stdio with -daemonize");
    }
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

Chardev* ChardevRegistry::insert(Entry entry) {
    Chardev* const raw = entry.chardev.get();
    MutexLock lock(mutex_);
    chardevs_[raw->id()] = std::move(entry);
    return raw;
}

ChardevRegistry::Entry ChardevRegistry::extract(std::string_view id) {
    MutexLock lock(mutex_);
    const auto found = chardevs_.find(id);
    Entry entry = std::move(found->second);
    chardevs_.erase(found);
    return entry;
}

Result<void> ChardevRegistry::check_new_id(std::string_view id) const {
    if (find(id) != nullptr) return fail("Chardev with id '{}' already exists", id);
    return {};
}

Result<Chardev*> ChardevRegistry::add(const ChardevConfig& config, Startup startup) {
    UniqueFd fd = descriptor_of(config);
    TRY(check_new_id(config.id));
    fd.release();
    if (config.mux) return add_multiplexed(config, startup);
    EventLoop& loop = loop_for(config);
    Chardev* const chardev = insert(
        {.chardev = TRY(make(config, startup, loop)), .loop = &loop, .implicit_base = false});
    if (startup == Startup::kMayWait && chardev->backend() == "pty") {
        // Programs that started this one look for it there.
        fmt::print("char device redirected to {} (label {})\n",
                   static_cast<const PtyChardev*>(chardev)->path(), config.id);
        std::fflush(stdout);
    }
    return chardev;
}

Result<Chardev*> ChardevRegistry::add_multiplexed(const ChardevConfig& config, Startup startup) {
    ChardevConfig base = config;
    base.id += "-base";
    base.mux = false;
    TRY(add(base, startup));
    Result<Chardev*> mux =
        add({.id = config.id, .backend = MuxConfig{base.id}}, Startup::kMayNotWait);
    if (!mux) {
        TRY(remove(base.id));
        return mux;
    }
    MutexLock lock(mutex_);
    chardevs_.at(base.id).implicit_base = true;
    return mux;
}

Result<Chardev*> ChardevRegistry::change(const ChardevConfig& config) {
    UniqueFd fd = descriptor_of(config);
    Chardev* const old = find(config.id);
    if (old == nullptr) return fail("Chardev '{}' does not exist", config.id);
    if (old->backend() == "mux" || config.mux ||
        std::holds_alternative<MuxConfig>(config.backend)) {
        return fail("Mux device hotswap not supported yet");
    }
    EventLoop& loop = loop_of(*old);
    fd.release();
    // Until here and in the next two lines nothing has changed if it fails.
    std::unique_ptr<Chardev> fresh = TRY(make(config, Startup::kMayNotWait, loop));
    TRY(old->hand_over(*fresh));
    const Entry gone = extract(config.id);
    return insert(
        {.chardev = std::move(fresh), .loop = &loop, .implicit_base = gone.implicit_base});
}

Result<void> ChardevRegistry::remove(std::string_view id) {
    Chardev* const chardev = find(id);
    if (chardev == nullptr) return fail("Chardev '{}' not found", id);
    if (chardev->claimed()) return fail("Chardev '{}' is busy", id);
    std::string base;
    if (chardev->backend() == "mux") base = static_cast<MuxChardev*>(chardev)->base_id();
    extract(std::string(id));
    if (base.empty()) return {};
    {
        MutexLock lock(mutex_);
        if (!chardevs_.at(base).implicit_base) return {};
    }
    return remove(base);
}

Result<ChardevClaim> ChardevRegistry::claim(std::string_view id) {
    Chardev* const chardev = find(id);
    if (chardev == nullptr) return fail("Chardev '{}' not found", id);
    return ChardevClaim::claim(*chardev);
}

Chardev* ChardevRegistry::find(std::string_view id) const {
    MutexLock lock(mutex_);
    const auto found = chardevs_.find(id);
    return found == chardevs_.end() ? nullptr : found->second.chardev.get();
}

std::vector<const Chardev*> ChardevRegistry::list() const {
    MutexLock lock(mutex_);
    std::vector<const Chardev*> all;
    for (const auto& [id, entry] : chardevs_)
        all.push_back(entry.chardev.get());
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

bool ChardevRegistry::can_yank(std::string_view id) const {
    MutexLock lock(mutex_);
    const auto found = chardevs_.find(id);
    return found != chardevs_.end() && found->second.chardev->can_yank();
}

bool ChardevRegistry::yank(std::string_view id) {
    MutexLock lock(mutex_);
    const auto found = chardevs_.find(id);
    if (found == chardevs_.end() || !found->second.chardev->can_yank()) return false;
    found->second.chardev->yank();
    return true;
}

std::vector<std::string> ChardevRegistry::yankable() const {
    MutexLock lock(mutex_);
    std::vector<std::string> ids;
    for (const auto& [id, entry] : chardevs_) {
        if (entry.chardev->can_yank()) ids.push_back(id);
    }
    return ids;
}

}  // namespace qc::chardev
