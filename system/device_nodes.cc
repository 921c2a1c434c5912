// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/device_nodes.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "hw/core/device_type.h"
#include "qom/identifier.h"
#include "system/device_help.h"
#include "system/user_objects.h"
#include "target/i386/cpu_catalog.h"
#include "util/assert.h"

namespace qc::system {

namespace {

constexpr qom::ObjectType kMachineType{
    .name = "machine", .parent = &qom::kObjectType, .description = {}, .abstract = true};
constexpr qom::ObjectType kCpuType{.name = "x86_64-cpu",
                                   .parent = &hw::kDeviceType,
                                   .description = "x86-64 processor",
                                   .abstract = true};

// No object is of these types; libvirt looks here for the accelerators that there are.
constexpr qom::ObjectType kAccelType{
    .name = "accel", .parent = &qom::kObjectType, .description = {}, .abstract = true};
constexpr qom::ObjectType kAccelTypes[] = {{.name = "kvm-accel", .parent = &kAccelType},
                                           {.name = "qtest-accel", .parent = &kAccelType},
                                           {.name = "tcg-accel", .parent = &kAccelType}};

// Chips that are neither functions on the PCI bus nor behind the bridge to ISA.
constexpr std::array<std::string_view, 8> kSystemChips = {
    "apic",   "fw_cfg_io", "hpet",           "i440FX-pcihost",
    "ioapic", "isa-irqs",  "kernel-irqchip", "q35-pcihost"};

// Tests find the I/O APIC by this name, whoever emulates it.
std::string_view board_name(std::string_view type) {
    return type == "ioapic" || type == "kernel-irqchip" ? "ioapic" : "device[*]";
}

bool asks_for_help(std::string_view word) {
    return word == "help" || word == "?";
}

}  // namespace

DeviceNodes::DeviceNodes(std::string_view machine_type, qom::GlobalProperties globals)
    : globals_(std::move(globals)),
      machine_type_name_(fmt::format("{}-machine", machine_type)),
      machine_type_{.name = machine_type_name_, .parent = &kMachineType},
      machine_(std::make_unique<qom::Object>(machine_type_)),
      tree_(std::make_unique<qom::ObjectTree>(*machine_)) {
    types_.add(machine_type_);
    types_.add(kCpuType);
    for (const qom::ObjectType& type : kAccelTypes)
        types_.add(type);
    for (const qom::ObjectType* bus :
         {&kSystemBusType, &kPcieBusType, &kIsaBusType, &kIdeBusType}) {
        types_.add(*bus);
    }
    types_.add(hw::kPciDeviceType);
    types_.add(hw::kIsaDeviceType);
    types_.add(hw::kSystemDeviceType);
    for (const i386::CpuCatalogEntry& model : i386::cpu_catalog({})) {
        cpu_type_names_.push_back(model.type_name);
        cpu_types_.push_back({.name = cpu_type_names_.back(),
                              .parent = &kCpuType,
                              .description = model.description});
        types_.add(cpu_types_.back());
    }
    hw::register_pc_device_types(types_);
    UserObjects::register_types(types_);
}

DeviceNodes::~DeviceNodes() = default;

Result<const qom::ObjectType*> DeviceNodes::find_type(const std::string& name) const {
    const qom::ObjectType* type = types_.find(name);
    if (type == nullptr || !type->is_a("device")) {
        return fail("'{}' is not a valid device model name", name);
    }
    if (type->abstract) return fail("Parameter 'driver' expects a non-abstract device type");
    const bool of_board =
        std::ranges::any_of(board_types_, [&](const auto& chip) { return chip.get() == type; });
    if (of_board || type->is_a(kCpuType.name)) {
        return fail("Parameter 'driver' expects a pluggable device type");
    }
    return type;
}

Result<std::optional<std::string>> DeviceNodes::help(
    const std::vector<ParsedOption>& options) const {
    for (const ParsedOption& option : options) {
        if (option.json) continue;
        OptionString copy = option.options;
        std::string name = TRY(copy.take_required("driver").context("{}", option.origin));
        if (asks_for_help(name)) return device_list(types_);
        for (const OptionString::Option& rest : copy.options()) {
            if (!rest.bare || !asks_for_help(rest.key)) continue;
            if (types_.find(name) == nullptr || !types_.find(name)->is_a("device")) {
                return fail("{}: Device '{}' not found", option.origin, name);
            }
            return type_help(*TRY(find_type(name).context("{}", option.origin)));
        }
    }
    return std::nullopt;
}

Result<void> DeviceNodes::begin_request(hw::DeviceRequest& request, const std::string& driver,
                                        std::optional<std::string> id) const {
    request.type = TRY(find_type(driver));
    if (id) TRY(qom::check_identifier(*id));
    request.id = std::move(id).value_or("");
    request.properties = TRY(globals_.values_for(*request.type));
    return {};
}

namespace {

Result<hw::DeviceRequest> checked_request(
    const ParsedOption& option,
    const std::function<Result<void>(hw::DeviceRequest&, const std::string&,
                                     std::optional<std::string>)>& begin) {
    hw::DeviceRequest request;
    OptionString left = option.options;
    const std::string driver = TRY(left.take_required("driver"));
    TRY(begin(request, driver, left.take("id")));
    // Of a disk it is a property.
    if (request.type->find_property("bus") == nullptr) {
        request.bus = left.take("bus").value_or("");
    }
    if (!option.json) {
        TRY(request.properties.add(*request.type, left));
        return request;
    }
    qapi::Object members = *option.json->as_object();
    for (std::string_view taken : {"driver", "id"})
        members.erase(taken);
    if (request.type->find_property("bus") == nullptr) members.erase("bus");
    TRY(request.properties.add(*request.type, members, qom::TextValues::kRefused));
    return request;
}

}  // namespace

Result<std::vector<hw::DeviceRequest>> DeviceNodes::requests(
    const std::vector<ParsedOption>& options) const {
    std::vector<hw::DeviceRequest> requests;
    auto begin = [this](hw::DeviceRequest& request, const std::string& driver,
                        std::optional<std::string> id) {
        return begin_request(request, driver, std::move(id));
    };
    for (const ParsedOption& option : options) {
        hw::DeviceRequest request =
            TRY(checked_request(option, begin).context("{}", option.origin));
        const bool taken = std::ranges::any_of(requests, [&](const hw::DeviceRequest& other) {
            return !request.id.empty() && other.id == request.id;
        });
        if (taken) {
            return fail("{}: Duplicate ID '{}' for device", option.origin, request.id);
        }
        requests.push_back(std::move(request));
    }
    return requests;
}

Result<hw::DeviceRequest> DeviceNodes::request(const qapi::Object& members) const {
    hw::DeviceRequest request;
    qapi::Object left = members;
    auto text = [&](std::string_view name) -> Result<std::optional<std::string>> {
        const qapi::Value* value = left.find(name);
        if (value == nullptr) return std::nullopt;
        const std::string* string = value->as_string();
        if (string == nullptr) {
            return fail("Invalid parameter type for '{}', expected: string", name);
        }
        std::string copy = *string;
        left.erase(name);
        return copy;
    };
    const auto driver = TRY(text("driver"));
    if (!driver) return fail("Parameter 'driver' is missing");
    TRY(begin_request(request, *driver, TRY(text("id"))));
    if (request.type->find_property("bus") == nullptr) {
        request.bus = TRY(text("bus")).value_or("");
    }
    // A number is taken for what it says as text, as under QEMU: slot 3 is 3.
    if (const qapi::Value* place = left.find("addr"); place != nullptr) {
        if (const auto number = place->as_int()) left.set("addr", std::to_string(*number));
    }
    TRY(request.properties.add(*request.type, left, qom::TextValues::kTaken));
    if (!request.id.empty() && find_id(request.id) != nullptr) {
        return fail("Duplicate device ID '{}'", request.id);
    }
    return request;
}

Result<void> DeviceNodes::check_globals() const {
    for (const qom::GlobalProperty& global : globals_.all()) {
        const qom::ObjectType* type = types_.find(global.driver);
        if (type == nullptr || !type->is_a("device") || type->abstract) continue;
        if (!find_type(global.driver)) {
            return fail("-global {}.{}={}: no property of '{}' can be set", global.driver,
                        global.property, global.value, global.driver);
        }
    }
    return {};
}

std::vector<std::string> DeviceNodes::global_warnings() const {
    std::vector<std::string> warnings;
    for (const qom::GlobalProperty& global : globals_.all()) {
        const qom::ObjectType* type = types_.find(global.driver);
        if (type != nullptr && type->is_a("device")) continue;
        warnings.push_back(
            fmt::format("global {}.{} has invalid class name", global.driver, global.property));
    }
    return warnings;
}

DeviceNode* DeviceNodes::find_id(std::string_view id) const {
    qom::Object* found = tree_->peripheral().child(id);
    return found == nullptr ? nullptr : find_node(*found);
}

DeviceNode* DeviceNodes::find_record(const hw::PcDeviceRecord& record) const {
    const auto found =
        std::ranges::find_if(nodes_, [&](const auto& owned) { return owned->stands_for(record); });
    return found == nodes_.end() ? nullptr : found->get();
}

DeviceNode* DeviceNodes::find_node(const qom::Object& node) const {
    const auto found =
        std::ranges::find_if(nodes_, [&](const auto& owned) { return owned.get() == &node; });
    return found == nodes_.end() ? nullptr : found->get();
}

hw::Device* DeviceNodes::device_of(const qom::Object& node) const {
    const DeviceNode* found = find_node(node);
    return found == nullptr ? nullptr : found->device();
}

DeviceNode& DeviceNodes::place(std::string_view name, qom::Object& parent,
                               std::unique_ptr<DeviceNode> node) {
    const Result<void> attached = parent.attach(name, *node);
    QC_ASSERT(attached.has_value());
    nodes_.push_back(std::move(node));
    return *nodes_.back();
}

BusNode& DeviceNodes::make_bus(const qom::ObjectType& type, std::string_view bus_name,
                               std::string_view name, qom::Object& parent) {
    auto bus = std::make_unique<BusNode>(type, bus_name);
    const Result<void> attached = parent.attach(name, *bus);
    QC_ASSERT(attached.has_value());
    buses_.push_back(std::move(bus));
    return *buses_.back();
}

const qom::ObjectType& DeviceNodes::type_of_chip(const hw::Device& chip) {
    const std::string_view name = chip.type_name();
    if (const qom::ObjectType* known = types_.find(name)) return *known;
    const qom::ObjectType* parent = &hw::kIsaDeviceType;
    if (chip.as_pci() != nullptr) parent = &hw::kPciDeviceType;
    if (std::ranges::find(kSystemChips, name) != kSystemChips.end()) {
        parent = &hw::kSystemDeviceType;
    }
    board_types_.push_back(
        std::make_unique<qom::ObjectType>(qom::ObjectType{.name = name, .parent = parent}));
    types_.add(*board_types_.back());
    return *board_types_.back();
}

void DeviceNodes::place_chip(hw::Device& chip, const hw::PcBoard& board) {
    const qom::ObjectType& type = type_of_chip(chip);
    qom::PropertyValues properties(type);
    chip.settle_properties(properties);
    auto node = std::make_unique<DeviceNode>(type, std::move(properties),
                                             DeviceNode::Facts{.device = &chip});
    if (type.name == "i440FX-pcihost" || type.name == "q35-pcihost") {
        const bool express = type.name == "q35-pcihost";
        DeviceNode& host = place(express ? "q35" : "i440fx", *machine_, std::move(node));
        make_bus(express ? kPcieBusType : kPciBusType, board.pci_bus_name(), board.pci_bus_name(),
                 host);
        return;
    }
    DeviceNode& placed = place(board_name(type.name), tree_->unattached(), std::move(node));
    if (type.name == "PIIX3" || type.name == "ICH9-LPC") {
        make_bus(kIsaBusType, "isa.0", "isa.0", placed);
    }
    const unsigned disks = type.name == "piix3-ide" ? 2 : type.name == "ich9-ahci" ? 6 : 0;
    for (unsigned number = 0; number < disks; ++number) {
        const std::string name = fmt::format("ide.{}", number);
        make_bus(kIdeBusType, name, name, placed);
    }
}

BusNode* DeviceNodes::bus_for(const DeviceNode& node, std::string_view bus_name) const {
    auto of_type = [&](std::string_view bus, std::string_view name) -> BusNode* {
        const auto found = std::ranges::find_if(buses_, [&](const auto& owned) {
            return owned->is_a(bus) && (name.empty() || owned->bus_name() == name);
        });
        return found == buses_.end() ? nullptr : found->get();
    };
    if (node.is_a("pci-device")) return of_type("PCI", {});
    if (node.is_a("isa-device")) return of_type("ISA", {});
    if (node.is_a("ide-device")) return of_type("IDE", bus_name);
    if (node.is_a("sys-bus-device")) return of_type("System", {});
    return nullptr;
}

DeviceNode& DeviceNodes::add(const hw::PcDeviceRecord& record, const hw::PcBoard& board,
                             bool hotplugged) {
    auto node =
        std::make_unique<DeviceNode>(*record.type, record.properties,
                                     DeviceNode::Facts{.device = record.device,
                                                       .record = &record,
                                                       .hotplugged = hotplugged,
                                                       .hotpluggable = board.can_unplug(record)});
    qom::Object& parent = !record.by_name     ? tree_->unattached()
                          : record.id.empty() ? tree_->peripheral_anon()
                                              : tree_->peripheral();
    DeviceNode& placed =
        place(record.id.empty() ? "device[*]" : record.id, parent, std::move(node));
    if (BusNode* bus = bus_for(placed, record.bus)) placed.put_on(*bus);
    const qom::PropertyDef* link = record.type->find_property("rng");
    if (link != nullptr) {
        qom::Object* target = find_object_(record.properties.get_string(link->name));
        placed.set_link(link->name, target == nullptr ? qom::kObjectType : target->type(), target);
    }
    return placed;
}

void DeviceNodes::remove(const DeviceNode& node) {
    std::erase_if(nodes_, [&](const auto& owned) { return owned.get() == &node; });
}

Result<void> DeviceNodes::adopt(const hw::PcBoard& board, std::string_view cpu_model, unsigned cpus,
                                FindObject find) {
    find_object_ = std::move(find);
    std::string cpu_type_name = i386::cpu_type_name(cpu_model);
    const qom::ObjectType* cpu_type = types_.find(cpu_type_name);
    if (cpu_type == nullptr) return fail("there is no type '{}'", cpu_type_name);
    for (unsigned index = 0; index < cpus; ++index) {
        place("device[*]", tree_->unattached(),
              std::make_unique<DeviceNode>(*cpu_type, qom::PropertyValues(*cpu_type),
                                           DeviceNode::Facts{}));
    }
    make_bus(kSystemBusType, "main-system-bus", "sysbus", tree_->unattached());
    const std::vector<const hw::PcDeviceRecord*> records = board.records();
    for (hw::Device* device : board.devices()) {
        const bool asked_for = std::ranges::any_of(records, [&](const auto* record) {
            return record->device == device && !record->type->is_a("ide-device");
        });
        if (!asked_for) place_chip(*device, board);
    }
    for (const auto& node : nodes_) {
        if (BusNode* bus = bus_for(*node, {})) node->put_on(*bus);
    }
    for (const hw::PcDeviceRecord* record : records)
        add(*record, board, false);
    return {};
}

}  // namespace qc::system
