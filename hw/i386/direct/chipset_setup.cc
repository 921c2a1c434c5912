// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/direct/chipset_setup.h"

#include <span>

#include "hw/i386/pc_addresses.h"

namespace qc::hw {

namespace {

struct Write {
    PciSlot slot;
    uint8_t offset;
    uint8_t size;
    uint32_t value;
};

// PIRQA# to PIRQD#, and PIRQE# to PIRQH# likewise.
constexpr uint8_t kRoutes[] = {10, 10, 11, 11};
constexpr uint32_t kRouteRegister = 0x0b0b0a0a;
constexpr uint32_t kIoEnable = 1;
constexpr uint32_t kSmbusBase = 0x700;

// The 64 KiB below 1 MiB.
constexpr uint32_t kFromPci = 0x00;
constexpr uint32_t kReadOnly = 0x10;
constexpr uint32_t kReadWrite = 0x30;
constexpr Write kPamPc{{0, 0}, 0x59, 1, kFromPci};
constexpr Write kPamQ35{{0, 0}, 0x90, 1, kFromPci};

constexpr Write kPc[] = {
    {{1, 0}, 0x60, 4, kRouteRegister},
    {{1, 1}, 0x40, 4, 0x80008000},  // both channels answer
    {{1, 3}, 0x40, 4, kPmBase | kIoEnable},
    {{1, 3}, 0x80, 1, kIoEnable},
    {{1, 3}, 0x90, 4, kSmbusBase | kIoEnable},
    {{1, 3}, 0xd2, 1, 0x09},  // the SMBus's host controller, with interrupts
};
constexpr Write kQ35[] = {
    {{0, 0}, 0x64, 4, 0},
    {{0, 0}, 0x60, 4, static_cast<uint32_t>(kEcamStart) | kIoEnable},
    {{31, 0}, 0x60, 4, kRouteRegister},
    {{31, 0}, 0x68, 4, kRouteRegister},
    {{31, 0}, 0x40, 4, kPmBase | kIoEnable},
    {{31, 0}, 0x44, 1, 0x80},        // power management answers, its SCI is interrupt 9
    {{31, 0}, 0xf0, 4, 0xfed1c001},  // the chipset's configuration
    {{31, 3}, 0x40, 1, 0x01},        // the SMBus's host controller
};

void write(PciBus& bus, const Write& one) {
    bus.config_write(one.slot.devfn(), one.offset, one.size, one.value);
}

void write_pam(PcChipsetKind chipset, PciBus& bus, uint32_t value) {
    Write pam = chipset == PcChipsetKind::kQ35 ? kPamQ35 : kPamPc;
    pam.value = value;
    write(bus, pam);
}

// The wire, 0 for PIRQA#, that a pin (1 for INTA#) leads to from reset on.
unsigned wire_of(PcChipsetKind chipset, PciSlot slot, uint8_t pin) {
    const unsigned rotated = slot.device + pin - 1u;
    if (chipset == PcChipsetKind::kI440fx) return (rotated + 3) & 3;
    const bool of_the_chip = slot.device >= 25 && slot.device != 30;
    return of_the_chip ? pin - 1u : 4 + (rotated & 3);
}

bool is_power_management(PcChipsetKind chipset, PciSlot slot) {
    return chipset == PcChipsetKind::kI440fx && slot.device == 1 && slot.function == 3;
}

struct Pin {
    PciSlot slot;
    uint8_t pin;
    uint8_t isa;     // interrupt
    uint8_t target;  // input of the I/O APIC
};

std::vector<Pin> list_pins(PcChipsetKind chipset, const PciBus& bus) {
    constexpr uint8_t kSci = 9;
    constexpr uint8_t kFirstPirqInput = 16;
    std::vector<Pin> pins;
    for (uint8_t device = 0; device < 32; ++device) {
        for (uint8_t function = 0; function < 8; ++function) {
            const PciSlot slot{device, function};
            const PciDevice* found = bus.device(slot);
            const uint8_t pin = found != nullptr ? found->config().byte(pci::kInterruptPin) : 0;
            if (pin == 0) continue;
            const unsigned wire = wire_of(chipset, slot, pin);
            const uint8_t isa = is_power_management(chipset, slot) ? kSci : kRoutes[wire & 3];
            const auto target =
                chipset == PcChipsetKind::kQ35 ? static_cast<uint8_t>(kFirstPirqInput + wire) : isa;
            pins.push_back({slot, pin, isa, target});
        }
    }
    return pins;
}

}  // namespace

void set_up_chipset(PcChipsetKind chipset, PciBus& bus) {
    write_pam(chipset, bus, kReadWrite);
    const bool q35 = chipset == PcChipsetKind::kQ35;
    for (const Write& one : q35 ? std::span<const Write>(kQ35) : std::span<const Write>(kPc))
        write(bus, one);
    for (const Pin& pin : list_pins(chipset, bus))
        bus.config_write(pin.slot.devfn(), pci::kInterruptLine, 1, pin.isa);
}

void lock_table_memory(PcChipsetKind chipset, PciBus& bus) {
    write_pam(chipset, bus, kReadOnly);
}

void set_up_keyboard(memory::AddressSpace& io) {
    constexpr uint64_t kData = 0x60, kCommand = 0x64;
    constexpr uint8_t kWriteCommandByte = 0x60;
    constexpr uint8_t kInterrupt = 1u << 0, kSelfTested = 1u << 2, kMouseOff = 1u << 5,
                      kTranslate = 1u << 6;
    io.store(memory::PhysAddr(kCommand), 1, kWriteCommandByte);
    io.store(memory::PhysAddr(kData), 1, kInterrupt | kSelfTested | kMouseOff | kTranslate);
}

std::vector<MpTableConfig::PciPin> list_pci_pins(PcChipsetKind chipset, const PciBus& bus) {
    std::vector<MpTableConfig::PciPin> pins;
    // Functions of a device may share a pin.
    uint32_t listed[4] = {};
    for (const Pin& pin : list_pins(chipset, bus)) {
        uint32_t& devices = listed[(pin.pin - 1) & 3];
        if ((devices >> pin.slot.device & 1) != 0) continue;
        devices |= 1u << pin.slot.device;
        pins.push_back({.device = pin.slot.device,
                        .pin = static_cast<uint8_t>(pin.pin - 1),
                        .target = pin.target});
    }
    return pins;
}

}  // namespace qc::hw
