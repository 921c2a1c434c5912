// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/linux/sandbox.h"

#include <sched.h>
#include <seccomp.h>

#include <array>
#include <cerrno>
#include <memory>
#include <span>

namespace qc::system {

namespace {

using Filter = std::unique_ptr<void, void (*)(scmp_filter_ctx)>;

// The host's: its modules, clock, disks, kernel, accounts.
constexpr std::array kNeverNeeded = {
    SCMP_SYS(acct),          SCMP_SYS(bpf),           SCMP_SYS(clock_settime),
    SCMP_SYS(delete_module), SCMP_SYS(finit_module),  SCMP_SYS(init_module),
    SCMP_SYS(ioperm),        SCMP_SYS(iopl),          SCMP_SYS(kexec_file_load),
    SCMP_SYS(kexec_load),    SCMP_SYS(mount),         SCMP_SYS(perf_event_open),
    SCMP_SYS(pivot_root),    SCMP_SYS(ptrace),        SCMP_SYS(quotactl),
    SCMP_SYS(reboot),        SCMP_SYS(setdomainname), SCMP_SYS(sethostname),
    SCMP_SYS(settimeofday),  SCMP_SYS(setns),         SCMP_SYS(swapoff),
    SCMP_SYS(swapon),        SCMP_SYS(syslog),        SCMP_SYS(umount2),
    SCMP_SYS(unshare)};
constexpr std::array kObsolete = {
    SCMP_SYS(_sysctl),    SCMP_SYS(bdflush),    SCMP_SYS(create_module), SCMP_SYS(get_kernel_syms),
    SCMP_SYS(modify_ldt), SCMP_SYS(nfsservctl), SCMP_SYS(query_module),  SCMP_SYS(readdir),
    SCMP_SYS(sgetmask),   SCMP_SYS(ssetmask),   SCMP_SYS(sysfs),         SCMP_SYS(uselib),
    SCMP_SYS(ustat)};
constexpr std::array kElevating = {SCMP_SYS(capset),   SCMP_SYS(setfsgid),  SCMP_SYS(setfsuid),
                                   SCMP_SYS(setgid),   SCMP_SYS(setgroups), SCMP_SYS(setpgid),
                                   SCMP_SYS(setregid), SCMP_SYS(setresgid), SCMP_SYS(setresuid),
                                   SCMP_SYS(setreuid), SCMP_SYS(setsid),    SCMP_SYS(setuid)};
constexpr std::array kSpawning = {SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork),
                                  SCMP_SYS(vfork)};
constexpr std::array kResources = {SCMP_SYS(ioprio_set),         SCMP_SYS(mbind),
                                   SCMP_SYS(migrate_pages),      SCMP_SYS(sched_setaffinity),
                                   SCMP_SYS(sched_setattr),      SCMP_SYS(sched_setparam),
                                   SCMP_SYS(sched_setscheduler), SCMP_SYS(set_mempolicy),
                                   SCMP_SYS(setpriority),        SCMP_SYS(setrlimit)};

Result<void> checked(int status) {
    if (status < 0) return fail_errno(-status, "cannot make the filter for system calls");
    return {};
}

Result<void> deny(const Filter& filter, std::span<const int> calls) {
    for (int call : calls)
        TRY(checked(seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(EPERM), call, 0)));
    return {};
}

// Only where one of the call's arguments is like that.
Result<void> deny_if(const Filter& filter, int call, const scmp_arg_cmp& condition) {
    return checked(
        seccomp_rule_add_array(filter.get(), SCMP_ACT_ERRNO(EPERM), call, 1, &condition));
}

// prlimit64() is also how limits are read: then its third argument is null.
Result<void> deny_resource_control(const Filter& filter) {
    TRY(deny(filter, kResources));
    return deny_if(filter, SCMP_SYS(prlimit64),
                   {.arg = 2, .op = SCMP_CMP_NE, .datum_a = 0, .datum_b = 0});
}

// Threads are made by clone() as well. The flags of clone3() are in memory, where a filter
// cannot look; where there is no such call the C library takes clone().
Result<void> deny_spawning(const Filter& filter) {
    TRY(deny(filter, kSpawning));
    TRY(deny_if(filter, SCMP_SYS(clone),
                {.arg = 0, .op = SCMP_CMP_MASKED_EQ, .datum_a = CLONE_THREAD, .datum_b = 0}));
    return checked(seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0));
}

}  // namespace

Result<void> enter_sandbox(const SandboxOptions& options) {
    const Filter filter(seccomp_init(SCMP_ACT_ALLOW), &seccomp_release);
    if (!filter) return fail("cannot make the filter for system calls");
    TRY(checked(seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1)));
    TRY(deny(filter, kNeverNeeded));
    if (options.deny_obsolete) TRY(deny(filter, kObsolete));
    if (options.deny_elevation) TRY(deny(filter, kElevating));
    if (options.deny_spawn) TRY(deny_spawning(filter));
    if (options.deny_resource_control) TRY(deny_resource_control(filter));
    return checked(seccomp_load(filter.get()));
}

}  // namespace qc::system
