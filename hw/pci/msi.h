// SPDX-License-Identifier: GPL-2.0-or-later
//
// Message-signalled interrupts. Source: PCI Local Bus Specification 2.3, section
// 6.8. A function declares the capability's registers in its table; what they say
// is read here.
//
// Threading: machine lock.
#pragma once

#include <cstdint>
#include <optional>

#include "hw/pci/pci_config.h"

namespace qc::hw {

struct MsiMessage {
    uint64_t address = 0;
    uint16_t data = 0;
    bool operator==(const MsiMessage&) const = default;
};

// Where messages end: the local APICs, ours or the kernel's.
class MsiPort {
 public:
    virtual ~MsiPort() = default;
    virtual void send_msi(const MsiMessage& message) = 0;
};

// The message of a capability with a 64-bit address at `capability`; nothing while
// it is disabled, or the function may not be master of the bus.
inline std::optional<MsiMessage> enabled_msi(const PciConfig& config, uint8_t capability) {
    constexpr uint16_t kEnable = 0x0001;
    auto at = [&](unsigned offset) { return static_cast<uint8_t>(capability + offset); };
    if ((config.word(at(2)) & kEnable) == 0 || !config.command(pci::kCommandMaster)) {
        return std::nullopt;
    }
    return MsiMessage{uint64_t{config.read(at(8), 4)} << 32 | config.read(at(4), 4),
                      config.word(at(12))};
}

}  // namespace qc::hw
