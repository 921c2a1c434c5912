// SPDX-License-Identifier: GPL-2.0-or-later
//
// A descriptor of the KVM API: /dev/kvm, a VM or a vCPU. Source: Linux
// Documentation/virt/kvm/api.rst.
//
// Threading: thread-safe, as the kernel's ioctls are.
#pragma once

#include <cstdint>
#include <string_view>

#include "util/result.h"
#include "util/unique_fd.h"

namespace qc::kvm {

class KvmFd {
 public:
    KvmFd() = default;
    explicit KvmFd(UniqueFd fd) : fd_(std::move(fd)) {}

    int get() const { return fd_.get(); }

    // `name` is the ioctl's, for the error's text. Interrupted calls are repeated.
    Result<int> ioctl(unsigned long request, std::string_view name, uintptr_t argument = 0) const;
    template <typename T>
    Result<int> ioctl(unsigned long request, std::string_view name, T* argument) const {
        return ioctl(request, name, reinterpret_cast<uintptr_t>(argument));
    }
    // KVM_CHECK_EXTENSION; 0 if the kernel does not know it.
    int extension(unsigned capability) const;
    Result<void> enable_capability(unsigned capability, std::string_view name,
                                   uint64_t argument) const;

 private:
    UniqueFd fd_;
};

// KVM_IOCTL(fd, KVM_GET_REGS, &regs): the request's name goes into errors.
#define KVM_IOCTL(fd, request, ...) (fd).ioctl(request, #request __VA_OPT__(, ) __VA_ARGS__)

}  // namespace qc::kvm
