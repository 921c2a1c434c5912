// SPDX-License-Identifier: GPL-2.0-or-later
//
// The object tree of a machine, and what stands in it for devices: a node with
// the device's type and the properties that it was given. Also what `-device`
// asks for, checked against the types that exist.
//
// Threading: main thread. Owned by system::Machine; outlives the monitors.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hw/i386/pc_board.h"
#include "qom/object_tree.h"
#include "system/options.h"

namespace qc::system {

// The text of `TYPE,help`: what may be given at creation.
std::string type_help(const qom::ObjectType& type);

class DeviceNodes {
 public:
    // The canonical machine type: "pc-i440fx-9.0".
    explicit DeviceNodes(std::string_view machine_type);
    ~DeviceNodes();

    // The text of `-device help` or `-device TYPE,help` if an option asks for it.
    Result<std::optional<std::string>> help(const std::vector<ParsedOption>& options) const;
    Result<std::vector<hw::DeviceRequest>> requests(const std::vector<ParsedOption>& options) const;

    // Puts the board's devices into the tree: what was requested under
    // /machine/peripheral (or peripheral-anon), the rest under /machine/unattached, the
    // processors first.
    Result<void> adopt(const std::vector<hw::DeviceRequest>& requests, const hw::PcBoard& board,
                       std::string_view cpu_model, unsigned cpus);

    qom::ObjectTree& tree() { return *tree_; }
    // What a node stands for; null if that is no device.
    hw::Device* device_of(const qom::Object& node) const;
    const qom::TypeRegistry& types() const { return types_; }

 private:
    Result<const qom::ObjectType*> find_type(const std::string& name) const;
    Result<void> place(std::string_view name, qom::Object& parent,
                       std::unique_ptr<qom::Object> node);

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
    std::vector<std::unique_ptr<qom::Object>> nodes_;
    std::vector<std::pair<const qom::Object*, hw::Device*>> devices_;
};

}  // namespace qc::system
