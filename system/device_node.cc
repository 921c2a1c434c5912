// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/device_node.h"

#include <algorithm>
#include <utility>

namespace qc::system {

void BusNode::add(qom::Object& device) {
    links_.push_back(fmt::format("child[{}]", next_++));
    set_link(links_.back(), device.type(), &device);
}

void BusNode::remove(const qom::Object& device) {
    const auto found = std::ranges::find_if(
        links_, [&](const std::string& name) { return link(name) == &device; });
    if (found == links_.end()) return;
    remove_link(*found);
    links_.erase(found);
}

DeviceNode::DeviceNode(const qom::ObjectType& type, qom::PropertyValues properties,
                       const Facts& facts)
    : Object(type, std::move(properties)), facts_(facts) {
    set_link("parent_bus", kBusType, nullptr);
}

DeviceNode::~DeviceNode() {
    if (bus_ != nullptr) bus_->remove(*this);
}

void DeviceNode::put_on(BusNode& bus) {
    bus_ = &bus;
    set_link("parent_bus", kBusType, &bus);
    bus.add(*this);
}

Result<qapi::Value> DeviceNode::read_property(const qom::PropertyDef& def) const {
    if (def.name == "realized") return true;
    if (def.name == "hotplugged") return facts_.hotplugged;
    if (def.name == "hotpluggable") return facts_.hotpluggable;
    return Object::read_property(def);
}

}  // namespace qc::system
