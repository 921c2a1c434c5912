// SPDX-License-Identifier: GPL-2.0-or-later
//
// The page of memory in which each processor sees its own local APIC. One region
// serves all: it asks who is looking. It lies where the first processor's
// IA32_APIC_BASE says, and is there while that APIC is enabled; systems move all
// of them together or none.
//
// Threading: machine lock. Owned by the board; outlived by the APICs.
#pragma once

#include <functional>
#include <vector>

#include "hw/intc/local_apic.h"
#include "memory/address_space.h"
#include "memory/io_handler.h"

namespace qc::hw {

class ApicWindow final : public memory::IoHandler {
 public:
    struct Deps {
        memory::AddressSpace& memory;
        memory::MemoryRegion& memory_root;
        // The index of the processor whose access is being served.
        std::function<unsigned()> current_cpu;
    };
    // `apics` by processor index; at least one.
    ApicWindow(Deps deps, std::vector<LocalApic*> apics);
    ~ApicWindow() override;

    std::string_view io_name() const override { return "apic-msi"; }
    Rules io_rules() const override { return {.min_size = 4, .max_size = 4}; }
    uint64_t io_read(uint64_t offset, unsigned size) override;
    void io_write(uint64_t offset, unsigned size, uint64_t value) override;

 private:
    LocalApic& current() const;
    void follow_base();

    Deps deps_;
    std::vector<LocalApic*> apics_;
    memory::MemoryRegion region_;
    uint64_t shown_base_ = LocalApicCore::kDefaultBase;
};

}  // namespace qc::hw
