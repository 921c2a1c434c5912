// SPDX-License-Identifier: GPL-2.0-or-later
//
// The object secret: a password or key that other objects name by its id.
//
// Threading: main loop. Owned by UserObjects.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "qom/user_object.h"

namespace qc::system {

class Machine;
class UserObjects;

extern const qom::ObjectType kSecretType;

class SecretObject final : public qom::UserObject {
 public:
    SecretObject(const qom::PropertyValues& values, std::string secret)
        : UserObject(kSecretType, values), secret_(std::move(secret)) {}
    ~SecretObject() override;

    const std::string& secret() const { return secret_; }

 protected:
    // What is secret is not read back.
    Result<qapi::Value> read_property(const qom::PropertyDef& def) const override;

 private:
    std::string secret_;
};

Result<std::unique_ptr<qom::UserObject>> make_secret(Machine& machine, const std::string& id,
                                                     const qom::PropertyValues& values);

// What the secret of this id holds; an error if there is none.
Result<std::string> find_secret(const UserObjects& objects, std::string_view id);

}  // namespace qc::system
