// SPDX-License-Identifier: GPL-2.0-or-later
//
// An object that users make and delete: -object, object-add, object-del. It is a
// child of /objects under its id.
//
// Threading: as Object; made and destroyed on the main loop, without a lock.
// Owned by system::UserObjects.
#pragma once

#include "qom/object.h"

namespace qc::qom {

inline constexpr ObjectType kUserCreatableType{
    .name = "user-creatable", .parent = &kObjectType, .abstract = true};

class UserObject : public Object {
 public:
    using Object::Object;
    // Why object-del is refused at the moment.
    virtual Result<void> check_removal() const { return {}; }
    // The process ends: the guest stands still for good and migrations are over.
    virtual void machine_ends() {}
};

}  // namespace qc::qom
