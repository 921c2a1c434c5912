// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/pci/pci_host.h"

namespace qc::hw {

namespace {
constexpr uint16_t kAddressPort = 0xcf8;
constexpr uint16_t kDataPort = 0xcfc;
constexpr uint32_t kEnable = 0x80000000;
// Bits 24-30 and 0-1 are reserved and read as zero.
constexpr uint32_t kAddressBits = 0x80fffffc;
}  // namespace

PciHost::PciHost(const DeviceContext& context, PciBus& bus, std::string_view type_name)
    : context_(context),
      bus_(bus),
      type_name_(type_name),
      address_region_(memory::MemoryRegion::io("pci-conf-idx", 4, address_ports_)),
      data_region_(memory::MemoryRegion::io("pci-conf-data", 4, data_ports_)) {
    context_.io_root.add_child(kAddressPort, address_region_);
    context_.io_root.add_child(kDataPort, data_region_);
}

PciHost::~PciHost() {
    context_.io_root.remove_child(address_region_);
    context_.io_root.remove_child(data_region_);
}

Result<void> PciHost::validate(const PciHostState& state) const {
    if ((state.config_address & ~kAddressBits) != 0) {
        return fail("PCI config address {:#x} has reserved bits", state.config_address);
    }
    return {};
}

bool PciHost::selected() const {
    return (state_.config_address & kEnable) != 0 &&
           ((state_.config_address >> 16) & 0xff) == bus_.number();
}

// Only a dword access reaches the address register; others are ordinary I/O.
uint64_t PciHost::AddressPorts::io_read(uint64_t offset, unsigned size) {
    if (offset == 0 && size == 4) return host_.state_.config_address;
    if (offset == 1 && size == 1 && host_.reset_control_ != nullptr) {
        return host_.reset_control_->read_reset_control();
    }
    return ~uint64_t{0};
}

void PciHost::AddressPorts::io_write(uint64_t offset, unsigned size, uint64_t value) {
    if (offset == 0 && size == 4) {
        host_.state_.config_address = static_cast<uint32_t>(value) & kAddressBits;
    } else if (offset == 1 && size == 1 && host_.reset_control_ != nullptr) {
        host_.reset_control_->write_reset_control(static_cast<uint8_t>(value));
    }
}

uint64_t PciHost::DataPorts::io_read(uint64_t offset, unsigned size) {
    if (!host_.selected()) return ~uint64_t{0};
    uint32_t address = host_.state_.config_address;
    auto reg = static_cast<uint8_t>((address & 0xfc) + offset);
    return host_.bus_.config_read(static_cast<uint8_t>(address >> 8), reg, size);
}

void PciHost::DataPorts::io_write(uint64_t offset, unsigned size, uint64_t value) {
    if (!host_.selected()) return;
    uint32_t address = host_.state_.config_address;
    auto reg = static_cast<uint8_t>((address & 0xfc) + offset);
    host_.bus_.config_write(static_cast<uint8_t>(address >> 8), reg, size,
                            static_cast<uint32_t>(value));
}

}  // namespace qc::hw
