// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/kvm/kvm_msrs.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "accel/kvm/kvm_abi.h"

namespace qc::kvm {
namespace {

struct Known {
    uint32_t first, last;
    const char* why;
};
// What KVM lists and a migration may leave behind.
constexpr Known kNotState[] = {
    {0x10, 0x10, "the TSC, which KvmClock sets"},
    {0x6e0, 0x6e0, "the TSC deadline, which KvmVcpu sets"},
    {0x11, 0x12, "other names of 4B564D00h and 4B564D01h"},
    {0x34, 0x34, "the number of SMIs, which guests cannot set"},
    {0x1db, 0x1de, "where the last branches went, for debuggers"},
    {0x3a, 0x3a, "VMX and SGX are not shown"},
    {0x480, 0x491, "VMX is not shown"},
    {0x8b, 0x8b, "the microcode's revision, which guests cannot set"},
    {0xce, 0xce, "platform information, which guests cannot set"},
    {0x10a, 0x10a, "architectural capabilities, which guests cannot set"},
    {0x345, 0x345, "counters are hidden"},
    {0xc1, 0xe0, "counters are hidden"},
    {0x186, 0x1a5, "counters are hidden"},
    {0x309, 0x30c, "counters are hidden"},
    {0x38d, 0x390, "counters are hidden"},
    {0x3f1, 0x3f2, "counters are hidden"},
    {0x600, 0x600, "counters are hidden"},
    {0xc0000300, 0xc0000303, "counters are hidden"},
    {0xc0010000, 0xc0010007, "counters are hidden"},
    {0xc0010200, 0xc001020b, "counters are hidden"},
    {0x4d0, 0x4d0, "local machine checks are not shown"},
    {0x560, 0x591, "processor trace is not shown"},
    {0xd90, 0xd90, "MPX is not shown"},
    {0x40000000, 0x400000ff, "Hyper-V is not shown"},
    {0x40000100, 0x400001ff, "Hyper-V is not shown"},
    {0x4b564d07, 0x4b564d07, "asynchronous page faults are not shown"},
    {0x4b564d08, 0x4b564d08, "migration control is not shown"},
    {0xc0000104, 0xc0000104, "SVM is not shown"},
    {0xc0010117, 0xc0010117, "SVM is not shown"},
};

bool is_known(uint32_t index) {
    return std::ranges::any_of(
        kNotState, [=](const Known& known) { return index >= known.first && index <= known.last; });
}

TEST(MsrSet, everything_that_kvm_lists_is_kept_or_known_to_be_no_state) {
    KvmFd system(UniqueFd(open("/dev/kvm", O_RDWR | O_CLOEXEC)));
    if (system.get() < 0) GTEST_SKIP() << "no KVM here: /dev/kvm";
    auto set = MsrSet::create(system);
    ASSERT_TRUE(set) << set.error().message();
    EXPECT_TRUE(set->contains(0xc0000082)) << "even LSTAR is missing";
    for (uint32_t index : set->left_out())
        EXPECT_TRUE(is_known(index)) << std::hex << index;
}

}  // namespace
}  // namespace qc::kvm
