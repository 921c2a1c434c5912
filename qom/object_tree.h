// SPDX-License-Identifier: GPL-2.0-or-later
//
// The tree of one machine with the places that QEMU's users know: /machine with
// its peripheral (devices with an id), peripheral-anon (-device without id) and
// unattached (the board's own devices) containers; /objects for -object;
// /chardevs for character devices.
//
// Threading: caller locks, as the objects. Owned by system::Machine; outlives
// nothing: objects may die before or after the tree.
#pragma once

#include <string_view>

#include "qom/object.h"

namespace qc::qom {

class ObjectTree {
 public:
    // `machine` becomes /machine; it has no parent and no children of these names.
    explicit ObjectTree(Object& machine);

    Object& root() { return root_; }
    const Object& root() const { return root_; }
    Object& peripheral() { return peripheral_; }
    Object& peripheral_anon() { return peripheral_anon_; }
    Object& unattached() { return unattached_; }
    Object& objects() { return objects_; }
    Object& chardevs() { return chardevs_; }

    // An absolute path ("/machine/peripheral/e0"), or the end of one that no other
    // object shares ("e0", "peripheral/e0"). Components are children or links.
    // Errors: DeviceNotFound "Device 'x' not found"; "Path 'x' is ambiguous".
    Result<Object*> resolve(std::string_view path);

 private:
    Object root_{kContainerType};
    Object objects_{kContainerType};
    Object chardevs_{kContainerType};
    Object peripheral_{kContainerType};
    Object peripheral_anon_{kContainerType};
    Object unattached_{kContainerType};
};

}  // namespace qc::qom
