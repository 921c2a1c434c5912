// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/pc_hotplug_aml.h"

#include <fmt/core.h>

#include <span>
#include <string_view>

#include "hw/acpi/pci_hotplug_core.h"

namespace qc::hw {

namespace {

// Opcodes of AML.
constexpr uint8_t kName = 0x08;
constexpr uint8_t kByte = 0x0a;
constexpr uint8_t kDWord = 0x0c;
constexpr uint8_t kScope = 0x10;
constexpr uint8_t kMethod = 0x14;
constexpr uint8_t kDualName = 0x2e;
constexpr uint8_t kExtended = 0x5b;
constexpr uint8_t kRoot = 0x5c;
constexpr uint8_t kArg0 = 0x68;
constexpr uint8_t kArg1 = 0x69;
constexpr uint8_t kAnd = 0x7b;
constexpr uint8_t kDevice = 0x82;  // behind kExtended
constexpr uint8_t kNotify = 0x86;
constexpr uint8_t kIf = 0xa0;

void put_text(ByteWriter& out, std::string_view text) {
    out.bytes(std::as_bytes(std::span(text)));
}

// The length of a package, itself included, and what is in it.
void put_package(ByteWriter& out, const ByteWriter& inside) {
    const size_t size = inside.view().size();
    if (size + 1 < 0x40) {
        out.u8(static_cast<uint8_t>(size + 1));
    } else {
        const size_t whole = size + 2;
        out.u8(static_cast<uint8_t>(0x40 | (whole & 0xf)));
        out.u8(static_cast<uint8_t>(whole >> 4));
    }
    out.bytes(inside.view());
}

std::string slot_name(unsigned slot) {
    return fmt::format("S{:02X}_", slot);
}

void put_slot(ByteWriter& out, unsigned slot) {
    ByteWriter eject;
    put_text(eject, "_EJ0");
    eject.u8(1);  // an argument
    put_text(eject, "PCEJ");
    eject.u8(kByte);
    eject.u8(static_cast<uint8_t>(slot));

    ByteWriter device;
    put_text(device, slot_name(slot));
    device.u8(kName);
    put_text(device, "_SUN");
    device.u8(kByte);
    device.u8(static_cast<uint8_t>(slot));
    device.u8(kName);
    put_text(device, "_ADR");
    device.u8(kDWord);
    device.le32(slot << 16);
    device.u8(kMethod);
    put_package(device, eject);

    out.u8(kExtended);
    out.u8(kDevice);
    put_package(out, device);
}

void put_notice(ByteWriter& out, unsigned slot) {
    ByteWriter inside;
    inside.u8(kAnd);
    inside.u8(kArg0);
    inside.u8(kDWord);
    inside.le32(uint32_t{1} << slot);
    inside.u8(0);  // the result is stored nowhere
    inside.u8(kNotify);
    put_text(inside, slot_name(slot));
    inside.u8(kArg1);
    out.u8(kIf);
    put_package(out, inside);
}

}  // namespace

void put_hotplug_slots(ByteWriter& out) {
    ByteWriter scope;
    ByteWriter notices;
    scope.u8(kRoot);
    scope.u8(kDualName);
    put_text(scope, "_SB_PCI0");
    put_text(notices, "DVNT");
    notices.u8(2);  // arguments
    for (unsigned slot = 0; slot < 32; ++slot) {
        if ((PciHotplugCore::kSlots >> slot & 1) == 0) continue;
        put_slot(scope, slot);
        put_notice(notices, slot);
    }
    scope.u8(kMethod);
    put_package(scope, notices);
    out.u8(kScope);
    put_package(out, scope);
}

}  // namespace qc::hw
