// SPDX-License-Identifier: GPL-2.0-or-later
//
// Trays and what is in them: eject, blockdev-open-tray and the like.

#include "block/drive_table.h"
#include "monitor/context.h"
#include "qapi/generated/qapi_commands_block_core.h"
#include "qapi/generated/qapi_events_block_core.h"
#include "system/event_relay.h"
#include "system/machine.h"
#include "util/machine_lock.h"

namespace qc::system {

void EventRelay::tray_moved(const block::Drive& drive, bool open) {
    const std::string& name = drive.options.id;
    qapi::emit_device_tray_moved(*sink_, {.device = name,
                                          .id = drive.device_id.empty() ? name : drive.device_id,
                                          .tray_open = open});
}

}  // namespace qc::system

namespace qc::qapi {

namespace {

using block::Drive;

std::unexpected<Error> not_found(std::string_view what) {
    return Failure(Error(fmt::format("Device '{}' not found", what), ErrorClass::kDeviceNotFound));
}

// How a message names it.
std::string_view name_of(const Drive& drive) {
    return drive.device_id.empty() ? drive.options.id : drive.device_id;
}

Result<Drive*> find_removable(monitor::MonitorContext& context, std::string_view device,
                              std::string_view id) {
    Drive* drive = nullptr;
    if (!device.empty()) {
        drive = context.drives->find(device);
        if (drive == nullptr) return not_found(device);
    } else {
        drive = context.drives->find_device(id);
        // A drive that -drive made a device of has no other name.
        if (drive == nullptr) drive = context.drives->find(id);
        if (drive == nullptr) return not_found(id);
    }
    if (!drive->removable()) return fail("Device '{}' is not removable", name_of(*drive));
    return drive;
}

template <typename Args>
Result<Drive*> find_removable(monitor::MonitorContext& context, const Args& args) {
    if (args.device.has_value() == args.id.has_value()) {
        return fail("Need exactly one of 'device' and 'id'");
    }
    return find_removable(context, args.device.value_or(""), args.id.value_or(""));
}

enum class Opened : uint8_t { kOpen, kAsked };

Opened open_tray(monitor::MonitorContext& context, const Drive& drive, bool force) {
    {
        MachineLockGuard guard(*context.machine_lock);
        block::Tray& tray = *drive.backend->tray();
        if (tray.tray_open()) return Opened::kOpen;
        if (tray.tray_locked() && !force) {
            tray.request_eject();
            return Opened::kAsked;
        }
        tray.move_tray(true);
    }
    context.machine->tray_moved(drive, true);
    return Opened::kOpen;
}

void close_tray(monitor::MonitorContext& context, const Drive& drive) {
    {
        MachineLockGuard guard(*context.machine_lock);
        block::Tray& tray = *drive.backend->tray();
        if (!tray.tray_open()) return;
        tray.move_tray(false);
    }
    context.machine->tray_moved(drive, false);
}

Result<void> must_open_tray(monitor::MonitorContext& context, const Drive& drive, bool force) {
    if (open_tray(context, drive, force) == Opened::kOpen) return {};
    return fail(
        "Device '{}' is locked and force was not specified, wait for tray to open and try again",
        name_of(drive));
}

bool is_open(monitor::MonitorContext& context, const Drive& drive) {
    MachineLockGuard guard(*context.machine_lock);
    return drive.backend->tray()->tray_open();
}

}  // namespace

Result<void> qmp_eject(monitor::MonitorContext& context, const EjectArgs& args) {
    Drive* drive = TRY(find_removable(context, args));
    TRY(must_open_tray(context, *drive, args.force.value_or(false)));
    context.drives->remove_medium(*drive);
    return {};
}

Result<void> qmp_blockdev_open_tray(monitor::MonitorContext& context,
                                    const BlockdevOpenTrayArgs& args) {
    Drive* drive = TRY(find_removable(context, args));
    // Of a locked one the guest is asked; that it has not obeyed yet is no error.
    (void)open_tray(context, *drive, args.force.value_or(false));
    return {};
}

Result<void> qmp_blockdev_close_tray(monitor::MonitorContext& context,
                                     const BlockdevCloseTrayArgs& args) {
    close_tray(context, *TRY(find_removable(context, args)));
    return {};
}

Result<void> qmp_blockdev_remove_medium(monitor::MonitorContext& context,
                                        const BlockdevRemoveMediumArgs& args) {
    Drive* drive = TRY(find_removable(context, "", args.id));
    if (!is_open(context, *drive)) return fail("Tray of device '{}' is not open", args.id);
    context.drives->remove_medium(*drive);
    return {};
}

Result<void> qmp_blockdev_insert_medium(monitor::MonitorContext& context,
                                        const BlockdevInsertMediumArgs& args) {
    TRY(find_removable(context, "", args.id));
    return Failure(Error(fmt::format("Node '{}' not found", args.node_name))
                       .set_hint("blockdev-change-medium inserts an image by its name"));
}

Result<void> qmp_blockdev_change_medium(monitor::MonitorContext& context,
                                        const BlockdevChangeMediumArgs& args) {
    Drive* drive = TRY(find_removable(context, args));
    if (args.read_only_mode == BlockdevChangeReadOnlyMode::kReadWrite) {
        return fail("Device '{}' takes no medium that can be written", name_of(*drive));
    }
    if (args.format && *args.format != "raw") {
        return fail("Block format '{}' is not supported, only 'raw' is", *args.format);
    }
    if (args.filename.empty()) return fail("The 'filename' is empty");
    auto medium = TRY(context.drives->open_medium(*drive, args.filename, args.format.has_value()));
    TRY(must_open_tray(context, *drive, args.force.value_or(false)));
    auto inserted = context.drives->insert_medium(*drive, std::move(medium));
    // With the old medium, if the new one cannot be had.
    close_tray(context, *drive);
    return inserted;
}

}  // namespace qc::qapi
