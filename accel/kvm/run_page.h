// SPDX-License-Identifier: GPL-2.0-or-later
//
// The page that the kernel shares with a vCPU's thread: why KVM_RUN returned, and
// what it is to do next.
//
// Threading: set_immediate_exit() is thread-safe; the rest is the vCPU thread's.
#pragma once

#include <sys/mman.h>

#include <atomic>

#include "accel/kvm/kvm_abi.h"
#include "accel/kvm/kvm_fd.h"

namespace qc::kvm {

class RunPage {
 public:
    static Result<RunPage> map(const KvmFd& vcpu, size_t size) {
        void* address = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu.get(), 0);
        if (address == MAP_FAILED) return fail_errno(errno, "cannot map the vCPU's run structure");
        return RunPage(address, size);
    }
    ~RunPage() {
        if (address_) munmap(address_, size_);
    }
    RunPage(RunPage&& other) noexcept
        : address_(std::exchange(other.address_, nullptr)), size_(other.size_) {}
    RunPage& operator=(RunPage&&) = delete;

    kvm_run* operator->() const { return static_cast<kvm_run*>(address_); }
    std::byte* at(size_t offset) const { return static_cast<std::byte*>(address_) + offset; }
    size_t size() const { return size_; }

    void set_immediate_exit(bool on) const {
        std::atomic_ref<__u8>((*this)->immediate_exit).store(on ? 1 : 0);
    }

 private:
    RunPage(void* address, size_t size) : address_(address), size_(size) {}
    void* address_;
    size_t size_;
};

}  // namespace qc::kvm
