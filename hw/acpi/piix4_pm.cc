// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/acpi/piix4_pm.h"

namespace qc::hw {

namespace {

constexpr uint8_t kPmBase = 0x40;
constexpr uint8_t kPmRegMisc = 0x80;
constexpr uint8_t kPmIoSpaceEnable = 0x01;
constexpr uint32_t kPmBaseAddress = 0xffc0;

constexpr uint16_t kGpePort = 0xafe0;
constexpr uint16_t kApmPort = 0x00b2;
constexpr uint16_t kHotplugPort = 0xae00;
constexpr unsigned kHotplugEvent = 1;

constexpr PciIdentity kIdentity = {
    .vendor = 0x8086,
    .device = 0x7113,
    .revision = 3,
    .class_code = 0x068000,
    .interrupt_pin = 1,
};

constexpr PciRegister kRegisters[] = {
    {0x04, 2, "PCICMD", 0x0000, 0x0001},
    {0x06, 2, "PCISTS", 0x0280, 0, 0x0800},
    {0x40, 4, "PMBA", 0x00000001, kPmBaseAddress},
    {0x44, 4, "CNTA", 0, 0xffffffff},
    {0x48, 4, "CNTB", 0, 0x003fffff},
    {0x4c, 4, "GPICTL", 0, 0xffffffff},
    {0x50, 4, "DEVRESD", 0, 0x00ffffff},
    {0x54, 4, "DEVACTA", 0, 0xffffffff},
    // APMC_EN, bit 25: firmware takes it for "system management mode is set up".
    {0x58, 4, "DEVACTB", 0x02000000, 0x03ffffff},
    {0x5c, 4, "DEVRESA", 0, 0xffffffff},
    {0x60, 4, "DEVRESB", 0, 0xffffffff},
    {0x64, 4, "DEVRESC", 0, 0xffffffff},
    {0x68, 4, "DEVRESE", 0, 0xffffffff},
    {0x6c, 4, "DEVRESF", 0, 0xffffffff},
    {0x70, 4, "DEVRESG", 0, 0xffffffff},
    {0x74, 4, "DEVRESH", 0, 0xffffffff},
    {0x78, 4, "DEVRESI", 0, 0xffffffff},
    {0x7c, 4, "DEVRESJ", 0, 0xffffffff},
    {0x80, 1, "PMREGMISC", 0, kPmIoSpaceEnable},
    {0x90, 4, "SMBBA", 0x00000001, 0xfff0},
    {0xd2, 1, "SMBHSTCFG", 0, 0x0f},
    {0xd3, 1, "SMBSLVC", 0, 0xff},
    {0xd4, 1, "SMBSHDW1", 0, 0xff},
    {0xd5, 1, "SMBSHDW2", 0, 0xff},
};

}  // namespace

Piix4Pm::Piix4Pm(const DeviceContext& context, MachinePort& machine, const AcpiSleepStates& sleeps)
    : PciDevice(context, kIdentity, kRegisters, {}),
      machine_(machine),
      core_({.commands = {}, .sleeps = sleeps}),
      timer_(context.virtual_timers, [this] { timer_due(); }),
      block_(memory::MemoryRegion::io("acpi-pm", AcpiPmCore::kBlockSize, *this)),
      gpe_ports_(*this, context.io_root, "acpi-gpe0", kGpePort, AcpiPmCore::kGpeSize),
      apm_ports_(*this, context.io_root, "apm", kApmPort, 2),
      hotplug_ports_(*this, context.io_root, "acpi-pci-hotplug", kHotplugPort,
                     PciHotplugCore::kSize) {}

Piix4Pm::~Piix4Pm() {
    if (mapped_) context().io_root.remove_child(block_);
}

void Piix4Pm::reset() {
    reset_pci();
    core_.reset(now_ns());
    hotplug_.reset();
    update_mapping();
    update_outputs();
    note_eject();
}

void Piix4Pm::reset_after_sleep() {
    reset_pci();
    core_.reset_after_sleep(now_ns());
    update_mapping();
    update_outputs();
}

void Piix4Pm::plugged(unsigned slot) {
    hotplug_.plugged(slot);
    core_.raise_gpe(kHotplugEvent);
    update_outputs();
}

void Piix4Pm::ask_back(unsigned slot) {
    hotplug_.ask_back(slot);
    core_.raise_gpe(kHotplugEvent);
    update_outputs();
}

void Piix4Pm::write_hotplug(unsigned offset, uint8_t value) {
    if (hotplug_.write(offset, value)) note_eject();
}

void Piix4Pm::note_eject() {
    if (eject_changed_) eject_changed_();
}

void Piix4Pm::press_power_button() {
    core_.press_power_button();
    update_outputs();
}

void Piix4Pm::note_rtc_alarm() {
    core_.note_rtc_alarm();
    update_outputs();
}

uint64_t Piix4Pm::io_read(uint64_t offset, unsigned size) {
    uint32_t value = core_.read(static_cast<unsigned>(offset), size, now_ns());
    update_outputs();
    return value;
}

void Piix4Pm::io_write(uint64_t offset, unsigned size, uint64_t value) {
    AcpiPmCore::Action action =
        core_.write(static_cast<unsigned>(offset), size, static_cast<uint32_t>(value), now_ns());
    update_outputs();
    ask_for(action, machine_);
}

void Piix4Pm::write_gpe(unsigned offset, uint8_t value) {
    core_.write_gpe(offset, value);
    update_outputs();
}

void Piix4Pm::write_apm(unsigned offset, uint8_t value) {
    core_.write_apm(offset, value);
    update_outputs();
}

void Piix4Pm::config_written(uint8_t, unsigned) {
    update_mapping();
}

void Piix4Pm::update_mapping() {
    std::optional<uint64_t> wanted;
    if ((config().byte(kPmRegMisc) & kPmIoSpaceEnable) != 0) {
        uint64_t base = config().read(kPmBase, 4) & kPmBaseAddress;
        if (base != 0) wanted = base;
    }
    if (wanted == mapped_) return;
    if (mapped_) context().io_root.remove_child(block_);
    if (wanted) context().io_root.add_child(*wanted, block_);
    mapped_ = wanted;
    context().io.rebuild();
}

void Piix4Pm::update_outputs() {
    sci_.set(core_.sci_level());
    if (core_.wakes()) machine_.request_wake_up();
    if (auto next = core_.next_event_ns()) {
        timer_.arm_at_ns(*next);
    } else {
        timer_.cancel();
    }
}

void Piix4Pm::timer_due() {
    core_.advance(now_ns());
    update_outputs();
}

Result<void> Piix4Pm::validate(const Piix4PmState& state) const {
    TRY(validate_pci(state.config));
    TRY(core_.validate(state.pm));
    return hotplug_.validate(state.hotplug);
}

void Piix4Pm::restore(const Piix4PmState& state) {
    restore_pci(state.config);
    core_.restore(state.pm);
    hotplug_.restore(state.hotplug);
    note_eject();
    update_mapping();
    sci_.restore(core_.sci_level());
    if (auto next = core_.next_event_ns()) {
        timer_.arm_at_ns(*next);
    } else {
        timer_.cancel();
    }
}

}  // namespace qc::hw
