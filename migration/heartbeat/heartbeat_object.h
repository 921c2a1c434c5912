// SPDX-License-Identifier: GPL-2.0-or-later
//
// The object colo-heartbeat: its properties, and what of a machine it needs. A
// machine has one at most.
//
// Threading: main loop; status() any thread. Owned by system::UserObjects.
#pragma once

#include <memory>
#include <string>

#include "migration/heartbeat/driver.h"
#include "migration/heartbeat/pair_control.h"
#include "migration/migration.h"
#include "qom/user_object.h"

namespace qc::migration::heartbeat {

extern const qom::ObjectType kHeartbeatType;

class HeartbeatObject final : public qom::UserObject {
 public:
    struct Deps {
        Migration& migration;
        HeartbeatListener& listener;
    };
    static Result<std::unique_ptr<HeartbeatObject>> create(const std::string& id,
                                                           const qom::PropertyValues& values,
                                                           const Deps& deps);
    ~HeartbeatObject() override;

    Result<void> check_removal() const override;
    void machine_ends() override;
    HeartbeatStatus status() const { return driver_->status(); }
    const Hello& self() const { return self_; }

 private:
    class Pair;
    HeartbeatObject(const qom::PropertyValues& values, const Deps& deps);

    Deps deps_;
    bool ended_ = false;  // the migration may be gone already
    Hello self_;
    std::unique_ptr<Pair> pair_;
    std::unique_ptr<HeartbeatDriver> driver_;
};

}  // namespace qc::migration::heartbeat
