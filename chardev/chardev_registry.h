// SPDX-License-Identifier: GPL-2.0-or-later
//
// The machine's chardevs by id. A user claims one; a claimed one is busy for
// others and cannot be removed.
//
// Threading: main loop, but for yank() and yankable(), which are thread-safe and
// never block. Owned by the machine; dies after all claims.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "chardev/chardev_factory.h"
#include "util/mutex.h"

namespace qc::chardev {

class ChardevRegistry {
 public:
    explicit ChardevRegistry(ChardevDeps deps) : deps_(std::move(deps)) {}
    ~ChardevRegistry();
    ChardevRegistry(const ChardevRegistry&) = delete;
    ChardevRegistry& operator=(const ChardevRegistry&) = delete;

    // Those that are added with these ids live on that loop: a monitor's, which runs
    // in a thread of its own. Not so multiplexers, whose other users may be devices: they
    // live on the main loop. The loop outlives the registry, or at least them.
    void place(std::set<std::string, std::less<>> ids, EventLoop& loop);

    // Where one of this registry lives.
    EventLoop& loop_of(const Chardev& chardev) const;

    // Refuses an id that exists, and a second stdio. What fails leaves nothing behind. A
    // descriptor that the configuration names is used up in any case.
    Result<Chardev*> add(const ChardevConfig& config, Startup startup);
    // Puts another back end under the user of this one; if that fails, nothing has
    // changed, but a descriptor is used up.
    Result<Chardev*> change(const ChardevConfig& config);
    // add()'s first condition.
    Result<void> check_new_id(std::string_view id) const;
    // "Chardev 'x' is busy" while it is claimed.
    Result<void> remove(std::string_view id);
    Result<ChardevClaim> claim(std::string_view id);
    // Null if there is none.
    Chardev* find(std::string_view id) const;
    // By id, for query-chardev.
    std::vector<const Chardev*> list() const;

    // What -serial, -qmp and -monitor take: a legacy string, which makes a chardev
    // with this id, or "chardev:ID". Null for "none".
    Result<Chardev*> find_legacy(std::string_view new_id, std::string_view text, Startup startup);

    // False if there is none of this id that could be yanked.
    bool yank(std::string_view id) EXCLUDES(mutex_);
    bool can_yank(std::string_view id) const EXCLUDES(mutex_);
    std::vector<std::string> yankable() const EXCLUDES(mutex_);

 private:
    struct Entry {
        std::unique_ptr<Chardev> chardev;
        EventLoop* loop;
        // It was made for a multiplexer, and goes with it.
        bool implicit_base;
    };

    Result<std::unique_ptr<Chardev>> make(const ChardevConfig& config, Startup startup,
                                          EventLoop& loop);
    Result<Chardev*> add_multiplexed(const ChardevConfig& config, Startup startup);
    Chardev* insert(Entry entry) EXCLUDES(mutex_);
    Entry extract(std::string_view id) EXCLUDES(mutex_);
    EventLoop& loop_for(const ChardevConfig& config) const;

    ChardevDeps deps_;
    std::set<std::string, std::less<>> placed_ids_;
    EventLoop* placed_loop_ = nullptr;
    // The main loop changes it under the mutex, and so may read it without.
    mutable Mutex mutex_;
    std::map<std::string, Entry, std::less<>> chardevs_ GUARDED_BY(mutex_);
};

}  // namespace qc::chardev
