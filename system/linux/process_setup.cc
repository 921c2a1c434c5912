// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/linux/process_setup.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <optional>

namespace qc::system {

namespace {

std::optional<uint32_t> id_of(std::string_view text) {
    uint32_t id = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
    // All ones means "leave it as it is" to the kernel.
    if (error != std::errc{} || end != text.data() + text.size() || id == UINT32_MAX) {
        return std::nullopt;
    }
    return id;
}

}  // namespace

Result<UserIds> find_user(const std::string& name) {
    if (const passwd* entry = getpwnam(name.c_str())) {
        return UserIds{.uid = entry->pw_uid, .gid = entry->pw_gid, .name = name};
    }
    const std::string_view text(name);
    if (const size_t colon = text.find(':'); colon != std::string_view::npos) {
        const auto uid = id_of(text.substr(0, colon));
        const auto gid = id_of(text.substr(colon + 1));
        if (uid && gid) return UserIds{.uid = *uid, .gid = *gid, .name = {}};
    }
    return fail("User \"{}\" doesn't exist (and is not <uid>:<gid>)", name);
}

Result<void> end_with_parent(pid_t parent) {
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0) {
        return fail_errno(errno, "cannot watch for the parent's end");
    }
    if (getppid() != parent) return fail("the parent process has ended");
    return {};
}

Result<void> change_root(const std::string& directory) {
    if (chroot(directory.c_str()) != 0) return fail_errno(errno, "chroot to '{}'", directory);
    if (chdir("/") != 0) return fail_errno(errno, "cannot go to '/'");
    return {};
}

Result<void> become_user(const UserIds& user) {
    const int groups =
        user.name.empty() ? setgroups(1, &user.gid) : initgroups(user.name.c_str(), user.gid);
    if (groups != 0) return fail_errno(errno, "cannot set the groups of user {}", user.uid);
    if (setgid(user.gid) != 0) return fail_errno(errno, "cannot become group {}", user.gid);
    if (setuid(user.uid) != 0) return fail_errno(errno, "cannot become user {}", user.uid);
    if (user.uid != 0 && setuid(0) == 0) return fail("dropping privileges failed");
    return {};
}

}  // namespace qc::system
