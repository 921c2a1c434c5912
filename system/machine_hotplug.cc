// SPDX-License-Identifier: GPL-2.0-or-later
//
// Devices that come and go while the machine goes on.
#include "qapi/generated/qapi_events_qdev.h"
#include "system/device_nodes.h"
#include "system/machine.h"

namespace qc::system {

namespace {

// How long a device that the guest has let go waits for the end of a migration until it is
// looked at again.
constexpr int64_t kRetryNs = 100'000'000;

}  // namespace

// Both sides of a pair, and both ends of a migration, have the same devices.
Result<void> Machine::check_devices_may_change(std::string_view command) const {
    if (board_ == nullptr) return fail("{}: machine type 'none' has no buses", command);
    if (migration_->colo_status().mode != migration::ColoMode::kNone) {
        return fail("{} not allowed while migrating: the machine is one of a COLO pair", command);
    }
    if (migration_->under_way()) return fail("{} not allowed while migrating", command);
    return {};
}

Result<void> Machine::plug_device(const qapi::Object& arguments) {
    hw::DeviceRequest request = TRY(nodes_->request(arguments));
    TRY(check_devices_may_change("device_add"));
    MachineLockGuard guard(core_->lock);
    const hw::PcDeviceRecord* record = TRY(board_->plug(request));
    nodes_->add(*record, *board_, true);
    return {};
}

Result<void> Machine::unplug_device(const std::string& name) {
    if (board_ == nullptr) {
        return fail_class(ErrorClass::kDeviceNotFound, "Device '{}' not found", name);
    }
    // The migration's own locks are not taken under the machine's.
    Result<void> allowed = check_devices_may_change("device_del");
    MachineLockGuard guard(core_->lock);
    const DeviceNode* node = nullptr;
    if (name.starts_with('/')) {
        auto found = nodes_->tree().resolve(name);
        if (found) {
            node = nodes_->find_node(**found);
            if (node == nullptr) return fail("{} is not a hotpluggable device", name);
        }
    } else {
        node = nodes_->find_id(name);
    }
    if (node == nullptr) {
        return fail_class(ErrorClass::kDeviceNotFound, "Device '{}' not found", name);
    }
    for (const hw::PcDeviceRecord* record : board_->records()) {
        if (!node->stands_for(*record)) continue;
        if (board_->can_unplug(*record)) TRY(std::move(allowed));
        return board_->ask_back(*record);
    }
    return fail("Device '{}' does not support hotplugging", node->type().name);
}

// Any thread, under the machine lock.
void Machine::devices_ejected() {
    if (eject_posted_.exchange(true)) return;
    loop_.post([this] { carry_out_ejects(); });
}

void Machine::carry_out_ejects() {
    eject_posted_ = false;
    if (ended_ || board_ == nullptr) return;
    struct Gone {
        std::string id;
        std::string path;
    };
    std::vector<Gone> gone;
    const bool allowed = check_devices_may_change("").has_value();
    {
        MachineLockGuard guard(core_->lock);
        if (!allowed) {
            eject_retry_->arm_at_ns(core_->host_clock.now_ns() + kRetryNs);
            return;
        }
        for (const auto& record : board_->take_ejected()) {
            if (const DeviceNode* node = nodes_->find_record(*record)) {
                gone.push_back({record->id, node->path()});
                nodes_->remove(*node);
            }
        }
    }
    for (Gone& one : gone) {
        qapi::DeviceDeletedEvent event{.path = std::move(one.path)};
        if (!one.id.empty()) event.device = std::move(one.id);
        qapi::emit_device_deleted(qmp_->monitor(), event);
    }
}

}  // namespace qc::system
