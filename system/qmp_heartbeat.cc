// SPDX-License-Identifier: GPL-2.0-or-later
//
// query-colo-heartbeat.

#include "migration/heartbeat/heartbeat_object.h"
#include "monitor/context.h"
#include "qapi/generated/qapi_commands_heartbeat.h"
#include "system/machine.h"
#include "system/user_objects.h"

namespace qc::qapi {

namespace {

namespace hb = migration::heartbeat;

// The schema and the state machine list their values in the same order.
static_assert(static_cast<int>(ColoHeartbeatState::kStoodDown) ==
              static_cast<int>(hb::HeartbeatFsm::State::kStoodDown));
static_assert(static_cast<int>(ColoHeartbeatStand::kStoodDown) ==
              static_cast<int>(hb::Stand::kStoodDown));
static_assert(static_cast<int>(ColoHeartbeatPolicy::kTakeover) ==
              static_cast<int>(hb::Policy::kTakeOver));
static_assert(static_cast<int>(ColoArbiterKind::kDisk) == static_cast<int>(hb::ArbiterKind::kDisk));

std::string hexadecimal(const hb::Id& id) {
    std::string text;
    for (std::byte byte : id)
        text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
    return text;
}

ColoHeartbeatPeer peer_of(const hb::HeartbeatStatus& status) {
    return {.instance = hexadecimal(status.peer->instance),
            .host = status.peer->host,
            .policy = static_cast<ColoHeartbeatPolicy>(status.peer->policy),
            .arbiter = static_cast<ColoArbiterKind>(status.peer->arbiter_kind),
            .stand = static_cast<ColoHeartbeatStand>(status.peer_stand)};
}

ColoHeartbeatDecision decision_of(const hb::HeartbeatFsm::ReportDecision& decision) {
    return {.decision = static_cast<ColoDecision>(decision.decision),
            .reason = static_cast<ColoLossReason>(decision.reason),
            .verdict = static_cast<ColoVerdict>(decision.verdict),
            .text = decision.text};
}

ColoHeartbeatInfo info_of(const hb::HeartbeatObject& object) {
    const hb::HeartbeatStatus status = object.status();
    const hb::Hello& self = object.self();
    ColoHeartbeatInfo info{
        .id = object.name(),
        .state = static_cast<ColoHeartbeatState>(status.state),
        .mode = static_cast<COLOMode>(status.role),
        .pair = self.pair,
        .generation = status.generation,
        .instance = hexadecimal(self.instance),
        .address = status.address,
        .server = object.properties().get_bool("server"),
        .connected = status.connected,
        .path_silent = status.path_silent,
        .policy = static_cast<ColoHeartbeatPolicy>(self.policy),
        .arbiter = static_cast<ColoArbiterKind>(self.arbiter_kind),
        .interval = self.interval_ms,
        .timeout = status.timeout_ms,
        .silence = status.silence_ms,
        .round_trip = status.round_trip_ms,
        .sent = status.sent,
        .received = status.received,
        .refused = status.refused,
    };
    if (status.peer) info.peer = peer_of(status);
    if (status.last_decision) info.last_decision = decision_of(*status.last_decision);
    return info;
}

}  // namespace

Result<std::vector<ColoHeartbeatInfo>> qmp_query_colo_heartbeat(monitor::MonitorContext& context) {
    std::vector<ColoHeartbeatInfo> infos;
    for (const auto& object : context.machine->objects().all()) {
        if (!object->is_a(hb::kHeartbeatType.name)) continue;
        infos.push_back(info_of(static_cast<const hb::HeartbeatObject&>(*object)));
    }
    return infos;
}

}  // namespace qc::qapi
