// SPDX-License-Identifier: GPL-2.0-or-later
//
// The file descriptors that a monitor's client passed beside its commands
// (SCM_RIGHTS), until `getfd` names them, and those that have names, until a
// command uses them up or `closefd` closes them.
//
// Threading: thread-safe. Owned by the session whose client it is.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "util/mutex.h"
#include "util/result.h"
#include "util/unique_fd.h"

namespace qc::monitor {

class ContextFds {
 public:
    // More than so many without a name, or with one, are closed or refused.
    static constexpr size_t kMaxWaiting = 16;
    static constexpr size_t kMaxNamed = 256;

    // In the order in which the client sent them.
    void arrived(std::vector<UniqueFd> fds) EXCLUDES(mutex_);
    // The client is gone: nobody will name what it sent.
    void drop_waiting() EXCLUDES(mutex_);

    // add-fd: the oldest that waits.
    Result<UniqueFd> take_waiting() EXCLUDES(mutex_);
    // getfd: the oldest that waits gets a name; one of that name is closed.
    Result<void> assign(const std::string& name) EXCLUDES(mutex_);
    // closefd.
    Result<void> close(const std::string& name) EXCLUDES(mutex_);
    // For a command that uses it up.
    Result<UniqueFd> take(const std::string& name) EXCLUDES(mutex_);

 private:
    Result<UniqueFd> next_waiting() REQUIRES(mutex_);

    Mutex mutex_;
    std::deque<UniqueFd> waiting_ GUARDED_BY(mutex_);
    std::map<std::string, UniqueFd> named_ GUARDED_BY(mutex_);
};

}  // namespace qc::monitor
