// SPDX-License-Identifier: GPL-2.0-or-later
//
// The objects authz-simple, authz-list and authz-list-file: who may connect.
//
// Threading: main loop; what they decide is asked from any thread. Owned by
// UserObjects; an object is not deleted while a connection may ask it.
#pragma once

#include <memory>
#include <string>

#include "crypto/authz.h"
#include "qapi/value.h"
#include "qom/user_object.h"

namespace qc::system {

class Machine;

extern const qom::ObjectType kAuthzSimpleType;
extern const qom::ObjectType kAuthzListType;
extern const qom::ObjectType kAuthzListFileType;

class AuthzObject final : public qom::UserObject {
 public:
    AuthzObject(const qom::ObjectType& type, const qom::PropertyValues& values,
                std::shared_ptr<const crypto::Authz> authz)
        : UserObject(type, values), authz_(std::move(authz)) {}

    const std::shared_ptr<const crypto::Authz>& authz() const { return authz_; }
    Result<void> check_removal() const override;

 private:
    std::shared_ptr<const crypto::Authz> authz_;
};

Result<std::unique_ptr<qom::UserObject>> make_authz_simple(Machine& machine, const std::string& id,
                                                           const qom::PropertyValues& values);
Result<std::unique_ptr<qom::UserObject>> make_authz_list(Machine& machine, const std::string& id,
                                                         const qom::PropertyValues& values);
Result<std::unique_ptr<qom::UserObject>> make_authz_list_file(Machine& machine,
                                                              const std::string& id,
                                                              const qom::PropertyValues& values);

// `[{"match": M, "policy": "allow"|"deny", "format": "exact"|"glob"}, ...]`
Result<std::vector<crypto::AuthzRule>> read_authz_rules(const qapi::Value& value);

}  // namespace qc::system
