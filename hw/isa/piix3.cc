// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/isa/piix3.h"

#include <algorithm>

#include "hw/isa/trace.h"
#include "util/assert.h"

namespace qc::hw {

namespace {

constexpr uint8_t kPirqRouteControl = 0x60;  // four bytes, PIRQA-PIRQD
constexpr uint8_t kRouteDisabled = 0x80;
constexpr uint8_t kRouteIrq = 0x0f;
constexpr uint8_t kResetSystem = 0x02;  // hard rather than soft
constexpr uint8_t kResetCpu = 0x04;     // rising: do it

constexpr PciIdentity kIdentity = {
    .vendor = 0x8086,
    .device = 0x7000,
    .class_code = 0x060100,
    .header_type = 0x80,  // function 0 of several
};

constexpr PciRegister kRegisters[] = {
    // I/O, memory and bus mastering cannot be switched off.
    {0x04, 2, "PCICMD", 0x0007, 0x0108},
    {0x06, 2, "PCISTS", 0x0200, 0, 0xf900},
    {0x4c, 1, "IORT", 0x4d, 0xff},
    {0x4e, 2, "XBCS", 0x0003, 0xffff},
    {0x60, 4, "PIRQRC", 0x80808080, 0x8f8f8f8f},
    {0x69, 1, "TOM", 0x02, 0xfe},
    {0x6a, 2, "MSTAT", 0x0000, 0x0065, 0x8000},
    {0x70, 1, "MBIRQ0", 0x80, 0xef},
    {0x76, 2, "MBDMA", 0x0c0c, 0x8f8f},
    {0x78, 2, "PCSC", 0x0002, 0xffff},
    {0x80, 1, "APICBASE", 0x00, 0x7f},
    {0x82, 1, "DLC", 0x00, 0x0f},
    {0xa0, 1, "SMICNTL", 0x08, 0x1f},
    {0xa2, 2, "SMIEN", 0x0000, 0x01ff},
    {0xa4, 4, "SEE", 0x00000000, 0xffffffff},
    {0xa8, 1, "FTMR", 0x0f, 0xff},
    {0xaa, 2, "SMIREQ", 0x0000, 0x01ff},
    {0xac, 1, "CTLTMR", 0x00, 0xff},
    {0xae, 1, "CTHTMR", 0x00, 0xff},
};

}  // namespace

Piix3::Piix3(const Deps& deps)
    : PciDevice(deps.context, kIdentity, kRegisters, {}), irqs_(deps.irqs), machine_(deps.machine) {
    irqs_.add_driver(*this);
}

std::optional<unsigned> Piix3::routed_to(unsigned pirq) const {
    uint8_t route = config().byte(static_cast<uint8_t>(kPirqRouteControl + (pirq & 3)));
    if ((route & kRouteDisabled) != 0) return std::nullopt;
    return route & kRouteIrq;
}

void Piix3::pin_connected(unsigned pirq, const IrqLine& pin) {
    QC_ASSERT(pirq < pins_.size());
    pins_[pirq].push_back(&pin);
}

void Piix3::pin_disconnected(unsigned pirq, const IrqLine& pin) {
    QC_ASSERT(pirq < pins_.size());
    std::erase(pins_[pirq], &pin);
    pin_changed(pirq);
}

void Piix3::pin_changed(unsigned pirq) {
    if (std::optional<unsigned> irq = routed_to(pirq)) irqs_.update(*irq);
}

bool Piix3::drives(unsigned irq) const {
    for (unsigned pirq = 0; pirq < pins_.size(); ++pirq) {
        if (routed_to(pirq) == irq && std::ranges::any_of(pins_[pirq], &IrqLine::level)) {
            return true;
        }
    }
    return false;
}

void Piix3::config_written(uint8_t offset, unsigned size) {
    if (offset >= kPirqRouteControl + 4 || offset + size <= kPirqRouteControl) return;
    for (unsigned pirq = 0; pirq < pins_.size(); ++pirq)
        trace::piix3_route(pirq, config().byte(static_cast<uint8_t>(kPirqRouteControl + pirq)));
    // Wires may have left any interrupt and joined any other.
    for (unsigned irq = 0; irq < kIsaIrqCount; ++irq)
        irqs_.update(irq);
}

void Piix3::write_reset_control(uint8_t value) {
    trace::piix3_reset_control(value);
    bool starts = (value & kResetCpu) != 0;
    reset_control_ = value & kResetSystem;
    if (starts) machine_.request_guest_reset();
}

void Piix3::reset() {
    reset_pci();
    reset_control_ = 0;
    config_written(kPirqRouteControl, 4);
}

Result<void> Piix3::validate(const Piix3State& state) const {
    TRY(validate_pci(state.config));
    if ((state.reset_control & ~kResetSystem) != 0) {
        return fail("reset control {:#x} has reserved bits", state.reset_control);
    }
    return {};
}

void Piix3::restore(const Piix3State& state) {
    restore_pci(state.config);
    reset_control_ = state.reset_control;
}

}  // namespace qc::hw
