// SPDX-License-Identifier: GPL-2.0-or-later
//
// How a machine is put together: the steps of Machine::create().
#include "accel/accelerators.h"
#include "hw/i386/pc_cmos.h"
#include "system/device_nodes.h"
#include "system/firmware.h"
#include "system/guest_memory.h"
#include "system/kernel_files.h"
#include "system/machine.h"
#include "system/monitor_option.h"
#include "system/objects/rng_objects.h"
#include "system/objects/tls_lookup.h"
#include "system/option_help.h"
#include "system/processors.h"
#include "system/qtest_service.h"
#include "system/rtc.h"
#include "system/run_listeners.h"
#include "system/smbios.h"
#include "system/user_objects.h"
#include "target/i386/cpu_model.h"
#include "util/log.h"

namespace qc::system {

Result<void> Machine::create_back_ends() {
    core_ = TRY(MachineCore::create(loop_));
    eject_retry_ = std::make_unique<Timer>(core_->host_timers, [this] { devices_ejected(); });
    nodes_ = std::make_unique<DeviceNodes>(canonical_machine_type(options_.machine_type),
                                           qom::GlobalProperties(options_.globals));
    user_objects_ = std::make_unique<UserObjects>(*this);
    tls_lookup_ = std::make_unique<TlsLookup>(*user_objects_);
    TRY(user_objects_->make(options_.objects, ObjectStage::kBackEnds));
    device_requests_ = TRY(nodes_->requests(options_.devices));
    TRY(create_chardevs());
    drives_ = std::make_unique<block::DriveTable>(
        block::DriveTable::Config{.snapshot = options_.snapshot,
                                  .inactive = options_.incoming.has_value(),
                                  .ide = hw::pc_ide_layout(chipset_of(options_.machine_type))},
        block::DriveTable::Deps{
            .loop = loop_,
            .lock = core_->lock,
            .tray_moved = [this](const block::Drive& drive, bool open) { tray_moved(drive, open); },
            .fd_sets = &fd_sets_});
    for (const ParsedOption& option : options_.drives)
        TRY(drives_->add(option.options).context("{}", option.origin));
    disk_listener_ = std::make_unique<DiskListener>(*drives_);
    return {};
}

Result<void> Machine::create_chardevs() {
    monitor_thread_ = TRY(monitor::MonitorThread::create());
    chardevs_ = std::make_unique<chardev::ChardevRegistry>(chardev::ChardevDeps{
        .loop = loop_,
        .tls = tls_lookup_.get(),
        .mux_requests =
            {.quit = [this] { requests_.request_shutdown(runstate::ShutdownCause::kHostUi); }},
        .fd_sets = &fd_sets_,
        .background = options_.process.background});
    chardevs_->place(qmp_chardevs(options_.monitors), monitor_thread_->loop());
    for (const RawOption& option : options_.chardevs) {
        auto config = TRY(chardev::parse_chardev_option(option.value).context("{}", option.origin));
        TRY(chardevs_->add(config, chardev::Startup::kMayWait).context("{}", option.origin));
    }
    if (options_.qtest) {
        const RawOption& option = *options_.qtest;
        qtest_chardev_ =
            TRY(chardevs_->find_legacy("qtest", option.value, chardev::Startup::kMayWait)
                    .context("{}", option.origin));
    }
    return {};
}

Result<void> Machine::create_accelerator() {
    std::vector<OptionString> candidates;
    for (const ParsedOption& option : options_.accelerators)
        candidates.push_back(option.options);
    if (candidates.empty()) candidates.push_back(TRY(OptionString::parse("tcg", "accel")));
    auto choice =
        TRY(accel::choose_accelerator(candidates, {.lock = core_->lock,
                                                   .ram = core_->ram,
                                                   .memory = core_->memory,
                                                   .io = core_->io,
                                                   .machine = requests_,
                                                   .virtual_clock = core_->virtual_clock}));
    for (const auto& refused : choice.refused) {
        // A test takes what there is.
        if (options_.qtest && refused.absent) continue;
        report(ReportLevel::kError, refused.message());
    }
    if (!choice.refused.empty() && !options_.qtest) {
        error_report("falling back to {}", choice.accelerator->name());
    }
    accelerator_ = std::move(choice.accelerator);
    vm_ = std::make_unique<runstate::VmControl>(runstate::VmControl::Deps{
        .lock = core_->lock,
        .virtual_clock = core_->virtual_clock,
        .clock_changed = [this] { core_->clock_changed(); },
        .internal_error = [this] { requests_.report_internal_error(); },
        .guest_asleep = [this] { return board_ && board_->power().asleep(); },
        .accelerator = accelerator_.get()});
    vm_->add_listener(*disk_listener_);
    vm_->add_observer(*disk_listener_);
    sleep_watch_ = std::make_unique<SleepWatch>(requests_);
    vm_->add_observer(*sleep_watch_);
    guest_watch_ = std::make_unique<GuestWatch>(fd_sets_);
    vm_->add_observer(*guest_watch_);
    return {};
}

Result<void> Machine::create_vcpus() {
    if (!has_board(options_.machine_type)) return {};
    auto choice = TRY(i386::choose_cpu_model(options_.cpu_model, accelerator_->cpu_support()));
    for (const std::string& warning : choice.warnings)
        warn_report("{}", warning);
    choice.model.topology = options_.smp.topology;
    for (const std::string& warning : arrangement_warnings(choice.model))
        warn_report("{}", warning);
    const auto identity = choice.model.cpuid(1, 0, {});
    processor_id_ = uint64_t{identity.edx} << 32 | identity.eax;
    cpu_model_name_ = choice.model.name;
    for (unsigned index = 0; index < options_.smp.cpus; ++index)
        vcpus_.push_back(TRY(accelerator_->create_vcpu(index, choice.model)));
    return {};
}

// Other threads, qtest's for example, access devices as the first processor.
unsigned Machine::current_cpu() const {
    for (unsigned index = 1; index < vcpus_.size(); ++index) {
        if (vcpus_[index]->runs_here()) return index;
    }
    return 0;
}

Result<hw::PcBoard::Config> Machine::board_config(GuestMemory memory) {
    const BootOptions& boot = options_.boot;
    hw::PcBoard::Config config{
        .chipset = chipset_of(options_.machine_type),
        .ram_bytes = options_.ram_bytes,
        .ram = std::move(memory.pieces),
        .cpus = board_cpus(options_.smp, numa_),
        .numa = {.node_bytes = memory.node_bytes, .distances = numa_.distances},
        .hpet = options_.hpet,
        .firmware = options_.direct_kernel
                        ? std::vector<std::byte>()
                        : TRY(load_firmware(options_.firmware, options_.data_dirs)),
        .boot_order = boot.once.value_or(boot.order),
        .boot_menu = boot.menu,
        .boot_strict = boot.strict,
        .boot_menu_wait_ms = boot.menu_wait_ms,
        .boot_retry_ms = boot.retry_ms,
        .product = std::string(canonical_machine_type(options_.machine_type))};
    hw::SmbiosOptions smbios = TRY(choose_smbios(options_));
    if (smbios.uuid) options_.uuid = smbios.uuid;
    config.smbios = std::move(smbios.config);
    config.processor_id = processor_id_;
    config.rtc_on_guest_time = options_.rtc.on_guest_time;
    config.rtc_offset_s = rtc_offset_s(options_.rtc);
    config.sleeps =
        config.chipset == hw::PcChipsetKind::kQ35 ? options_.ich9_sleeps : options_.piix4_sleeps;
    if (options_.uuid) config.uuid = options_.uuid->bytes;
    if (!options_.kernel.empty()) {
        config.kernel_files = TRY(load_kernel_files(options_));
        config.direct_kernel = options_.direct_kernel;
    }
    TRY(choose_serials(config));
    config.devices = device_requests_;
    return config;
}

// `-machine none`: what needs a board is refused by name.
Result<void> Machine::check_no_board() const {
    if (!options_.needs_board.empty()) {
        return fail("{}: machine type 'none' has no board", options_.needs_board.front());
    }
    for (const auto& drive : drives_->drives()) {
        if (drive->options.interface == block::DriveInterface::kNone) continue;
        return fail("drive '{}': machine type 'none' has only drives of if=none",
                    drive->options.id);
    }
    if (!device_requests_.empty()) {
        const std::string_view type = device_requests_.front().type->name;
        return fail("-device {}: No bus found for device '{}': machine type 'none' has none", type,
                    type);
    }
    return {};
}

// Only what was asked for.
Result<void> Machine::create_bare_memory() {
    TRY(check_no_board());
    const MemoryOptions& wanted = options_.memory;
    if (!wanted.size_given && !wanted.backend && !wanted.path) {
        options_.ram_bytes = 0;
        return accelerator_->attach_memory();
    }
    GuestMemory memory = TRY(choose_guest_memory(options_, numa_, *user_objects_));
    memory::RamBlock* block =
        core_->ram.add_block(std::move(memory.pieces.front()), memory::RamBlock::Kind::kRam);
    bare_ram_ = std::make_unique<memory::MemoryRegion>(
        memory::MemoryRegion::ram(std::string(block->id()), *block));
    core_->memory_root.add_child(0, *bare_ram_);
    core_->memory.rebuild();
    return accelerator_->attach_memory();
}

Result<void> Machine::create_board() {
    if (!has_board(options_.machine_type)) return create_bare_memory();
    numa_ = TRY(resolve_numa(options_.numa, options_.smp.topology));
    for (const std::string& warning : numa_.warnings)
        warn_report("{}", warning);
    const hw::PcBoard::Config config =
        TRY(board_config(TRY(choose_guest_memory(options_, numa_, *user_objects_))));
    if (options_.boot.once) {
        TRY(hw::boot_order_bytes(options_.boot.order));
        boot_once_pending_ = true;
    }
    std::vector<hw::CpuPort*> ports;
    for (const auto& vcpu : vcpus_)
        ports.push_back(vcpu.get());
    hw::DeviceContext context = core_->device_context();
    board_ = TRY(hw::PcBoard::create(
        config, {.context = context,
                 .memory_root = core_->memory_root,
                 .ram = core_->ram,
                 .states = core_->registry,
                 .machine = requests_,
                 .cpus = ports,
                 .kernel_irqchip = accelerator_->kernel_irqchip(),
                 .current_cpu = [this] { return current_cpu(); },
                 .drives = *drives_,
                 .find_chardev = [this](std::string_view id) { return chardevs_->find(id); },
                 .find_rng = [this](std::string_view id) { return find_rng(*user_objects_, id); },
                 .reports = &guest_reports_,
                 .globals = &nodes_->globals(),
                 .devices_ejected = [this] { devices_ejected(); }}));
    TRY(nodes_->adopt(*board_, cpu_model_name_, options_.smp.cpus,
                      [this](std::string_view id) { return user_objects_->find(id); }));
    TRY(accelerator_->attach_memory());
    reset_first_time();
    return {};
}

Result<void> Machine::check_globals() {
    TRY(nodes_->check_globals());
    for (const std::string& warning : nodes_->global_warnings())
        warn_report("{}", warning);
    return {};
}

void Machine::reset_first_time() {
    MachineLockGuard guard(core_->lock);
    for (unsigned index = 0; index < vcpus_.size(); ++index) {
        core_->registry.add(vcpus_[index]->state());
        if (hw::ApicPort* apic = board_->apic(index)) vcpus_[index]->connect_apic(*apic);
        vcpus_[index]->reset();
    }
    vcpus_.front()->connect_float_error(board_->float_error());
    for (state::StateComponent* component : accelerator_->state_components())
        core_->registry.add(*component);
    board_->reset();
    // What arrives brings its memory along.
    if (!options_.incoming) start_kernel();
}

// `-serial` options fill COM1 to COM4 in order. Without any, COM1 is standard input
// and output under -nographic, else it exists and goes nowhere.
Result<void> Machine::choose_serials(hw::PcBoard::Config& config) {
    std::vector<RawOption> wanted = options_.serials;
    if (wanted.empty() && options_.default_devices) {
        wanted.push_back(options_.nographic ? RawOption{"stdio", "-nographic"}
                                            : RawOption{"null", "-serial null"});
    }
    if (wanted.size() > config.serials.size()) {
        return fail("{}: a PC has {} serial ports", wanted[config.serials.size()].origin,
                    config.serials.size());
    }
    for (size_t index = 0; index < wanted.size(); ++index) {
        const auto& [device, origin] = wanted[index];
        const std::string id = fmt::format("serial{}", index);
        config.serials[index] = TRY(
            chardevs_->find_legacy(id, device, chardev::Startup::kMayWait).context("{}", origin));
        if (device.starts_with(chardev::kMonitorPrefix)) {
            options_.monitors.push_back(monitor_of_console(id, origin));
        }
    }
    return {};
}

Result<void> Machine::create_migration() {
    events_ = std::make_unique<EventRelay>(
        [this](const std::string& message) { incoming_failed(message); });
    migration_ = std::make_unique<migration::Migration>(migration::MigrationDeps{
        .machine_type = std::string(canonical_machine_type(options_.machine_type)),
        .uuid = options_.uuid,
        .processors = {.present = static_cast<uint32_t>(vcpus_.size()),
                       .sockets = options_.smp.topology.sockets,
                       .cores = options_.smp.topology.cores,
                       .threads = options_.smp.topology.threads},
        .ram = core_->ram,
        .registry = core_->registry,
        .vm = *vm_,
        .dirty_log = accelerator_->dirty_log(),
        .machine_lock = core_->lock,
        .events = *events_,
        .autostart = !options_.start_paused,
        .requests = requests_,
        .output_gate = output_gate_,
        .tls = tls_lookup_.get(),
        .fd_sets = &fd_sets_});
    requests_.set_policy(migration_.get());
    return {};
}

Result<void> Machine::create_monitors() {
    event_timer_ = std::make_unique<EventTimer>(
        accelerator_->guest_time_passes() ? EventTimer::Time::kHost : EventTimer::Time::kGuest,
        loop_, core_->lock, core_->virtual_timers);
    qmp_ = std::make_unique<QmpServer>(QmpServer::Deps{.main_loop = loop_,
                                                       .thread = *monitor_thread_,
                                                       .chardevs = *chardevs_,
                                                       .host_clock = core_->host_clock,
                                                       .event_timer = *event_timer_},
                                       monitor::MonitorServices{.machine_lock = &core_->lock,
                                                                .types = &nodes_->types(),
                                                                .objects = &nodes_->tree(),
                                                                .chardevs = chardevs_.get(),
                                                                .fd_sets = &fd_sets_,
                                                                .drives = drives_.get(),
                                                                .vm = vm_.get(),
                                                                .requests = &requests_,
                                                                .migration = migration_.get(),
                                                                .machine = this});
    events_->connect(qmp_->monitor());
    vm_->add_observer(*events_);
    return qmp_->open(options_.monitors);
}

Result<void> Machine::create_qtest() {
    qtest_ = std::make_unique<QtestService>(*this);
    if (qtest_chardev_ == nullptr) return {};
    return qtest_->open(qtest_chardev_->id(), options_.qtest_log)
        .context("{}", options_.qtest->origin);
}

}  // namespace qc::system
