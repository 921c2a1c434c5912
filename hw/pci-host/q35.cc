// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/pci-host/q35.h"

#include "hw/pci-host/trace.h"

namespace qc::hw {

namespace {

constexpr uint8_t kPciExBar = 0x60;
constexpr uint8_t kQ35Pam0 = 0x90;
constexpr uint8_t kQ35Smram = 0x9d;

constexpr PciIdentity kIdentity = {
    .vendor = 0x8086,
    .device = 0x29c0,
    .class_code = 0x060000,
};

constexpr PciRegister kRegisters[] = {
    // Memory and bus mastering cannot be switched off.
    {0x04, 2, "PCICMD", 0x0006, 0x0100},
    {0x06, 2, "PCISTS", 0x0080, 0, 0xf900},
    {0x54, 4, "DEVEN", 0x00000001},
    {0x60, 4, "PCIEXBAR", 0xb0000000, 0xfc000007},
    {0x64, 4, "PCIEXBARH", 0x00000000, 0x0000000f},
    {0x90, 1, "PAM0", 0x00, 0x30},
    {0x91, 4, "PAM1-4", 0x00000000, 0x33333333},
    {0x95, 2, "PAM5-6", 0x0000, 0x3333},
    {0x97, 1, "LAC", 0x00, 0x81},
    // The lock makes this one more than a mask: config_written() has the rest.
    {0x9d, 1, "SMRAM", 0x02, 0x78},
    {0x9e, 1, "ESMRAMC", 0x38},
    {0xa0, 2, "TOM", 0x0001, 0x03ff},
    {0xa2, 2, "TOUUD", 0x0000, 0xffff},
    {0xb0, 2, "TOLUD", 0x0010, 0xfff0},
    {0xc8, 2, "ERRSTS", 0x0000, 0x0000, 0x1fff},
    {0xca, 2, "ERRCMD", 0x0000, 0x1fff},
    {0xcc, 2, "SMICMD", 0x0000, 0x0003},
    {0xdc, 4, "SKPD", 0x00000000, 0xffffffff},
};

bool touches(uint8_t offset, unsigned size, unsigned first, unsigned count) {
    return offset < first + count && offset + size > first;
}

}  // namespace

Q35Mch::Q35Mch(const Deps& deps)
    : PciDevice(deps.context, kIdentity, kRegisters, {}),
      shadow_(deps.memory_root, deps.ram),
      ecam_(deps.pci_window, deps.bus),
      smram_control_(config().byte(kQ35Smram)) {}

std::optional<Ecam::Place> Q35Mch::ecam_place() const {
    const uint32_t low = config().read(kPciExBar, 4);
    const uint64_t high = config().read(kPciExBar + 4, 4);
    const unsigned length = low >> 1 & 3;
    if ((low & 1) == 0 || length == 3) return std::nullopt;
    const uint64_t size = (uint64_t{256} << 20) >> length;
    return Ecam::Place{((high << 32) | low) & ~(size - 1), size};
}

void Q35Mch::apply() {
    const std::optional<Ecam::Place> place = ecam_place();
    bool changed = shadow_.apply(pam_registers(config(), kQ35Pam0), config().byte(kQ35Smram));
    if (ecam_.move_to(place)) {
        trace::q35_mmcfg(place ? place->base : 0, place ? place->size : 0);
        changed = true;
    }
    smram_control_ = config().byte(kQ35Smram);
    if (changed) context().memory.rebuild();
}

void Q35Mch::config_written(uint8_t offset, unsigned size) {
    if (touches(offset, size, kQ35Smram, 1)) {
        uint8_t written = config().byte(kQ35Smram);
        mutable_config().set(kQ35Smram, 1, smram_after_write(smram_control_, written));
    }
    if (touches(offset, size, kQ35Pam0, kPamRegisterCount) || touches(offset, size, kQ35Smram, 1) ||
        touches(offset, size, kPciExBar, 8)) {
        apply();
    }
}

void Q35Mch::reset() {
    reset_pci();
    apply();
}

void Q35Mch::restore(const Q35MchState& state) {
    restore_pci(state.config);
    apply();
}

}  // namespace qc::hw
