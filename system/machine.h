// SPDX-License-Identifier: GPL-2.0-or-later
//
// One virtual machine: everything with a lifetime, in the order in which it
// depends on each other. There is no global machine; handlers of QMP commands
// reach it through their context.
//
//   create()     back ends, accelerator, vCPUs, board, migration, monitors
//   launch()     starts the guest, or listens for an incoming migration
//   (the main loop runs; requests to reset and shut down arrive by SystemRequests)
//   shut_down()  migration ends, vCPUs join, disks drain; then the destructor
//
// Threading: main thread, but for what the members themselves allow.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "accel/accelerator.h"
#include "block/drive_table.h"
#include "chardev/chardev_registry.h"
#include "hw/i386/pc_board.h"
#include "migration/migration.h"
#include "monitor/monitor_thread.h"
#include "qom/object_tree.h"
#include "runstate/output_gate.h"
#include "runstate/system_requests.h"
#include "runstate/vm_control.h"
#include "system/event_relay.h"
#include "system/guest_report_relay.h"
#include "system/machine_core.h"
#include "system/numa_options.h"
#include "system/options.h"
#include "system/qmp_server.h"
#include "util/fd_sets.h"

namespace qc::system {

class ChardevNodes;
class DeviceNodes;
class DiskListener;
class GuestWatch;
struct GuestMemory;
class QtestService;
class SleepWatch;
class TlsLookup;
class UserObjects;

class Machine {
 public:
    static Result<std::unique_ptr<Machine>> create(Options options, EventLoop& loop);
    ~Machine();

    Result<void> launch();
    void shut_down();
    // QMP's `x-exit-preconfig`, after -preconfig.
    Result<void> exit_preconfig();
    // What main() returns.
    int exit_status() const { return exit_status_; }

    // QMP's `stop` and `cont`.
    Result<void> stop();
    Result<void> resume();
    void press_power_button();
    // device_add: `arguments` as QMP sends them; and device_del of an id or a path.
    Result<void> plug_device(const qapi::Object& arguments);
    Result<void> unplug_device(const std::string& name);
    // After a command that makes, changes or removes a character device.
    void chardevs_changed();
    // Any thread: tells the monitors.
    void tray_moved(const block::Drive& drive, bool open) { events_->tray_moved(drive, open); }
    Result<void> inject_nmi();
    // QMP's `system_wakeup`.
    Result<void> wake_up();

    const Options& options() const { return options_; }
    const NumaNodes& numa() const { return numa_; }
    // As -cpu has it, without the changes.
    const std::string& cpu_model_name() const { return cpu_model_name_; }
    MachineCore& core() { return *core_; }
    runstate::VmControl& vm() { return *vm_; }
    runstate::SystemRequests& requests() { return requests_; }
    migration::Migration& migration() { return *migration_; }
    migration::heartbeat::HeartbeatListener& heartbeat_listener() { return *events_; }
    qom::ObjectTree& object_tree();
    UserObjects& objects() { return *user_objects_; }
    accel::Accelerator& accelerator() { return *accelerator_; }
    block::DriveTable& drives() { return *drives_; }
    chardev::ChardevRegistry& chardevs() { return *chardevs_; }
    FdSets& fd_sets() { return fd_sets_; }
    const QmpServer& qmp() const { return *qmp_; }
    EventLoop& loop() { return loop_; }
    // What set-action gives, from now on.
    struct Actions {
        std::optional<bool> reboot_is_shutdown;
        std::optional<bool> shutdown_is_pause;
        std::optional<PanicAction> panic;
        std::optional<WatchdogAction> watchdog;
    };
    void set_actions(const Actions& actions);
    // Null for `-machine none`.
    hw::PcBoard* board() { return board_.get(); }
    // The id given with -device, or nothing.
    std::string device_id(const hw::Device& device) const;
    // Null if the machine has none.
    hw::PciBus* pci_bus();
    uint32_t vcpu_count() const { return static_cast<uint32_t>(vcpus_.size()); }
    accel::Vcpu& vcpu(uint32_t index) { return *vcpus_[index]; }
    // Null if `node` of the object tree is no device.
    hw::Device* find_device(const qom::Object& node) const;
    QtestService& qtest() { return *qtest_; }

 private:
    Machine(Options options, EventLoop& loop);

    Result<void> create_back_ends();
    Result<void> create_chardevs();
    Result<void> create_qtest();
    Result<void> create_accelerator();
    Result<void> create_vcpus();
    unsigned current_cpu() const;
    Result<void> create_board();
    // When the types of all devices are known.
    Result<void> check_globals();
    Result<void> create_bare_memory();
    void reset_first_time();
    Result<hw::PcBoard::Config> board_config(GuestMemory memory);
    Result<void> check_no_board() const;
    Result<void> create_migration();
    Result<void> create_monitors();
    Result<void> start_guest();
    Result<void> choose_serials(hw::PcBoard::Config& config);
    Result<void> check_devices_may_change(std::string_view command) const;
    void devices_ejected();
    void carry_out_ejects();
    void serve_requests();
    void carry_out_shutdown(runstate::ShutdownCause cause);
    void carry_out_reset(runstate::ShutdownCause cause);
    void carry_out_sleep();
    void carry_out_wake_up();
    void emit_shutdown_event(runstate::ShutdownCause cause);
    // Without firmware: after a reset, under the machine lock with the vCPUs paused.
    void start_kernel();
    void guest_panicked();
    void guest_crash_loaded();
    void watchdog_expired();
    void reset_machine();
    void settle_after_reset();
    void incoming_failed(const std::string& message);
    void end(int exit_status);

    Options options_;
    EventLoop& loop_;
    int exit_status_ = 0;
    bool ended_ = false;

    FdSets fd_sets_;
    std::unique_ptr<MachineCore> core_;
    std::unique_ptr<DeviceNodes> nodes_;
    std::vector<hw::DeviceRequest> device_requests_;
    runstate::SystemRequests requests_;
    GuestReportRelay guest_reports_;
    runstate::OutputGate output_gate_;
    // Its loop is that of the monitors' chardevs.
    std::unique_ptr<monitor::MonitorThread> monitor_thread_;
    std::unique_ptr<chardev::ChardevRegistry> chardevs_;
    std::unique_ptr<ChardevNodes> chardev_nodes_;
    std::unique_ptr<block::DriveTable> drives_;
    // Armed while something that the guest has let go cannot be taken away yet.
    std::unique_ptr<Timer> eject_retry_;
    // The main loop will look: a guest that ejects for ever asks once.
    std::atomic<bool> eject_posted_{false};
    std::unique_ptr<accel::Accelerator> accelerator_;
    std::unique_ptr<runstate::VmControl> vm_;
    std::unique_ptr<DiskListener> disk_listener_;
    NumaNodes numa_;
    std::string cpu_model_name_;  // as -cpu has it, without the changes
    std::unique_ptr<SleepWatch> sleep_watch_;
    std::unique_ptr<GuestWatch> guest_watch_;
    std::vector<std::unique_ptr<accel::Vcpu>> vcpus_;
    uint64_t processor_id_ = 0;  // CPUID leaf 1: EAX, EDX
    // Of a machine without board.
    std::unique_ptr<memory::MemoryRegion> bare_ram_;
    std::unique_ptr<hw::PcBoard> board_;  // null: -machine none
    bool boot_once_pending_ = false;
    std::unique_ptr<EventRelay> events_;
    std::unique_ptr<migration::Migration> migration_;
    std::unique_ptr<EventTimer> event_timer_;
    std::unique_ptr<QmpServer> qmp_;
    chardev::Chardev* qtest_chardev_ = nullptr;  // of -qtest
    std::unique_ptr<QtestService> qtest_;
    std::unique_ptr<UserObjects> user_objects_;
    std::unique_ptr<TlsLookup> tls_lookup_;
};

}  // namespace qc::system
