// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/pc_board.h"

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
    void list_devices();
    void register_states();

    Deps deps;
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
    std::vector<std::pair<std::string, Device*>> ids;
    uint16_t pvpanic_port = 0;       // 0: there is none
    unsigned serial_ports_used = 0;  // a bit for each index
    std::vector<Device*> devices;
    std::vector<state::StateComponent*> registered;
};

PcBoard::Parts::Parts(const Config& config, const Deps& board_deps, PcCpus cpu_places,
                      std::unique_ptr<PcMemory> map)
    : deps(board_deps),
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
        TRY(disks.add_drive(*drive).context("drive '{}'", drive->options.id));
    }
    for (const DeviceRequest& request : config.devices) {
        if (request.type != &kIdeHdType && request.type != &kIdeCdType) continue;
        TRY(disks.add_device(*request.type, request.id, request.properties, deps.drives)
                .context("-device {}", request.type->name));
        if (!request.id.empty()) {
            ids.emplace_back(request.id, &chipset->disk_controller());
        }
    }
    for (const IdeDisk& disk : disks.disks())
        chipset->add_disk(disk);
    return {};
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

Result<void> PcBoard::Parts::add_device(const DeviceRequest& request) {
    // add_disks() saw them.
    if (request.type == &kIdeHdType || request.type == &kIdeCdType) return {};
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
    if (!request.id.empty()) ids.emplace_back(request.id, added.back().get());
    return {};
}

// After what the command line places itself, as QEMU has it.
Result<void> PcBoard::Parts::add_virtio_drives() {
    for (const auto& drive : deps.drives.drives()) {
        if (drive->options.interface != block::DriveInterface::kVirtio || drive->attached) continue;
        adopt(TRY(virtio.make_drive(*drive).context("drive '{}'", drive->options.id)));
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

void PcBoard::Parts::register_states() {
    for (Device* device : devices) {
        for (state::StateComponent* component : device->state_components()) {
            deps.states.add(*component);
            registered.push_back(component);
        }
    }
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
    parts->register_states();
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
    const auto found =
        std::ranges::find(parts_->ids, &device, &std::pair<std::string, Device*>::second);
    return found == parts_->ids.end() ? std::string_view() : found->first;
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
    auto found = std::ranges::find(parts_->ids, id, &std::pair<std::string, Device*>::first);
    return found == parts_->ids.end() ? nullptr : found->second;
}

}  // namespace qc::hw
