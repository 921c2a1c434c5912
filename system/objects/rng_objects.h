// SPDX-License-Identifier: GPL-2.0-or-later
//
// The objects rng-builtin and rng-random: random bytes for virtio-rng.
//
// Threading: main loop; the source is the device's (machine lock). Owned by
// UserObjects.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "qom/user_object.h"
#include "util/entropy.h"

namespace qc::system {

class Machine;
class UserObjects;

extern const qom::ObjectType kRngBackendType;
extern const qom::ObjectType kRngBuiltinType;
extern const qom::ObjectType kRngRandomType;

class RngObject final : public qom::UserObject {
 public:
    RngObject(const qom::ObjectType& type, const qom::PropertyValues& values,
              std::shared_ptr<EntropySource> source)
        : UserObject(type, values), source_(std::move(source)) {}

    const std::shared_ptr<EntropySource>& source() const { return source_; }
    Result<void> check_removal() const override;

 private:
    std::shared_ptr<EntropySource> source_;  // shared with the device that uses it
};

Result<std::unique_ptr<qom::UserObject>> make_rng_builtin(Machine& machine, const std::string& id,
                                                          const qom::PropertyValues& values);
Result<std::unique_ptr<qom::UserObject>> make_rng_random(Machine& machine, const std::string& id,
                                                         const qom::PropertyValues& values);

// Null if there is no such object.
std::shared_ptr<EntropySource> find_rng(const UserObjects& objects, std::string_view id);

}  // namespace qc::system
