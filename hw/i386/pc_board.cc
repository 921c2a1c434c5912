// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/pc_board.h"

#include <fmt/core.h>

#include <algorithm>

#include "block/drive_table.h"
#include "hw/char/debugcon.h"
#include "hw/char/isa_serial.h"
#include "hw/dma/i8237.h"
#include "hw/i386/direct/direct_boot.h"
#include "hw/i386/direct/reset_rom.h"
#include "hw/i386/pc_chipset.h"
#include "hw/i386/pc_cmos.h"
#include "hw/i386/pc_device_types.h"
#include "hw/i386/pc_fw_cfg.h"
#include "hw/i386/pc_interrupts.h"
#include "hw/i386/pc_memory.h"
#include "hw/i386/pc_virtio.h"
#include "hw/ide/ide_disk.h"
#include "hw/input/i8042.h"
#include "hw/isa/isa_irqs.h"
#include "hw/misc/a20_gate.h"
#include "hw/misc/float_error.h"
#include "hw/misc/isa_debug_exit.h"
#include "hw/misc/port92.h"
#include "hw/misc/pvpanic.h"
#include "hw/nvram/fw_cfg.h"
#include "hw/rtc/mc146818.h"
#include "hw/timer/hpet.h"
#include "hw/timer/pc_speaker.h"
#include "hw/virtio/virtio_blk_pci.h"
#include "qom/global_properties.h"
#include "util/bytes.h"

namespace qc::hw {

namespace {

constexpr unsigned kKeyboardIrq = 1;
constexpr unsigned kRtcIrq = 8;
constexpr unsigned kMouseIrq = 12;
constexpr unsigned kFloatErrorIrq = 13;

// The byte in CMOS that tells firmware why it was reset, and "out of a sleep".
constexpr unsigned kCmosResetCode = 0x0f;
constexpr uint8_t kResetToResume = 0xfe;

// I/O APIC inputs that the HPET's timers may use, as QEMU has them: 2, and on q35
// also 8 and the eight of the PIRQ# wires.
constexpr uint32_t kHpetRoutes = 0x00000004;
constexpr uint32_t kHpetRoutesQ35 = 0x00ff0104;

std::unique_ptr<PcInterrupts> create_interrupts(const PcBoard::Deps& deps, const PcCpus& places) {
    if (deps.kernel_irqchip != nullptr) {
        return PcInterrupts::create_kernel(*deps.kernel_irqchip, deps.context.memory);
    }
    std::function<unsigned()> current = deps.current_cpu;
    if (!current) current = [] { return 0u; };
    return PcInterrupts::create_own({deps.context, deps.memory_root, deps.cpus, places, current});
}

// Firmware wakes a sleeping guest.
AcpiSleepStates sleeps_of(const PcBoard::Config& config) {
    AcpiSleepStates sleeps = config.sleeps;
    if (config.direct_kernel) sleeps.s3 = false;
    return sleeps;
}

}  // namespace

struct PcBoard::Parts {
    Parts(const Config& config, const Deps& board_deps, PcCpus cpu_places,
          std::unique_ptr<PcMemory> map);
    ~Parts();

    void wire();
    void add_hpet();
    Result<void> add_disks(const Config& config);
    Result<void> add_serials(const Config& config);
    Result<void> add_device(const DeviceRequest& request);
    Result<void> add_virtio_drives();
    Result<void> add_serial(IsaSerial::Config serial, unsigned irq, chardev::ChardevClaim backend);
    Result<void> add_requested_serial(const qom::PropertyValues& properties);
    Result<void> add_debugcon(const qom::PropertyValues& properties);
    Result<void> add_debug_exit(const qom::PropertyValues& properties);
    Result<void> add_pvpanic(const qom::PropertyValues& properties);
    Result<chardev::ChardevClaim> claim(const qom::PropertyValues& properties) const;
    Result<void> describe_to_firmware(const Config& config);
    void adopt(std::unique_ptr<Device> device);
    void record(const DeviceRequest& request, bool by_name);
    void record_disk(const IdeDisk& disk, qom::PropertyValues values, const DeviceRequest* request);
    Result<qom::PropertyValues> values_for(const qom::ObjectType& type) const;
    Result<void> check_bus(const DeviceRequest& request) const;
    void watch_ejections();
    void list_devices();
    void register_states(Device& device);
    void bring_in(Device& device);
    void take_away(Device& device);
    const PcDeviceRecord* record_of(std::string_view id) const;
    std::string_view pci_bus_name() const {
        return chipset_kind == PcChipsetKind::kQ35 ? "pcie.0" : "pci.0";
    }

    Deps deps;
    const PcChipsetKind chipset_kind;
    DeviceContext context;
    std::vector<CpuPort*> cpus;
    PcCpus places;
    std::unique_ptr<PcMemory> memory;
    std::unique_ptr<PcInterrupts> interrupts;
    IsaIrqs wires;
    A20Gate a20;
    std::unique_ptr<PcChipset> chipset;
    std::unique_ptr<Hpet> hpet;
    PcSpeaker speaker;
    Mc146818 rtc;
    I8042 keyboard;
    Port92 port92;
    FloatError float_error;
    I8237Pair dma;
    FwCfg fw_cfg;
    std::unique_ptr<DirectBoot> direct_boot;
    IdeDisks disks;
    PcVirtio virtio;
    std::vector<std::unique_ptr<Device>> added;
    uint16_t pvpanic_port = 0;  // 0: there is none
    std::vector<std::unique_ptr<PcDeviceRecord>> records;
    unsigned serial_ports_used = 0;  // a bit for each index
    std::vector<Device*> devices;
    std::vector<state::StateComponent*> registered;
};

PcBoard::Parts::Parts(const Config& config, const Deps& board_deps, PcCpus cpu_places,
                      std::unique_ptr<PcMemory> map)
    : deps(board_deps),
      chipset_kind(config.chipset),
      context(board_deps.context),
      cpus(board_deps.cpus.begin(), board_deps.cpus.end()),
      places(std::move(cpu_places)),
      memory(std::move(map)),
      interrupts(create_interrupts(board_deps, places)),
      wires([this](unsigned irq, bool level) { interrupts->set_irq(irq, level); }),
      a20([this](bool enabled) {
          for (CpuPort* cpu : cpus)
              cpu->set_a20_enabled(enabled);
      }),
      chipset(PcChipset::create(config.chipset, {context, *memory, *interrupts, wires, deps.machine,
                                                 sleeps_of(config), deps.reports})),
      speaker(context, interrupts->timer_channel2()),
      rtc({.clock = config.rtc_on_guest_time ? Mc146818::ClockSource::kVirtual
                                             : Mc146818::ClockSource::kHost,
           .offset_s = config.rtc_offset_s},
          context),
      keyboard(context, {deps.machine, a20}),
      port92(context, {deps.machine, a20}),
      float_error(context),
      dma(context),
      fw_cfg(context),
      disks(pc_disk_controller(config.chipset)),
      virtio({.context = context,
              .msi = *interrupts,
              .bus = chipset->pci_bus(),
              .drives = deps.drives,
              .cpus = static_cast<unsigned>(cpus.size()),
              .find_rng = deps.find_rng}) {}

PcBoard::Parts::~Parts() {
    for (state::StateComponent* component : registered)
        deps.states.remove(*component);
    wires.disconnect_all();
    if (IsaIrqs* high_wires = chipset->high_wires()) high_wires->disconnect_all();
}

void PcBoard::Parts::wire() {
    interrupts->connect_timer(wires);
    wires.connect(kKeyboardIrq, keyboard.keyboard_irq());
    wires.connect(kMouseIrq, keyboard.mouse_irq());
    wires.connect(kRtcIrq, rtc.irq());
    wires.connect(kFloatErrorIrq, float_error.irq());
    rtc.on_alarm([this] { chipset->power().note_rtc_alarm(); });
}

void PcBoard::Parts::add_hpet() {
    IsaIrqs* const high_wires = chipset->high_wires();
    hpet = std::make_unique<Hpet>(
        Hpet::Deps{context, memory->root(), high_wires != nullptr ? kHpetRoutesQ35 : kHpetRoutes,
                   wires, high_wires, [this](bool on) { interrupts->set_timer_replaced(on); }});
}

Result<void> PcBoard::Parts::add_disks(const Config& config) {
    for (const auto& drive : deps.drives.drives()) {
        if (drive->options.interface != block::DriveInterface::kIde) continue;
        auto values = TRY(values_for(IdeDisks::type_of(*drive)));
        TRY(disks.add_drive(*drive, values).context("drive '{}'", drive->options.id));
        record_disk(disks.disks().back(), std::move(values), nullptr);
    }
    for (const DeviceRequest& request : config.devices) {
        if (request.type != &kIdeHdType && request.type != &kIdeCdType) continue;
        TRY(disks.add_device(*request.type, request.id, request.properties, deps.drives)
                .context("-device {}", request.type->name));
        record_disk(disks.disks().back(), request.properties, &request);
    }
    for (const IdeDisk& disk : disks.disks())
        chipset->add_disk(disk);
    return {};
}

// What a device that nobody named begins with.
Result<qom::PropertyValues> PcBoard::Parts::values_for(const qom::ObjectType& type) const {
    if (deps.globals == nullptr) return qom::PropertyValues(type);
    return deps.globals->values_for(type);
}

void PcBoard::Parts::record_disk(const IdeDisk& disk, qom::PropertyValues values,
                                 const DeviceRequest* request) {
    auto entry = std::make_unique<PcDeviceRecord>();
    entry->type = disk.cdrom ? &kIdeCdType : &kIdeHdType;
    entry->properties = std::move(values);
    if (request != nullptr) entry->id = request->id;
    entry->by_name = request != nullptr;
    entry->bus = fmt::format("ide.{}", disk.channel);
    entry->device = &chipset->disk_controller();
    qom::PropertyValues& properties = entry->properties;
    properties.settle("bus", entry->bus);
    properties.settle("unit", disk.unit);
    properties.settle("drive", disk.backend->id());
    properties.settle("serial", disk.cdrom ? disk.cdrom->serial : disk.config.serial);
    if (!disk.cdrom) {
        properties.settle("cyls", disk.config.cylinders);
        properties.settle("heads", disk.config.heads);
        properties.settle("secs", disk.config.sectors_per_track);
    }
    records.push_back(std::move(entry));
}

// Of the device that was added last.
void PcBoard::Parts::record(const DeviceRequest& request, bool by_name) {
    auto entry = std::make_unique<PcDeviceRecord>();
    entry->by_name = by_name;
    entry->type = request.type;
    entry->properties = request.properties;
    entry->id = request.id;
    entry->device = added.back().get();
    entry->device->settle_properties(entry->properties);
    entry->bus = entry->device->as_pci() != nullptr ? pci_bus_name() : "isa.0";
    if (request.type == &kVirtioBlkPciType) {
        entry->drive = deps.drives.find(entry->properties.get_string("drive"));
        if (entry->drive != nullptr) entry->drive->device_id = entry->id;
    }
    records.push_back(std::move(entry));
}

void PcBoard::Parts::adopt(std::unique_ptr<Device> device) {
    added.push_back(std::move(device));
}

Result<void> PcBoard::Parts::add_serial(IsaSerial::Config serial, unsigned irq,
                                        chardev::ChardevClaim backend) {
    if (serial.index > IsaSerial::kMaxIndex) {
        return fail("a PC has {} serial ports", IsaSerial::kMaxIndex + 1);
    }
    if ((serial_ports_used >> serial.index & 1) != 0) {
        return fail("serial port {} exists already", serial.index);
    }
    if (irq >= kIsaIrqCount || irq == 2) return fail("there is no ISA interrupt {}", irq);
    serial_ports_used |= 1u << serial.index;
    auto device = std::make_unique<IsaSerial>(serial, context, std::move(backend));
    wires.connect(irq, device->irq());
    adopt(std::move(device));
    return {};
}

Result<void> PcBoard::Parts::add_serials(const Config& config) {
    for (unsigned index = 0; index < config.serials.size(); ++index) {
        if (config.serials[index] == nullptr) continue;
        const IsaSerial::Location place = IsaSerial::standard_location(index);
        auto backend = TRY(chardev::ChardevClaim::claim(*config.serials[index]));
        TRY(add_serial({.index = index, .port = place.port}, place.irq, std::move(backend)));
        DeviceRequest request{.type = &kIsaSerialType,
                              .properties = qom::PropertyValues(kIsaSerialType)};
        request.properties.settle("chardev", config.serials[index]->id());
        record(request, false);
    }
    return {};
}

namespace {

// A number of a property that has to be a port at which `count` ports fit.
Result<uint16_t> port_of(const qom::PropertyValues& properties, uint64_t count) {
    const uint64_t port = properties.get_uint("iobase");
    if (count >= 1 && count <= 0x10000 && port <= 0x10000 - count) {
        return static_cast<uint16_t>(port);
    }
    return fail("{} ports at iobase={:#x} are not in the I/O space", count, port);
}

}  // namespace

Result<chardev::ChardevClaim> PcBoard::Parts::claim(const qom::PropertyValues& properties) const {
    const std::string_view id = properties.get_string("chardev");
    if (id.empty()) return chardev::ChardevClaim{};
    chardev::Chardev* found = deps.find_chardev ? deps.find_chardev(id) : nullptr;
    if (found == nullptr) return fail("Property 'chardev' can't find value '{}'", id);
    return chardev::ChardevClaim::claim(*found);
}

Result<void> PcBoard::Parts::add_requested_serial(const qom::PropertyValues& properties) {
    unsigned index = 0;
    if (properties.is_set("index")) {
        index = static_cast<unsigned>(std::min<uint64_t>(properties.get_uint("index"), 255));
    } else {
        while ((serial_ports_used >> index & 1) != 0)
            ++index;
    }
    const IsaSerial::Location place = IsaSerial::standard_location(index);
    uint16_t port = place.port;
    if (properties.is_set("iobase")) port = TRY(port_of(properties, SerialCore::kPorts));
    uint64_t irq = place.irq;
    if (properties.is_set("irq")) irq = std::min<uint64_t>(properties.get_uint("irq"), 255);
    return add_serial({.index = index, .port = port}, static_cast<unsigned>(irq),
                      TRY(claim(properties)));
}

Result<void> PcBoard::Parts::add_debugcon(const qom::PropertyValues& properties) {
    const Debugcon::Config config{
        .iobase = TRY(port_of(properties, 1)),
        .readback = static_cast<uint8_t>(properties.get_uint("readback"))};
    adopt(std::make_unique<Debugcon>(config, context, TRY(claim(properties))));
    return {};
}

Result<void> PcBoard::Parts::add_debug_exit(const qom::PropertyValues& properties) {
    const uint64_t count = properties.get_uint("iosize");
    const uint16_t port = TRY(port_of(properties, count));
    if (count > 0xffff) return fail("iosize={} is too much", count);
    const IsaDebugExit::Config config{.iobase = port, .iosize = static_cast<uint16_t>(count)};
    adopt(std::make_unique<IsaDebugExit>(config, context, deps.machine));
    return {};
}

// Firmware and guests without ACPI find the port in a file.
Result<void> PcBoard::Parts::add_pvpanic(const qom::PropertyValues& properties) {
    if (pvpanic_port != 0) return fail("there is one already");
    const uint64_t port = properties.get_uint("ioport");
    if (port == 0 || port > 0xffff) return fail("ioport={:#x} is not in the I/O space", port);
    pvpanic_port = static_cast<uint16_t>(port);
    adopt(std::make_unique<Pvpanic>(
        Pvpanic::Config{.port = pvpanic_port,
                        .events = static_cast<uint8_t>(properties.get_uint("events"))},
        context, deps.reports));
    ByteWriter place;
    place.le16(pvpanic_port);
    fw_cfg.add_file("etc/pvpanic-port", place.take());
    return {};
}

Result<void> PcBoard::Parts::check_bus(const DeviceRequest& request) const {
    if (request.bus.empty()) return {};
    std::string_view kind;
    if (request.bus == pci_bus_name()) kind = "PCI";
    if (request.bus == "isa.0") kind = "ISA";
    if (request.bus.starts_with("ide.")) kind = "IDE";
    if (kind.empty()) return fail("Bus '{}' not found", request.bus);
    const std::string_view wanted = PcVirtio::knows(*request.type) ? "PCI" : "ISA";
    if (kind == wanted) return {};
    return fail("Device '{}' can't go on {} bus", request.type->name, kind);
}

Result<void> PcBoard::Parts::add_device(const DeviceRequest& request) {
    // add_disks() saw them.
    if (request.type == &kIdeHdType || request.type == &kIdeCdType) return {};
    TRY(check_bus(request));
    if (request.type == &kIsaSerialType) {
        TRY(add_requested_serial(request.properties));
    } else if (request.type == &kIsaDebugconType) {
        TRY(add_debugcon(request.properties));
    } else if (request.type == &kIsaDebugExitType) {
        TRY(add_debug_exit(request.properties));
    } else if (request.type == &kPvpanicType) {
        TRY(add_pvpanic(request.properties));
    } else if (PcVirtio::knows(*request.type)) {
        adopt(TRY(virtio.make(*request.type, request.properties)));
    } else {
        return fail("this machine has no place for it");
    }
    record(request, true);
    return {};
}

// After what the command line places itself, as QEMU has it.
Result<void> PcBoard::Parts::add_virtio_drives() {
    for (const auto& drive : deps.drives.drives()) {
        if (drive->options.interface != block::DriveInterface::kVirtio || drive->attached) continue;
        DeviceRequest request{.type = &kVirtioBlkPciType,
                              .properties = TRY(values_for(kVirtioBlkPciType))};
        adopt(TRY(virtio.make_drive(*drive, request.properties)
                      .context("drive '{}'", drive->options.id)));
        request.properties.settle("drive", drive->options.id);
        record(request, false);
    }
    return {};
}

Result<void> PcBoard::Parts::describe_to_firmware(const Config& config) {
    const CmosBytes cmos = TRY(make_cmos({.ram_below_4g = memory->below_4g(),
                                          .ram_above_4g = memory->above_4g(),
                                          .cpus = static_cast<unsigned>(cpus.size()),
                                          .disks = &disks,
                                          .boot_order = config.boot_order}));
    for (unsigned index = Mc146818Core::kFirstRamByte; index < cmos.size(); ++index) {
        if (index != Mc146818Core::kCentury) rtc.set_cmos(index, cmos[index]);
    }
    for (const BootEntry& entry : virtio.boot_entries()) {
        for (const IdeDisk& disk : disks.disks()) {
            if (disk.boot_index != entry.index) continue;
            return fail("The bootindex {} has already been used", entry.index);
        }
    }
    const KernelFiles* kernel = config.kernel_files ? &*config.kernel_files : nullptr;
    const PcFwCfgConfig told{.ram_below_4g = memory->below_4g(),
                             .ram_above_4g = memory->above_4g(),
                             .cpus = places,
                             .numa = config.numa,
                             .hpet = config.hpet,
                             .uuid = config.uuid,
                             .disks = &disks,
                             .boot_entries = virtio.boot_entries(),
                             .boot_menu = config.boot_menu,
                             .boot_strict = config.boot_strict,
                             .boot_menu_wait_ms = config.boot_menu_wait_ms,
                             .boot_retry_ms = config.boot_retry_ms,
                             .chipset = config.chipset,
                             .pvpanic_port = pvpanic_port,
                             .serial_ports = static_cast<uint8_t>(serial_ports_used & 0xf),
                             .kernel_files = config.direct_kernel ? nullptr : kernel,
                             .smbios = &config.smbios,
                             .processor_id = config.processor_id,
                             .sleeps = sleeps_of(config)};
    if (config.direct_kernel) {
        if (kernel == nullptr) return fail("there is no kernel to start without firmware");
        direct_boot = TRY(DirectBoot::create(told, *kernel, chipset->pci_bus()));
    }
    return fill_fw_cfg(fw_cfg, told);
}

// What others depend on comes first; the wires last, because loading them tells
// the controllers every level.
void PcBoard::Parts::list_devices() {
    auto append = [this](const std::vector<Device*>& more) {
        devices.insert(devices.end(), more.begin(), more.end());
    };
    append(interrupts->devices());
    append(chipset->bridges());
    if (hpet) devices.push_back(hpet.get());
    append({&speaker, &rtc, &keyboard, &port92, &float_error, &dma, &fw_cfg});
    append(chipset->functions());
    for (const auto& device : added)
        devices.push_back(device.get());
    devices.push_back(&wires);
    append(chipset->wires());
}

void PcBoard::Parts::register_states(Device& device) {
    for (state::StateComponent* component : device.state_components()) {
        deps.states.add(*component);
        registered.push_back(component);
    }
}

// A device that comes while the machine goes on.
void PcBoard::Parts::bring_in(Device& device) {
    // As list_devices() has it: before the wires.
    devices.insert(std::ranges::find(devices, static_cast<Device*>(&wires)), &device);
    register_states(device);
    device.reset();
    context.io.rebuild();
    context.memory.rebuild();
}

void PcBoard::Parts::take_away(Device& device) {
    device.reset();
    for (state::StateComponent* component : device.state_components()) {
        deps.states.remove(*component);
        std::erase(registered, component);
    }
    std::erase(devices, &device);
    std::erase_if(added, [&](const auto& owned) { return owned.get() == &device; });
    context.io.rebuild();
    context.memory.rebuild();
}

void PcBoard::Parts::watch_ejections() {
    PciHotplug* hotplug = chipset->hotplug();
    if (hotplug == nullptr) return;
    hotplug->on_eject([this, hotplug] {
        chipset->pci_bus().hide(hotplug->ejected());
        if (hotplug->ejected() != 0 && deps.devices_ejected) deps.devices_ejected();
    });
}

const PcDeviceRecord* PcBoard::Parts::record_of(std::string_view id) const {
    auto found = std::ranges::find_if(records, [&](const auto& r) { return r->id == id; });
    return found == records.end() ? nullptr : found->get();
}

PcBoard::PcBoard(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
PcBoard::~PcBoard() = default;

Result<std::unique_ptr<PcBoard>> PcBoard::create(const Config& config, const Deps& deps) {
    if (deps.cpus.empty() || deps.cpus.size() > 255) {
        return fail("a PC cannot have {} processors", deps.cpus.size());
    }
    const auto firmware = config.direct_kernel ? make_reset_rom() : config.firmware;
    auto memory = TRY(PcMemory::create({.ram_bytes = config.ram_bytes,
                                        .firmware = firmware,
                                        .split = pc_ram_split(config.chipset),
                                        .ram = config.ram},
                                       deps.ram, deps.memory_root));
    PcCpus places = config.cpus;
    if (places.possible.empty()) places = PcCpus::flat(static_cast<uint32_t>(deps.cpus.size()));
    auto parts = std::make_unique<Parts>(config, deps, std::move(places), std::move(memory));
    parts->wire();
    if (config.hpet) parts->add_hpet();
    TRY(parts->chipset->plug());
    TRY(parts->add_disks(config));
    TRY(parts->add_serials(config));
    for (const DeviceRequest& request : config.devices) {
        TRY(parts->add_device(request).context("-device {}", request.type->name));
    }
    TRY(parts->add_virtio_drives());
    TRY(parts->describe_to_firmware(config));
    parts->list_devices();
    for (Device* device : parts->devices)
        parts->register_states(*device);
    parts->watch_ejections();
    deps.context.io.rebuild();
    deps.context.memory.rebuild();
    return std::unique_ptr<PcBoard>(new PcBoard(std::move(parts)));
}

void PcBoard::reset() {
    for (Device* device : parts_->devices)
        device->reset();
}

void PcBoard::start_kernel() {
    if (parts_->direct_boot == nullptr) return;
    parts_->direct_boot->start({parts_->chipset->pci_bus(), *parts_->interrupts,
                                parts_->context.memory, parts_->context.io});
}

std::optional<ProcessorStart> PcBoard::processor_start(unsigned cpu) const {
    if (parts_->direct_boot == nullptr) return std::nullopt;
    return parts_->direct_boot->processor_start(cpu);
}

ApicPort* PcBoard::apic(unsigned cpu) const {
    return parts_->interrupts->apic(cpu);
}

FloatErrorPin& PcBoard::float_error() {
    return parts_->float_error;
}

void PcBoard::reset_after_sleep() {
    for (Device* device : parts_->devices)
        device->reset_after_sleep();
    parts_->rtc.set_cmos(kCmosResetCode, kResetToResume);
}

Result<void> PcBoard::set_boot_order(std::string_view order) {
    constexpr uint8_t kUpperHalf = 0xf0;
    const BootOrderBytes bytes = TRY(boot_order_bytes(order));
    Mc146818& rtc = parts_->rtc;
    rtc.set_cmos(kCmosBootThird, (rtc.cmos(kCmosBootThird) & ~kUpperHalf) | bytes.third);
    rtc.set_cmos(kCmosBootFirst, bytes.first);
    return {};
}

void PcBoard::pulse_nmi() {
    parts_->interrupts->pulse_nmi();
}

PciBus& PcBoard::pci_bus() {
    return parts_->chipset->pci_bus();
}

std::string_view PcBoard::device_id(const Device& device) const {
    for (const auto& record : parts_->records) {
        // A disk has no device of its own.
        if (record->device == &device && !record->type->is_a("ide-device")) return record->id;
    }
    return {};
}

PowerManagement& PcBoard::power() {
    return parts_->chipset->power();
}

std::span<Device* const> PcBoard::devices() const {
    return parts_->devices;
}

Device* PcBoard::find_device(std::string_view type_name) const {
    auto found = std::ranges::find(parts_->devices, type_name, &Device::type_name);
    return found == parts_->devices.end() ? nullptr : *found;
}

std::vector<GpioPins*> PcBoard::pins(const Device& device) const {
    return parts_->interrupts->pins(device);
}

Device* PcBoard::find_device_id(std::string_view id) const {
    const PcDeviceRecord* found = id.empty() ? nullptr : parts_->record_of(id);
    return found == nullptr ? nullptr : found->device;
}

std::string_view PcBoard::pci_bus_name() const {
    return parts_->pci_bus_name();
}

std::vector<const PcDeviceRecord*> PcBoard::records() const {
    std::vector<const PcDeviceRecord*> all;
    for (const auto& record : parts_->records)
        all.push_back(record.get());
    return all;
}

bool PcBoard::can_unplug(const PcDeviceRecord& record) const {
    const PciHotplug* hotplug = parts_->chipset->hotplug();
    const PciDevice* function = record.device->as_pci();
    return hotplug != nullptr && record.bus == pci_bus_name() && function != nullptr &&
           hotplug->can(function->devfn().value_or(0) >> 3);
}

Result<const PcDeviceRecord*> PcBoard::plug(const DeviceRequest& request) {
    TRY(parts_->check_bus(request));
    const bool pci = PcVirtio::knows(*request.type);
    PciHotplug* hotplug = parts_->chipset->hotplug();
    if (!pci || hotplug == nullptr) {
        std::string bus = request.type->is_a("ide-device")
                              ? std::string(request.properties.get_string("bus"))
                              : request.bus;
        if (bus.empty()) {
            bus = pci ? pci_bus_name() : request.type->is_a("ide-device") ? "ide.0" : "isa.0";
        }
        return fail("Bus '{}' does not support hotplugging", bus);
    }
    const qapi::Value* boot_index = request.properties.find("bootindex");
    if (boot_index != nullptr && boot_index->as_int().value_or(-1) >= 0) {
        return fail("bootindex: the firmware knows only what was there when the machine began");
    }
    TRY(parts_->add_device(request));
    Device& device = *parts_->added.back();
    parts_->bring_in(device);
    hotplug->plugged(device.as_pci()->devfn().value_or(0) >> 3);
    return parts_->records.back().get();
}

Result<void> PcBoard::ask_back(const PcDeviceRecord& record) {
    if (!can_unplug(record)) return fail("Bus '{}' does not support hotplugging", record.bus);
    parts_->chipset->hotplug()->ask_back(record.device->as_pci()->devfn().value_or(0) >> 3);
    return {};
}

std::vector<std::unique_ptr<PcDeviceRecord>> PcBoard::take_ejected() {
    std::vector<std::unique_ptr<PcDeviceRecord>> gone;
    PciHotplug* hotplug = parts_->chipset->hotplug();
    if (hotplug == nullptr) return gone;
    const uint32_t slots = hotplug->ejected();
    auto let_go = [&](const std::unique_ptr<PcDeviceRecord>& record) {
        const PciDevice* function = record->device->as_pci();
        return can_unplug(*record) && (slots >> (function->devfn().value_or(0) >> 3) & 1) != 0;
    };
    for (auto& record : parts_->records) {
        if (!let_go(record)) continue;
        parts_->take_away(*record->device);
        record->device = nullptr;
        if (record->drive != nullptr) {
            record->drive->attached = false;
            record->drive->device_id.clear();
        }
        gone.push_back(std::move(record));
    }
    std::erase(parts_->records, nullptr);
    for (unsigned slot = 0; slot < 32; ++slot) {
        if ((slots >> slot & 1) != 0) hotplug->taken_away(slot);
    }
    parts_->chipset->pci_bus().hide(hotplug->ejected());
    return gone;
}

}  // namespace qc::hw
