// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/chardev_nodes.h"

#include <fmt/core.h>

#include "util/assert.h"

namespace qc::system {

namespace {

constexpr qom::ObjectType kChardevType{
    .name = "chardev", .parent = &qom::kObjectType, .description = {}, .abstract = true};

}  // namespace

ChardevNodes::ChardevNodes(const chardev::ChardevRegistry& chardevs, qom::TypeRegistry& types,
                           qom::ObjectTree& tree)
    : chardevs_(chardevs), types_(types), tree_(tree) {
    for (std::string_view backend : chardev::backend_names())
        type_of(backend);
    update();
}

const qom::ObjectType& ChardevNodes::type_of(std::string_view backend) {
    std::string name = fmt::format("chardev-{}", backend);
    if (const qom::ObjectType* known = types_.find(name)) return *known;
    type_names_.push_back(std::move(name));
    own_types_.push_back({.name = type_names_.back(), .parent = &kChardevType});
    types_.add(own_types_.back());
    return own_types_.back();
}

void ChardevNodes::update() {
    nodes_.clear();
    for (const chardev::Chardev* chardev : chardevs_.list()) {
        auto node = std::make_unique<qom::Object>(type_of(chardev->backend()));
        // An id with a slash has no place in the tree.
        if (!tree_.chardevs().attach(chardev->id(), *node)) continue;
        nodes_.push_back(std::move(node));
    }
}

}  // namespace qc::system
