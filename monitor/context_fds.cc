// SPDX-License-Identifier: GPL-2.0-or-later
#include "monitor/context_fds.h"

#include <utility>

namespace qc::monitor {

void ContextFds::arrived(std::vector<UniqueFd> fds) {
    MutexLock lock(mutex_);
    for (UniqueFd& fd : fds) {
        if (waiting_.size() == kMaxWaiting) waiting_.pop_front();
        waiting_.push_back(std::move(fd));
    }
}

void ContextFds::drop_waiting() {
    MutexLock lock(mutex_);
    waiting_.clear();
}

Result<UniqueFd> ContextFds::next_waiting() {
    if (waiting_.empty()) return fail("No file descriptor supplied via SCM_RIGHTS");
    UniqueFd fd = std::move(waiting_.front());
    waiting_.pop_front();
    return fd;
}

Result<UniqueFd> ContextFds::take_waiting() {
    MutexLock lock(mutex_);
    return next_waiting();
}

Result<void> ContextFds::assign(const std::string& name) {
    MutexLock lock(mutex_);
    UniqueFd fd = TRY(next_waiting());
    if (!name.empty() && name[0] >= '0' && name[0] <= '9') {
        return fail("Parameter 'fdname' expects a name not starting with a digit");
    }
    if (named_.size() >= kMaxNamed && !named_.contains(name)) {
        return fail("there are {} named file descriptors already", kMaxNamed);
    }
    named_[name] = std::move(fd);
    return {};
}

Result<void> ContextFds::close(const std::string& name) {
    MutexLock lock(mutex_);
    if (named_.erase(name) == 0) return fail("File descriptor named '{}' not found", name);
    return {};
}

Result<UniqueFd> ContextFds::take(const std::string& name) {
    MutexLock lock(mutex_);
    auto node = named_.extract(name);
    if (node.empty()) return fail("File descriptor named '{}' has not been found", name);
    return std::move(node.mapped());
}

}  // namespace qc::monitor
