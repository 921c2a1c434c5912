// SPDX-License-Identifier: GPL-2.0-or-later
//
// The object tree of a machine, and what stands in it for devices and buses. Also what
// `-device` and device_add ask for, checked against the types that exist.
//
//   /machine/i440fx (q35: /machine/q35)   the PCI host, with its bus "pci.0" ("pcie.0")
//   /machine/peripheral/ID                devices with an id
//   /machine/peripheral-anon/device[n]    -device without one
//   /machine/unattached/device[n]         processors, chips, what -drive and -serial stand for
//
// Threading: main thread; the tree under the machine lock once the machine runs. Owned by
// system::Machine; outlives the monitors.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hw/i386/pc_board.h"
#include "qom/global_properties.h"
#include "qom/object_tree.h"
#include "system/device_node.h"
#include "system/options.h"

namespace qc::system {

class DeviceNodes {
 public:
    // The canonical machine type: "pc-i440fx-9.0".
    DeviceNodes(std::string_view machine_type, qom::GlobalProperties globals);
    ~DeviceNodes();

    // The text of `-device help` or `-device TYPE,help` if an option asks for it.
    Result<std::optional<std::string>> help(const std::vector<ParsedOption>& options) const;
    Result<std::vector<hw::DeviceRequest>> requests(const std::vector<ParsedOption>& options) const;
    // As QMP's device_add sends it.
    Result<hw::DeviceRequest> request(const qapi::Object& members) const;
    const qom::GlobalProperties& globals() const { return globals_; }
    // Refuses -global for devices that nobody can ask for: chips of the board, processors.
    Result<void> check_globals() const;
    // About -global for what is no type of device.
    std::vector<std::string> global_warnings() const;

    // Puts processors, chips and requested devices into the tree. `find` gives the object
    // that a property of a device links to, by its id; null if there is none.
    using FindObject = std::function<qom::Object*(std::string_view id)>;
    Result<void> adopt(const hw::PcBoard& board, std::string_view cpu_model, unsigned cpus,
                       FindObject find);
    // One that was plugged in. Its id is free.
    DeviceNode& add(const hw::PcDeviceRecord& record, const hw::PcBoard& board, bool hotplugged);
    void remove(const DeviceNode& node);
    // Null if there is none.
    DeviceNode* find_id(std::string_view id) const;
    // Null if that is no device, or no longer one.
    DeviceNode* find_node(const qom::Object& node) const;
    DeviceNode* find_record(const hw::PcDeviceRecord& record) const;

    qom::ObjectTree& tree() { return *tree_; }
    // What a node stands for; null if that is no device.
    hw::Device* device_of(const qom::Object& node) const;
    qom::TypeRegistry& types() { return types_; }

 private:
    Result<const qom::ObjectType*> find_type(const std::string& name) const;
    Result<void> begin_request(hw::DeviceRequest& request, const std::string& driver,
                               std::optional<std::string> id) const;
    const qom::ObjectType& type_of_chip(const hw::Device& chip);
    DeviceNode& place(std::string_view name, qom::Object& parent, std::unique_ptr<DeviceNode> node);
    BusNode& make_bus(const qom::ObjectType& type, std::string_view bus_name, std::string_view name,
                      qom::Object& parent);
    void place_chip(hw::Device& chip, const hw::PcBoard& board);
    BusNode* bus_for(const DeviceNode& node, std::string_view bus_name) const;

    const qom::GlobalProperties globals_;
    qom::TypeRegistry types_;
    // The machine's own type: its name is made of the machine type.
    std::string machine_type_name_;
    qom::ObjectType machine_type_;
    // One for each model that -cpu knows; types are referred to.
    std::deque<std::string> cpu_type_names_;
    std::deque<qom::ObjectType> cpu_types_;
    std::unique_ptr<qom::Object> machine_;
    std::unique_ptr<qom::ObjectTree> tree_;
    // Types of the board's own devices, which nobody can create.
    std::vector<std::unique_ptr<qom::ObjectType>> board_types_;
    FindObject find_object_;
    std::vector<std::unique_ptr<BusNode>> buses_;
    // On the buses: they go first.
    std::vector<std::unique_ptr<DeviceNode>> nodes_;
};

}  // namespace qc::system
