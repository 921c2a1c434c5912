// SPDX-License-Identifier: GPL-2.0-or-later
//
// The core of a PCI function: its 256 bytes of configuration space with, for each
// bit, who may change it. Source: PCI Local Bus Specification 2.1, chapter 6; the
// interrupt disable and interrupt status bits are those of revision 2.3.
//
// Threading: caller locks. Owned by the PciDevice around it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "util/result.h"

namespace qc::hw {

// Offsets and bits of the header type 0 that the tree uses.
namespace pci {
inline constexpr uint8_t kVendorId = 0x00;
inline constexpr uint8_t kDeviceId = 0x02;
inline constexpr uint8_t kCommand = 0x04;
inline constexpr uint8_t kStatus = 0x06;
inline constexpr uint8_t kRevisionId = 0x08;
inline constexpr uint8_t kClassCode = 0x09;
inline constexpr uint8_t kLatencyTimer = 0x0d;
inline constexpr uint8_t kHeaderType = 0x0e;
inline constexpr uint8_t kBar0 = 0x10;
inline constexpr uint8_t kSubsystemVendorId = 0x2c;
inline constexpr uint8_t kSubsystemId = 0x2e;
inline constexpr uint8_t kInterruptLine = 0x3c;
inline constexpr uint8_t kInterruptPin = 0x3d;

inline constexpr uint16_t kCommandIo = 0x0001;
inline constexpr uint16_t kCommandMemory = 0x0002;
inline constexpr uint16_t kCommandMaster = 0x0004;
inline constexpr uint16_t kCommandSerr = 0x0100;
inline constexpr uint16_t kCommandInterruptDisable = 0x0400;
inline constexpr uint16_t kStatusInterrupt = 0x0008;
}  // namespace pci

inline constexpr unsigned kPciBarCount = 6;

struct PciIdentity {
    uint16_t vendor = 0;
    uint16_t device = 0;
    uint8_t revision = 0;
    uint32_t class_code = 0;  // base class, subclass, programming interface
    uint8_t header_type = 0;
    uint8_t interrupt_pin = 0;  // 0 none, 1 INTA# ... 4 INTD#
    uint16_t subsystem_vendor = 0x1af4;
    uint16_t subsystem = 0x1100;
};

// One register, or an override of one of the header's. Bits that are neither
// writable nor w1c nor internal are constant: a state that has them otherwise
// belongs to another device.
struct PciRegister {
    uint8_t offset;
    uint8_t width;  // bytes: 1, 2 or 4
    std::string_view name;
    uint32_t reset = 0;
    uint32_t writable = 0;
    uint32_t w1c = 0;
    uint32_t internal = 0;  // changed by the device itself
};

struct PciBarSpec {
    // kMemory64 is prefetchable and takes the next index as well, for its upper half.
    enum class Space : uint8_t { kIo, kMemory, kMemory64 };
    uint8_t index;
    Space space;
    uint32_t size;  // a power of two; at least 4 (I/O) or 16 (memory)
};

struct PciConfigState {
    std::array<uint8_t, 256> bytes{};

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("bytes", s.bytes);
    }
};

class PciConfig {
 public:
    // Registers in `registers` replace what `identity` and `bars` say.
    PciConfig(const PciIdentity& identity, std::span<const PciRegister> registers,
              std::span<const PciBarSpec> bars);

    void reset();

    // As the guest does it; `size` is 1, 2 or 4, offset + size at most 256.
    uint32_t read(uint8_t offset, unsigned size) const;
    void write(uint8_t offset, unsigned size, uint32_t value);

    // As the device does it.
    uint8_t byte(uint8_t offset) const { return state_.bytes[offset]; }
    uint16_t word(uint8_t offset) const { return static_cast<uint16_t>(read(offset, 2)); }
    void set(uint8_t offset, unsigned size, uint32_t value);

    bool command(uint16_t bit) const { return (word(pci::kCommand) & bit) != 0; }

    // Where the BAR decodes now; nothing while the command register disables it or
    // while its address is one at which nothing can be: 0, or past the end.
    std::optional<uint64_t> bar_address(unsigned index) const;
    const std::optional<PciBarSpec>& bar(unsigned index) const { return bars_[index]; }

    const PciConfigState& state() const { return state_; }
    Result<void> validate(const PciConfigState& state) const;
    void restore(const PciConfigState& state) { state_ = state; }

 private:
    void declare(const PciRegister& reg);

    std::array<uint8_t, 256> reset_{};
    std::array<uint8_t, 256> writable_{};
    std::array<uint8_t, 256> w1c_{};
    std::array<uint8_t, 256> internal_{};
    std::array<std::optional<PciBarSpec>, kPciBarCount> bars_{};
    PciConfigState state_;
};

}  // namespace qc::hw
