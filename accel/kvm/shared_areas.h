// SPDX-License-Identifier: GPL-2.0-or-later
//
// The places in guest memory that a guest shares with KVM: it names them in MSRs, and KVM
// writes there. Source: Linux, Documentation/virt/kvm/x86/msr.rst.
//
// A load sets these MSRs after memory has been loaded, and some kernels write as soon as
// they are set: all of them the time of day (4B564D00h), some a clock that is no longer
// called stable (4B564D01h). Memory must stay as it was loaded, so this remembers the places
// and puts their bytes back when it goes.
//
// Threading: machine lock, the vCPU paused. A local variable of a load.
#pragma once

#include <array>
#include <cstddef>
#include <memory>

#include "memory/address_space.h"
#include "target/i386/cpu_state.h"

namespace qc::kvm {

class SharedAreasKeeper {
 public:
    SharedAreasKeeper(const memory::AddressSpace& memory, const i386::MsrState& msr);
    ~SharedAreasKeeper();
    SharedAreasKeeper(const SharedAreasKeeper&) = delete;
    SharedAreasKeeper& operator=(const SharedAreasKeeper&) = delete;

 private:
    static constexpr size_t kAreas = 5;
    static constexpr size_t kLargest = 64;
    struct Area {
        std::byte* place = nullptr;
        size_t size = 0;
        std::array<std::byte, kLargest> before{};
    };

    const std::shared_ptr<const memory::FlatView> view_;
    std::array<Area, kAreas> areas_;
};

}  // namespace qc::kvm
