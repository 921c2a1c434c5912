// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/fd_sets.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <map>
#include <string_view>
#include <utility>

#include "util/mutex.h"

namespace qc {

namespace {

constexpr std::string_view kPrefix = "/dev/fdset/";
// More than a host lets one process have; so that numbers cannot be used up.
constexpr size_t kMaxDescriptors = 65536;

// Status flags that belong to the opener's use of a file. They are those of the
// descriptor in the set as well: a duplicate shares them.
constexpr int kStatusFlags = O_NONBLOCK | O_APPEND | O_DIRECT;

std::optional<int64_t> set_number(std::string_view text) {
    int64_t number = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < 0) return std::nullopt;
    return number;
}

// 0, or what errno shall be.
int prepare(int fd, int flags) {
    if ((flags & O_EXCL) != 0) return EEXIST;
    const int now = fcntl(fd, F_GETFL);
    if (now < 0) return errno;
    const int wanted = (now & ~kStatusFlags) | (flags & kStatusFlags);
    if (wanted != now && fcntl(fd, F_SETFL, wanted) != 0) return errno;
    // What has no length cannot be emptied, and need not be.
    if ((flags & O_TRUNC) != 0 && ftruncate(fd, 0) != 0 && errno != EINVAL) return errno;
    return 0;
}

}  // namespace

struct FdSets::State {
    struct Member {
        UniqueFd fd;
        std::optional<std::string> opaque;
    };
    struct Members {
        std::vector<Member> members;
        size_t uses = 0;
    };

    OpenedPath open(const std::shared_ptr<State>& self, int64_t id, int flags) EXCLUDES(mutex);
    int find_for(const Members& set, int flags) const REQUIRES(mutex);
    void use_ended(int64_t id) EXCLUDES(mutex);
    void drop_unused() REQUIRES(mutex);
    void drop_if_empty(int64_t id) REQUIRES(mutex);

    Mutex mutex;
    std::map<int64_t, Members> sets GUARDED_BY(mutex);
    size_t count GUARDED_BY(mutex) = 0;
    unsigned clients GUARDED_BY(mutex) = 0;
    bool guest_runs GUARDED_BY(mutex) = false;
};

// The one that was opened past the host's cache, or not, as it is wanted now; else any
// that allows the same.
int FdSets::State::find_for(const Members& set, int flags) const {
    int found = -1;
    for (const Member& member : set.members) {
        const int has = fcntl(member.fd.get(), F_GETFL);
        if (has < 0 || (has & O_ACCMODE) != (flags & O_ACCMODE)) continue;
        if ((has & O_DIRECT) == (flags & O_DIRECT)) return member.fd.get();
        if (found < 0) found = member.fd.get();
    }
    return found;
}

OpenedPath FdSets::State::open(const std::shared_ptr<State>& self, int64_t id, int flags) {
    const MutexLock lock(mutex);
    const auto at = sets.find(id);
    if (at == sets.end()) {
        errno = ENOENT;
        return {};
    }
    const int found = find_for(at->second, flags);
    if (found < 0) {
        errno = EACCES;
        return {};
    }
    UniqueFd copy(fcntl(found, F_DUPFD_CLOEXEC, 0));
    if (!copy) return {};
    if (const int error = prepare(copy.get(), flags); error != 0) {
        copy.reset();
        errno = error;
        return {};
    }
    ++at->second.uses;
    FdUse use(this, [self, id](const void*) { self->use_ended(id); });
    return {std::move(use), std::move(copy)};
}

void FdSets::State::use_ended(int64_t id) {
    const MutexLock lock(mutex);
    if (const auto at = sets.find(id); at != sets.end()) --at->second.uses;
    drop_unused();
    drop_if_empty(id);
}

void FdSets::State::drop_unused() {
    if (clients != 0 || !guest_runs) return;
    for (auto at = sets.begin(); at != sets.end();) {
        if (at->second.uses != 0) {
            ++at;
            continue;
        }
        count -= at->second.members.size();
        at = sets.erase(at);
    }
}

void FdSets::State::drop_if_empty(int64_t id) {
    const auto at = sets.find(id);
    if (at != sets.end() && at->second.members.empty() && at->second.uses == 0) sets.erase(at);
}

FdSets::FdSets() : state_(std::make_shared<State>()) {}
FdSets::~FdSets() = default;

Result<FdSets::Added> FdSets::add(UniqueFd fd, std::optional<int64_t> set,
                                  std::optional<std::string> opaque) {
    if (set && *set < 0) return fail("Parameter 'fdset-id' expects a non-negative value");
    const MutexLock lock(state_->mutex);
    if (state_->count >= kMaxDescriptors) {
        return fail("there are {} file descriptors in sets already", kMaxDescriptors);
    }
    int64_t id = set.value_or(0);
    while (!set && state_->sets.contains(id))
        ++id;
    const int number = fd.get();
    state_->sets[id].members.push_back({std::move(fd), std::move(opaque)});
    ++state_->count;
    return Added{id, number};
}

Result<void> FdSets::remove(int64_t set, std::optional<int64_t> fd) {
    const MutexLock lock(state_->mutex);
    const auto at = state_->sets.find(set);
    size_t removed = 0;
    if (at != state_->sets.end()) {
        removed = std::erase_if(at->second.members, [&](const State::Member& member) {
            return !fd || member.fd.get() == *fd;
        });
    }
    if (removed == 0) {
        const std::string which = fd ? fmt::format(", fd:{}", *fd) : "";
        return fail("File descriptor named 'fdset-id:{}{}' not found", set, which);
    }
    state_->count -= removed;
    state_->drop_if_empty(set);
    return {};
}

std::vector<FdSets::Set> FdSets::list() const {
    const MutexLock lock(state_->mutex);
    std::vector<Set> result;
    for (auto at = state_->sets.rbegin(); at != state_->sets.rend(); ++at) {
        Set& set = result.emplace_back(at->first);
        for (const State::Member& member : at->second.members)
            set.descriptors.push_back({member.fd.get(), member.opaque});
    }
    return result;
}

void FdSets::client_came() {
    const MutexLock lock(state_->mutex);
    ++state_->clients;
}

void FdSets::client_went() {
    const MutexLock lock(state_->mutex);
    --state_->clients;
    state_->drop_unused();
}

void FdSets::set_guest_runs(bool runs) {
    const MutexLock lock(state_->mutex);
    state_->guest_runs = runs;
}

OpenedPath open_path(FdSets* sets, const std::string& path, int flags, mode_t mode) {
    if (sets != nullptr && path.starts_with(kPrefix)) {
        const auto id = set_number(std::string_view(path).substr(kPrefix.size()));
        if (id) return sets->state_->open(sets->state_, *id, flags);
        errno = EINVAL;
        return {};
    }
    return {.use = {}, .fd = UniqueFd(::open(path.c_str(), flags | O_CLOEXEC, mode))};
}

}  // namespace qc
