// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/i440fx.h"

namespace qc::hw {

namespace {

constexpr PciIdentity kIdentity = {
    .vendor = 0x8086,
    .device = 0x1237,
    .revision = 0x02,
    .class_code = 0x060000,
};

constexpr PciRegister kRegisters[] = {
    // Memory and bus mastering cannot be switched off.
    {0x04, 2, "PCICMD", 0x0006, 0x0100},
    {0x06, 2, "PCISTS", 0x0280, 0, 0xf900},
    {0x50, 2, "PMCCFG", 0x0000, 0xffff},
    {0x52, 1, "DETURBO", 0x00, 0xff},
    {0x53, 1, "DBC", 0x80, 0xff},
    {0x54, 1, "AXC", 0x00, 0x87},
    {0x55, 2, "DRT", 0x0000, 0xffff},
    {0x57, 1, "DRAMC", 0x01, 0xff},
    {0x58, 1, "DRAMT", 0x10, 0xff},
    {0x59, 1, "PAM0", 0x00, 0x30},
    {0x5a, 4, "PAM1-4", 0x00000000, 0x33333333},
    {0x5e, 2, "PAM5-6", 0x0000, 0x3333},
    {0x60, 4, "DRB0-3", 0x01010101, 0xffffffff},
    {0x64, 4, "DRB4-7", 0x01010101, 0xffffffff},
    {0x68, 1, "FDHC", 0x00, 0xc0},
    {0x70, 1, "MTT", 0x00, 0xff},
    {0x71, 1, "CLT", 0x00, 0xff},
    // The lock makes this one more than a mask: config_written() has the rest.
    {kSmramControl, 1, "SMRAM", 0x02, 0x78},
    {0x90, 1, "ERRCMD", 0x00, 0xfb},
    {0x91, 1, "ERRSTS", 0x00, 0x00, 0x13},
};

bool touches(uint8_t offset, unsigned size, unsigned first, unsigned count) {
    return offset < first + count && offset + size > first;
}

}  // namespace

I440fx::I440fx(const Deps& deps)
    : PciDevice(deps.context, kIdentity, kRegisters, {}),
      shadow_(deps.memory_root, deps.ram),
      smram_control_(config().byte(kSmramControl)) {}

void I440fx::apply() {
    bool changed = shadow_.apply(pam_registers(config(), kPam0), config().byte(kSmramControl));
    smram_control_ = config().byte(kSmramControl);
    if (changed) context().memory.rebuild();
}

void I440fx::config_written(uint8_t offset, unsigned size) {
    if (touches(offset, size, kSmramControl, 1)) {
        uint8_t written = config().byte(kSmramControl);
        mutable_config().set(kSmramControl, 1, smram_after_write(smram_control_, written));
    }
    if (touches(offset, size, kPam0, kPamRegisterCount) ||
        touches(offset, size, kSmramControl, 1)) {
        apply();
    }
}

void I440fx::reset() {
    reset_pci();
    apply();
}

void I440fx::restore(const I440fxState& state) {
    restore_pci(state.config);
    apply();
}

}  // namespace qc::hw
