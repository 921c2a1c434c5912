// SPDX-License-Identifier: GPL-2.0-or-later
//
// What stands in the object tree for a device, and for a bus.
//
// Threading: as qom::Object. Owned by DeviceNodes.
#pragma once

#include "hw/core/device.h"
#include "qom/object.h"

namespace qc::hw {
struct PcDeviceRecord;
}

namespace qc::system {

inline constexpr qom::PropertyDef kBusProperties[] = {
    {.name = "realized",
     .kind = qom::PropertyKind::kBool,
     .access = qom::PropertyAccess::kReadOnly},
};
inline constexpr qom::ObjectType kBusType{.name = "bus",
                                          .parent = &qom::kObjectType,
                                          .description = {},
                                          .abstract = true,
                                          .properties = kBusProperties};
inline constexpr qom::ObjectType kSystemBusType{.name = "System", .parent = &kBusType};
inline constexpr qom::ObjectType kPciBusType{.name = "PCI", .parent = &kBusType};
inline constexpr qom::ObjectType kPcieBusType{.name = "PCIE", .parent = &kPciBusType};
inline constexpr qom::ObjectType kIsaBusType{.name = "ISA", .parent = &kBusType};
inline constexpr qom::ObjectType kIdeBusType{.name = "IDE", .parent = &kBusType};

// Links "child[n]" name the devices on it.
class BusNode final : public qom::Object {
 public:
    BusNode(const qom::ObjectType& type, std::string_view name) : Object(type), bus_name_(name) {}
    // "pci.0": how -device and messages call it, whatever its name in the tree.
    const std::string& bus_name() const { return bus_name_; }
    void add(qom::Object& device);
    void remove(const qom::Object& device);

 private:
    Result<qapi::Value> read_property(const qom::PropertyDef&) const override { return true; }

    std::string bus_name_;
    unsigned next_ = 0;
    std::vector<std::string> links_;
};

class DeviceNode final : public qom::Object {
 public:
    struct Facts {
        hw::Device* device = nullptr;
        const hw::PcDeviceRecord* record = nullptr;  // null: nobody asked for it
        bool hotplugged = false;
        bool hotpluggable = false;
    };
    DeviceNode(const qom::ObjectType& type, qom::PropertyValues properties, const Facts& facts);
    ~DeviceNode() override;

    hw::Device* device() const { return facts_.device; }
    bool stands_for(const hw::PcDeviceRecord& record) const { return facts_.record == &record; }
    // Once, after it has its place in the tree.
    void put_on(BusNode& bus);

 private:
    Result<qapi::Value> read_property(const qom::PropertyDef& def) const override;

    const Facts facts_;
    BusNode* bus_ = nullptr;
};

}  // namespace qc::system
