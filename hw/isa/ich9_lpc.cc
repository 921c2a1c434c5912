// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/isa/ich9_lpc.h"

#include <algorithm>

#include "hw/isa/trace.h"
#include "util/assert.h"

namespace qc::hw {

namespace {

constexpr uint8_t kPmBase = 0x40;
constexpr uint32_t kPmBaseAddress = 0xff80;
constexpr uint8_t kAcpiControl = 0x44;
constexpr uint8_t kAcpiEnable = 0x80;
constexpr uint8_t kSciSelect = 0x07;
constexpr uint8_t kRoutesA = 0x60;  // PIRQA-PIRQD
constexpr uint8_t kRoutesE = 0x68;  // PIRQE-PIRQH
constexpr uint8_t kRouteDisabled = 0x80;
constexpr uint8_t kRouteIrq = 0x0f;
constexpr uint8_t kPmConfiguration1 = 0xa0;
constexpr uint16_t kSmiLock = 0x0010;
constexpr uint8_t kRcba = 0xf0;
constexpr uint32_t kRcbaAddress = 0xffffc000;
constexpr uint32_t kRcbaEnable = 0x00000001;

constexpr uint8_t kResetSystem = 0x02;  // hard rather than soft
constexpr uint8_t kResetCpu = 0x04;     // rising: do it
constexpr uint8_t kResetFull = 0x08;    // with the power taken away

constexpr uint16_t kApmPort = 0x00b2;

constexpr PciIdentity kIdentity = {
    .vendor = 0x8086,
    .device = 0x2918,
    .revision = 0x02,
    .class_code = 0x060100,
    .header_type = 0x80,  // function 0 of several
};

constexpr PciRegister kRegisters[] = {
    // I/O, memory and bus mastering cannot be switched off.
    {0x04, 2, "PCICMD", 0x0007, 0x0100},
    {0x06, 2, "PCISTS", 0x0200, 0, 0xf900},
    {0x40, 4, "PMBASE", 0x00000001, kPmBaseAddress},
    {0x44, 1, "ACPI_CNTL", 0x00, kAcpiEnable | kSciSelect},
    {0x60, 4, "PIRQA-D", 0x80808080, 0x8f8f8f8f},
    {0x64, 1, "SIRQ_CNTL", 0x10, 0xff},
    {0x68, 4, "PIRQE-H", 0x80808080, 0x8f8f8f8f},
    {0x80, 2, "LPC_I/O_DEC", 0x0000, 0x1377},
    {0x82, 2, "LPC_EN", 0x0000, 0x3f0f},
    {0x84, 4, "GEN1_DEC", 0x00000000, 0x00fcfffd},
    {0x88, 4, "GEN2_DEC", 0x00000000, 0x00fcfffd},
    {0x8c, 4, "GEN3_DEC", 0x00000000, 0x00fcfffd},
    {0x90, 4, "GEN4_DEC", 0x00000000, 0x00fcfffd},
    // The lock is set once: config_written() has the rest.
    {0xa0, 2, "GEN_PMCON_1", 0x0000, 0x0ebf},
    {0xa2, 1, "GEN_PMCON_2", 0x00, 0x00, 0xff},
    {0xa4, 2, "GEN_PMCON_3", 0x0000, 0xffff},
    {0xdc, 1, "BIOS_CNTL", 0x00, 0x1f},
    {0xf0, 4, "RCBA", 0x00000000, kRcbaAddress | kRcbaEnable},
};

bool touches(uint8_t offset, unsigned size, unsigned first, unsigned count) {
    return offset < first + count && offset + size > first;
}

}  // namespace

Ich9Lpc::Ich9Lpc(const Deps& deps)
    : PciDevice(deps.context, kIdentity, kRegisters, {}),
      pci_window_(deps.pci_window),
      irqs_(deps.irqs),
      pirq_pins_(deps.pirq_pins),
      machine_(deps.machine),
      reports_(deps.reports),
      pm_(deps.sleeps),
      timer_(deps.context.virtual_timers,
             [this] {
                 advance();
                 update_pm_outputs();
             }),
      pm_region_(memory::MemoryRegion::io("ich9-pm", Ich9PmCore::kBlockSize, pm_ports_)),
      chipset_region_(
          memory::MemoryRegion::io("lpc-rcrb-mmio", Ich9ChipsetConfig::kSize, chipset_window_)),
      apm_ports_(*this, deps.context.io_root, "apm", kApmPort, 2) {
    irqs_.add_driver(isa_driver_);
    pirq_pins_.add_driver(pin_driver_);
    pm_.reset(now_ns());
}

Ich9Lpc::~Ich9Lpc() {
    if (pm_mapped_) context().io_root.remove_child(pm_region_);
    if (chipset_mapped_) pci_window_.remove_child(chipset_region_);
}

std::optional<unsigned> Ich9Lpc::routed_to(unsigned pirq) const {
    const unsigned at = pirq < 4 ? kRoutesA + pirq : kRoutesE + (pirq & 3);
    const uint8_t route = config().byte(static_cast<uint8_t>(at));
    if ((route & kRouteDisabled) != 0) return std::nullopt;
    return route & kRouteIrq;
}

unsigned Ich9Lpc::input_of(uint8_t devfn, uint8_t pin) const {
    return (devfn >> 3) * 4u + (pin - 1u);
}

void Ich9Lpc::pin_connected(unsigned input, const IrqLine& pin) {
    QC_ASSERT(input < pins_.size());
    pins_[input].push_back(&pin);
}

void Ich9Lpc::pin_disconnected(unsigned input, const IrqLine& pin) {
    QC_ASSERT(input < pins_.size());
    std::erase(pins_[input], &pin);
    pin_changed(input);
}

void Ich9Lpc::pin_changed(unsigned input) {
    const unsigned pirq = chipset_.pirq_of(input / 4, input % 4 + 1);
    pirq_pins_.update(pirq);
    if (std::optional<unsigned> irq = routed_to(pirq)) irqs_.update(*irq);
}

bool Ich9Lpc::pirq_level(unsigned pirq) const {
    for (unsigned input = 0; input < pins_.size(); ++input) {
        if (pins_[input].empty() || chipset_.pirq_of(input / 4, input % 4 + 1) != pirq) continue;
        if (std::ranges::any_of(pins_[input], &IrqLine::level)) return true;
    }
    return false;
}

// Counted as the I/O APIC's pins are; reserved selections mean the usual 9.
unsigned Ich9Lpc::sci_wire() const {
    switch (config().byte(kAcpiControl) & kSciSelect) {
        case 1: return 10;
        case 2: return 11;
        case 4: return 20;
        case 5: return 21;
        default: return 9;
    }
}

bool Ich9Lpc::drives_isa(unsigned irq) const {
    if (sci_ && sci_wire() == irq) return true;
    for (unsigned pirq = 0; pirq < kPirqs; ++pirq) {
        if (routed_to(pirq) == irq && pirq_level(pirq)) return true;
    }
    return false;
}

bool Ich9Lpc::drives_pin(unsigned wire) const {
    if (sci_ && sci_wire() == kFirstPirqPin + wire) return true;
    return pirq_level(wire);
}

// After routes changed: pins may have left any wire and joined any other.
void Ich9Lpc::update_wires() {
    for (unsigned irq = 0; irq < kIsaIrqCount; ++irq)
        irqs_.update(irq);
    for (unsigned pirq = 0; pirq < kPirqs; ++pirq)
        pirq_pins_.update(pirq);
}

void Ich9Lpc::config_written(uint8_t offset, unsigned size) {
    if (touches(offset, size, kPmConfiguration1, 1)) {
        // Once set, SMI_LOCK stays until reset; the mask has let everything else in.
        const uint32_t locked = config().read(kPmConfiguration1, 2);
        if (smi_locked_) mutable_config().set(kPmConfiguration1, 2, locked | kSmiLock);
        smi_locked_ = (config().read(kPmConfiguration1, 2) & kSmiLock) != 0;
    }
    if (touches(offset, size, kRoutesA, 4) || touches(offset, size, kRoutesE, 4) ||
        touches(offset, size, kAcpiControl, 1)) {
        for (unsigned pirq = 0; pirq < kPirqs; ++pirq)
            trace::ich9_route(pirq, routed_to(pirq).value_or(kRouteDisabled));
        update_wires();
    }
    update_mappings();
}

bool Ich9Lpc::update_pm_mapping() {
    std::optional<uint64_t> wanted;
    if ((config().byte(kAcpiControl) & kAcpiEnable) != 0) {
        const uint64_t base = config().read(kPmBase, 4) & kPmBaseAddress;
        if (base != 0) wanted = base;
    }
    if (wanted == pm_mapped_) return false;
    if (pm_mapped_) context().io_root.remove_child(pm_region_);
    if (wanted) context().io_root.add_child(*wanted, pm_region_);
    pm_mapped_ = wanted;
    return true;
}

bool Ich9Lpc::update_chipset_mapping() {
    std::optional<uint64_t> wanted;
    const uint32_t rcba = config().read(kRcba, 4);
    if ((rcba & kRcbaEnable) != 0) wanted = rcba & kRcbaAddress;
    if (wanted == chipset_mapped_) return false;
    if (chipset_mapped_) pci_window_.remove_child(chipset_region_);
    if (wanted) pci_window_.add_child(*wanted, chipset_region_);
    chipset_mapped_ = wanted;
    return true;
}

void Ich9Lpc::update_mappings() {
    if (update_pm_mapping()) context().io.rebuild();
    if (update_chipset_mapping()) context().memory.rebuild();
}

// The watchdog may have expired on the way.
void Ich9Lpc::advance() {
    if (!pm_.advance(now_ns()) || chipset_.no_reboot()) return;
    trace::ich9_watchdog(2);
    if (reports_ != nullptr) {
        reports_->watchdog_expired();
    } else {
        machine_.request_guest_reset();
    }
}

void Ich9Lpc::arm_timer() {
    if (auto next = pm_.next_event_ns()) {
        timer_.arm_at_ns(*next);
    } else {
        timer_.cancel();
    }
}

void Ich9Lpc::update_pm_outputs() {
    const bool level = pm_.sci_level();
    if (level != sci_) {
        sci_ = level;
        const unsigned wire = sci_wire();
        if (wire < kIsaIrqCount) {
            irqs_.update(wire);
        } else {
            pirq_pins_.update(wire - kFirstPirqPin);
        }
    }
    if (pm_.wakes()) machine_.request_wake_up();
    arm_timer();
}

uint64_t Ich9Lpc::PmPorts::io_read(uint64_t offset, unsigned size) {
    lpc_.advance();
    const uint32_t value = lpc_.pm_.read(static_cast<unsigned>(offset), size, lpc_.now_ns());
    lpc_.update_pm_outputs();
    return value;
}

void Ich9Lpc::PmPorts::io_write(uint64_t offset, unsigned size, uint64_t value) {
    lpc_.advance();
    const Ich9PmCore::Action action = lpc_.pm_.write(static_cast<unsigned>(offset), size,
                                                     static_cast<uint32_t>(value), lpc_.now_ns());
    lpc_.update_pm_outputs();
    ask_for(action, lpc_.machine_);
}

uint64_t Ich9Lpc::ChipsetWindow::io_read(uint64_t offset, unsigned size) {
    return lpc_.chipset_.read(static_cast<uint32_t>(offset), size);
}

void Ich9Lpc::ChipsetWindow::io_write(uint64_t offset, unsigned size, uint64_t value) {
    lpc_.chipset_.write(static_cast<uint32_t>(offset), size, static_cast<uint32_t>(value));
    lpc_.update_wires();
}

void Ich9Lpc::write_apm(unsigned offset, uint8_t value) {
    pm_.write_apm(offset, value);
    update_pm_outputs();
}

void Ich9Lpc::press_power_button() {
    pm_.press_power_button();
    update_pm_outputs();
}

void Ich9Lpc::note_rtc_alarm() {
    pm_.note_rtc_alarm();
    update_pm_outputs();
}

void Ich9Lpc::write_reset_control(uint8_t value) {
    trace::ich9_reset_control(value);
    const bool starts = (value & kResetCpu) != 0;
    reset_control_ = value & (kResetSystem | kResetFull);
    if (starts) machine_.request_guest_reset();
}

// Configuration stays as it is: SeaBIOS sets it up again after the first sleep only. From
// the second on it switches off the window by which it does so.
void Ich9Lpc::reset_after_sleep() {
    pm_.reset_after_sleep(now_ns());
    reset_control_ = 0;
    update_pm_outputs();
}

void Ich9Lpc::reset() {
    reset_pci();
    pm_.reset(now_ns());
    chipset_.reset();
    reset_control_ = 0;
    smi_locked_ = false;
    update_mappings();
    update_pm_outputs();
    update_wires();
}

Ich9LpcState Ich9Lpc::save() const {
    return {.config = config().state(),
            .pm = pm_.state(),
            .chipset = chipset_.state(),
            .reset_control = reset_control_};
}

Result<void> Ich9Lpc::validate(const Ich9LpcState& state) const {
    TRY(validate_pci(state.config));
    TRY(pm_.validate(state.pm));
    TRY(chipset_.validate(state.chipset));
    if ((state.reset_control & ~(kResetSystem | kResetFull)) != 0) {
        return fail("reset control {:#x} has reserved bits", state.reset_control);
    }
    return {};
}

void Ich9Lpc::restore(const Ich9LpcState& state) {
    restore_pci(state.config);
    pm_.restore(state.pm);
    chipset_.restore(state.chipset);
    reset_control_ = state.reset_control;
    smi_locked_ = (config().read(kPmConfiguration1, 2) & kSmiLock) != 0;
    // The wires load their own levels.
    sci_ = pm_.sci_level();
    update_mappings();
    arm_timer();
}

}  // namespace qc::hw
