// SPDX-License-Identifier: GPL-2.0-or-later
//
// /chardevs in the object tree: a node for each character device, of the type
// "chardev-BACKEND".
//
// Threading: main loop, under the machine lock once the machine runs. Owned by
// system::Machine; dies before the tree.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "chardev/chardev_registry.h"
#include "qom/object_tree.h"

namespace qc::system {

class ChardevNodes {
 public:
    ChardevNodes(const chardev::ChardevRegistry& chardevs, qom::TypeRegistry& types,
                 qom::ObjectTree& tree);

    // After character devices came, went or changed.
    void update();

 private:
    const qom::ObjectType& type_of(std::string_view backend);

    const chardev::ChardevRegistry& chardevs_;
    qom::TypeRegistry& types_;
    qom::ObjectTree& tree_;
    // Referred to by the registry of types.
    std::deque<std::string> type_names_;
    std::deque<qom::ObjectType> own_types_;
    std::vector<std::unique_ptr<qom::Object>> nodes_;
};

}  // namespace qc::system
