// SPDX-License-Identifier: GPL-2.0-or-later
//
// A whole PC, `pc` or `q35` by its chipset, put together from parts: memory map,
// interrupt controllers (our own, or the host kernel's), timers, CMOS contents,
// PCI with its functions in QEMU's slots, fw_cfg, disks, serial ports and what
// `-device` adds. It owns every device, registers their state components
// and resets them; vCPUs are the accelerator's and are reset by the machine.
//
// How a machine is started with it:
//   1. address spaces, RAM list and accelerator exist; vCPUs have been created
//   2. PcBoard::create()
//   3. vcpu[i].connect_apic(*board.apic(i)), unless the kernel has the irqchip
//   4. accelerator.attach_memory(), reset of the vCPUs, board.reset()
//
// Threading: machine lock. Owned by system::Machine; dies before everything in
// Deps, with the vCPUs stopped and the disks drained.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hw/acpi/acpi_pm_core.h"
#include "hw/acpi/power_management.h"
#include "hw/core/cpu_port.h"
#include "hw/core/device.h"
#include "hw/core/device_context.h"
#include "hw/core/float_error_pin.h"
#include "hw/core/gpio_pins.h"
#include "hw/core/guest_reports.h"
#include "hw/core/kernel_irqchip.h"
#include "hw/core/machine_port.h"
#include "hw/core/processor_start.h"
#include "hw/i386/boot_files.h"
#include "hw/i386/pc_chipset_kind.h"
#include "hw/i386/pc_cpus.h"
#include "hw/smbios/smbios_config.h"
#include "memory/ram_list.h"
#include "qom/object_type.h"
#include "state/registry.h"
#include "util/result.h"

namespace qc {
class EntropySource;
}
namespace qc::block {
class DriveTable;
struct Drive;
}  // namespace qc::block
namespace qc::chardev {
class Chardev;
}
namespace qc::qom {
class GlobalProperties;
}

namespace qc::hw {

// What `-device` asks for: a type out of register_pc_device_types().
struct DeviceRequest {
    const qom::ObjectType* type = nullptr;
    qom::PropertyValues properties;
    std::string id;
    std::string bus;  // its name; empty: whichever fits
};

// A device that somebody asked for, and what became of its properties.
struct PcDeviceRecord {
    // By -device or device_add; else it is what -drive or -serial stands for.
    bool by_name = true;
    const qom::ObjectType* type = nullptr;
    qom::PropertyValues properties;
    std::string id;
    std::string bus;
    Device* device = nullptr;  // an IDE drive's: its controller
    block::Drive* drive = nullptr;
};

// The types that a user may plug into this board.
void register_pc_device_types(qom::TypeRegistry& types);

class PciBus;

class PcBoard {
 public:
    struct Config {
        PcChipsetKind chipset = PcChipsetKind::kI440fx;
        uint64_t ram_bytes = 0;
        // The RAM, if it is there already: pieces one behind the other, together of that size.
        std::vector<memory::RamMemory> ram;
        // Without places: those of Deps::cpus, flat.
        PcCpus cpus;
        PcNuma numa;
        bool hpet = true;
        std::vector<std::byte> firmware;
        // COM1 to COM4; a port without a back end does not exist.
        std::array<chardev::Chardev*, 4> serials{};
        std::vector<DeviceRequest> devices;
        // Letters as `-boot order=` has them: c disk, a floppy, d CD-ROM, n network.
        std::string boot_order = "cad";
        bool boot_menu = false;
        // Boot from nothing that has no boot index.
        bool boot_strict = false;
        std::optional<uint16_t> boot_menu_wait_ms = {};
        std::optional<uint16_t> boot_retry_ms = {};  // nothing: a failed boot is the end
        std::optional<std::array<uint8_t, 16>> uuid;
        // The machine's type as firmware tables name it: "pc-i440fx-9.0".
        std::string product;
        // `-kernel`, `-initrd`, `-append`.
        std::optional<KernelFiles> kernel_files;
        // Without `firmware`: start_kernel() does its work.
        bool direct_kernel = false;
        // The real-time clock follows the guest's time, not the host's.
        bool rtc_on_guest_time = false;
        int64_t rtc_offset_s = 0;  // the calendar's time minus that clock's
        SmbiosConfig smbios;
        uint64_t processor_id = 0;  // CPUID leaf 1: EAX, EDX
        AcpiSleepStates sleeps = {};
    };
    struct Deps {
        const DeviceContext& context;
        memory::MemoryRegion& memory_root;  // the root of context.memory
        memory::RamList& ram;
        state::Registry& states;
        MachinePort& machine;
        std::span<CpuPort* const> cpus;
        KernelIrqchip* kernel_irqchip = nullptr;
        // The index of the vCPU whose access is being served; may be empty with one vCPU.
        std::function<unsigned()> current_cpu = {};
        block::DriveTable& drives;
        // `chardev=ID` of a device; null if there is no such back end.
        std::function<chardev::Chardev*(std::string_view id)> find_chardev;
        // `rng=ID` of a device; null if there is no such object.
        std::function<std::shared_ptr<EntropySource>(std::string_view id)> find_rng = {};
        // Null: panics are nobody's business, and a watchdog resets the machine.
        GuestReports* reports = nullptr;
        // What -global says; null: nothing.
        const qom::GlobalProperties* globals = nullptr;
        // The guest let devices go: take_ejected() should be called. Any thread.
        std::function<void()> devices_ejected = {};
    };
    // Errors name the device and the property, file or size at fault.
    static Result<std::unique_ptr<PcBoard>> create(const Config& config, const Deps& deps);
    ~PcBoard();

    // Everything but the vCPUs as after power-on.
    void reset();
    // The same when the machine wakes up: what was in memory stays, and the firmware goes
    // on with it.
    void reset_after_sleep();

    // With Config::direct_kernel: brings chipset and memory to where firmware hands over to
    // the kernel. After each reset(), with the vCPUs paused. Else it does nothing.
    void start_kernel();
    // What a processor begins with then, after its own reset; nothing: at its reset vector.
    std::optional<ProcessorStart> processor_start(unsigned cpu) const;

    // The local APIC of a vCPU; null when the host kernel has the irqchip.
    ApicPort* apic(unsigned cpu) const;
    // Of the first vCPU: nobody wired others.
    FloatErrorPin& float_error();

    // From the next reset on, as Config::boot_order has it; machine lock.
    Result<void> set_boot_order(std::string_view order);

    // The power button, and whether the guest sleeps.
    PowerManagement& power();
    // inject-nmi.
    void pulse_nmi();

    // While the machine goes on. Only PCI functions, and only on `pc`: "Bus 'X' does not support
    // hotplugging". What fails leaves nothing behind.
    Result<const PcDeviceRecord*> plug(const DeviceRequest& request);
    // Asks the guest to let it go. A reset of the machine takes it as well.
    Result<void> ask_back(const PcDeviceRecord& record);
    // Destroys what the guest has let go.
    std::vector<std::unique_ptr<PcDeviceRecord>> take_ejected();
    bool can_unplug(const PcDeviceRecord& record) const;
    // In the order in which they were asked for; each stays where it is while it exists.
    std::vector<const PcDeviceRecord*> records() const;
    // "pci.0" or "pcie.0".
    std::string_view pci_bus_name() const;

    // All devices, in the order in which they are reset and their state is saved.
    std::span<Device* const> devices() const;
    // By type name, or null: "ioapic" for the qtest server.
    Device* find_device(std::string_view type_name) const;
    // By the id given with -device, or null.
    Device* find_device_id(std::string_view id) const;
    // The id given with -device, or nothing.
    std::string_view device_id(const Device& device) const;
    // Its functions are among the devices; machine lock.
    PciBus& pci_bus();
    // The pins of a device that can be watched; machine lock.
    std::vector<GpioPins*> pins(const Device& device) const;

 private:
    struct Parts;
    explicit PcBoard(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace qc::hw
