// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/kvm/kvm_fd.h"

#include <sys/ioctl.h>

#include <cerrno>

#include "accel/kvm/kvm_abi.h"

namespace qc::kvm {

Result<int> KvmFd::ioctl(unsigned long request, std::string_view name, uintptr_t argument) const {
    int result;
    do {
        result = ::ioctl(fd_.get(), request, argument);
    } while (result < 0 && errno == EINTR);
    if (result < 0) return fail_errno(errno, "{} failed", name);
    return result;
}

int KvmFd::extension(unsigned capability) const {
    int result = ::ioctl(fd_.get(), KVM_CHECK_EXTENSION, static_cast<unsigned long>(capability));
    return result < 0 ? 0 : result;
}

Result<void> KvmFd::enable_capability(unsigned capability, std::string_view name,
                                      uint64_t argument) const {
    kvm_enable_cap enable{};
    enable.cap = capability;
    enable.args[0] = argument;
    TRY(ioctl(KVM_ENABLE_CAP, name, &enable));
    return {};
}

}  // namespace qc::kvm
