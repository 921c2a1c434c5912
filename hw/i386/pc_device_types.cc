// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/pc_device_types.h"

#include "hw/core/device_type.h"
#include "hw/i386/pc_board.h"
#include "hw/ide/ide_disk.h"
#include "hw/virtio/virtio_blk_pci.h"
#include "hw/virtio/virtio_rng_pci.h"

namespace qc::hw {

namespace {

using qom::PropertyDef;
using qom::PropertyKind;

constexpr PropertyDef kChardev{
    .name = "chardev", .kind = PropertyKind::kString, .description = "ID of a chardev"};

constexpr PropertyDef kIsaSerialProperties[] = {
    kChardev,
    {.name = "index", .kind = PropertyKind::kUint32, .description = "0 for COM1 to 3 for COM4"},
    {.name = "iobase", .kind = PropertyKind::kUint32, .description = "the first of eight ports"},
    {.name = "irq", .kind = PropertyKind::kUint32, .description = "ISA interrupt"},
};

constexpr PropertyDef kIsaDebugconProperties[] = {
    kChardev,
    {.name = "iobase",
     .kind = PropertyKind::kUint32,
     .description = "the port",
     .default_value = 0xe9u},
    {.name = "readback",
     .kind = PropertyKind::kUint32,
     .description = "what the port reads as",
     .default_value = 0xe9u},
};

constexpr PropertyDef kIsaDebugExitProperties[] = {
    {.name = "iobase",
     .kind = PropertyKind::kUint32,
     .description = "the first port",
     .default_value = 0x501u},
    {.name = "iosize",
     .kind = PropertyKind::kUint32,
     .description = "the number of ports",
     .default_value = 0x02u},
};

constexpr PropertyDef kPvpanicProperties[] = {
    {.name = "ioport",
     .kind = PropertyKind::kUint32,
     .description = "the port",
     .default_value = 0x505u},
    {.name = "events",
     .kind = PropertyKind::kUint32,
     .description = "reports that are taken: 1 panic, 2 crash kernel",
     .default_value = 0x03u},
};

}  // namespace

const qom::ObjectType kIsaSerialType{.name = "isa-serial",
                                     .parent = &kIsaDeviceType,
                                     .description = "16550A serial port",
                                     .properties = kIsaSerialProperties};
const qom::ObjectType kIsaDebugconType{.name = "isa-debugcon",
                                       .parent = &kIsaDeviceType,
                                       .description = "port that prints what is written to it",
                                       .properties = kIsaDebugconProperties};
const qom::ObjectType kIsaDebugExitType{.name = "isa-debug-exit",
                                        .parent = &kIsaDeviceType,
                                        .description = "port that ends the emulator",
                                        .properties = kIsaDebugExitProperties};

const qom::ObjectType kPvpanicType{.name = "pvpanic",
                                   .parent = &kIsaDeviceType,
                                   .description = "port by which a guest reports a panic",
                                   .properties = kPvpanicProperties};

void register_pc_device_types(qom::TypeRegistry& types) {
    types.add(kIdeHdType);
    types.add(kIdeCdType);
    types.add(kIsaSerialType);
    types.add(kIsaDebugconType);
    types.add(kIsaDebugExitType);
    types.add(kPvpanicType);
    types.add(kVirtioBlkPciType);
    types.add(kVirtioRngPciType);
}

}  // namespace qc::hw
