// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/pci/pci_config.h"

#include "util/assert.h"

namespace qc::hw {

PciConfig::PciConfig(const PciIdentity& identity, std::span<const PciRegister> registers,
                     std::span<const PciBarSpec> bars) {
    using namespace pci;
    constexpr uint16_t kCommandBits =
        kCommandIo | kCommandMemory | kCommandMaster | kCommandSerr | kCommandInterruptDisable;
    // Parity, target and master aborts: set by hardware, cleared by writing ones.
    constexpr uint16_t kStatusErrors = 0xf900;
    const PciRegister header[] = {
        {kVendorId, 2, "VID", identity.vendor},
        {kDeviceId, 2, "DID", identity.device},
        {kCommand, 2, "CMD", 0, kCommandBits},
        {kStatus, 2, "STS", 0, 0, kStatusErrors, kStatusInterrupt},
        {kRevisionId, 4, "RID,CC", identity.class_code << 8 | identity.revision},
        {0x0c, 1, "CLS", 0, 0xff},
        {kLatencyTimer, 1, "LT", 0, 0xff},
        {kHeaderType, 1, "HT", identity.header_type},
        {kSubsystemVendorId, 2, "SVID", identity.subsystem_vendor},
        {kSubsystemId, 2, "SID", identity.subsystem},
        {kInterruptLine, 1, "INTLN", 0, 0xff},
        {kInterruptPin, 1, "INTPN", identity.interrupt_pin},
    };
    for (const PciRegister& reg : header)
        declare(reg);
    for (const PciBarSpec& bar : bars) {
        bool io = bar.space == PciBarSpec::Space::kIo;
        QC_ASSERT(bar.index < kPciBarCount && (bar.size & (bar.size - 1)) == 0);
        QC_ASSERT(bar.size >= (io ? 4u : 16u));
        const bool wide = bar.space == PciBarSpec::Space::kMemory64;
        QC_ASSERT(!wide || bar.index + 1u < kPciBarCount);
        const auto at = static_cast<uint8_t>(kBar0 + 4 * bar.index);
        declare({at, 4, "BAR", io ? 1u : wide ? 0xcu : 0u, ~(bar.size - 1)});
        if (wide) declare({static_cast<uint8_t>(at + 4), 4, "BAR", 0, 0xffffffff});
        bars_[bar.index] = bar;
    }
    for (const PciRegister& reg : registers)
        declare(reg);
    reset();
}

void PciConfig::declare(const PciRegister& reg) {
    for (unsigned i = 0; i < reg.width; ++i) {
        auto byte_of = [i](uint32_t value) { return static_cast<uint8_t>(value >> (8 * i)); };
        size_t at = reg.offset + i;
        reset_[at] = byte_of(reg.reset);
        writable_[at] = byte_of(reg.writable);
        w1c_[at] = byte_of(reg.w1c);
        internal_[at] = byte_of(reg.internal);
    }
}

void PciConfig::reset() {
    state_.bytes = reset_;
}

uint32_t PciConfig::read(uint8_t offset, unsigned size) const {
    uint32_t value = 0;
    for (unsigned i = 0; i < size && offset + i < 256; ++i)
        value |= static_cast<uint32_t>(state_.bytes[offset + i]) << (8 * i);
    return value;
}

void PciConfig::write(uint8_t offset, unsigned size, uint32_t value) {
    for (unsigned i = 0; i < size && offset + i < 256; ++i) {
        size_t at = offset + i;
        auto written = static_cast<uint8_t>(value >> (8 * i));
        uint8_t& byte = state_.bytes[at];
        byte = static_cast<uint8_t>((byte & ~writable_[at]) | (written & writable_[at]));
        byte = static_cast<uint8_t>(byte & ~(written & w1c_[at]));
    }
}

void PciConfig::set(uint8_t offset, unsigned size, uint32_t value) {
    QC_ASSERT(offset + size <= 256);
    for (unsigned i = 0; i < size; ++i)
        state_.bytes[offset + i] = static_cast<uint8_t>(value >> (8 * i));
}

std::optional<uint64_t> PciConfig::bar_address(unsigned index) const {
    if (index >= kPciBarCount || !bars_[index]) return std::nullopt;
    const PciBarSpec& bar = *bars_[index];
    bool io = bar.space == PciBarSpec::Space::kIo;
    if (!command(io ? pci::kCommandIo : pci::kCommandMemory)) return std::nullopt;
    const auto at = static_cast<uint8_t>(pci::kBar0 + 4 * index);
    uint64_t address = read(at, 4);
    if (bar.space == PciBarSpec::Space::kMemory64) {
        address |= uint64_t{read(static_cast<uint8_t>(at + 4), 4)} << 32;
    }
    address &= ~static_cast<uint64_t>(bar.size - 1);
    // What follows the last address at which the lower half can be.
    uint64_t limit = io ? uint64_t{1} << 16 : uint64_t{1} << 32;
    const uint64_t end = address + bar.size;
    // The topmost place is what a sizing write leaves there for a moment.
    if (address == 0 || end == 0 || end == limit) return std::nullopt;
    if (end > limit && bar.space != PciBarSpec::Space::kMemory64) return std::nullopt;
    return address;
}

Result<void> PciConfig::validate(const PciConfigState& state) const {
    for (size_t at = 0; at < state.bytes.size(); ++at) {
        auto variable = static_cast<uint8_t>(writable_[at] | w1c_[at] | internal_[at]);
        if (((state.bytes[at] ^ reset_[at]) & ~variable) != 0) {
            return fail("PCI configuration byte {:#04x} is {:#04x}, this device has {:#04x} there",
                        at, state.bytes[at], reset_[at]);
        }
    }
    return {};
}

}  // namespace qc::hw
