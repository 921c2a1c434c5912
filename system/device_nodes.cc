// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/device_nodes.h"

#include <fmt/core.h>

#include <algorithm>

#include "hw/core/device_type.h"
#include "system/user_objects.h"
#include "target/i386/cpu_catalog.h"

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

// Tests find the I/O APIC by this name, whoever emulates it.
std::string_view board_name(std::string_view type) {
    return type == "ioapic" || type == "kernel-irqchip" ? "ioapic" : "device[*]";
}

std::string describe(const qom::PropertyDef& def) {
    std::string line = fmt::format("  {}=<{}>", def.name, qom::type_name_of(def));
    if (line.size() < 25) line.resize(25, ' ');
    if (!def.description.empty()) line += fmt::format("- {}", def.description);
    while (line.ends_with(' '))
        line.pop_back();
    return line + "\n";
}

}  // namespace

std::string type_help(const qom::ObjectType& type) {
    std::string text = fmt::format("{} options:\n", type.name);
    for (const qom::PropertyDef* def : qom::all_properties(type)) {
        if (def->access != qom::PropertyAccess::kReadOnly) text += describe(*def);
    }
    return text;
}

DeviceNodes::DeviceNodes(std::string_view machine_type)
    : machine_type_name_(fmt::format("{}-machine", machine_type)),
      machine_type_{.name = machine_type_name_, .parent = &kMachineType},
      machine_(std::make_unique<qom::Object>(machine_type_)),
      tree_(std::make_unique<qom::ObjectTree>(*machine_)) {
    types_.add(machine_type_);
    types_.add(kCpuType);
    for (const qom::ObjectType& type : kAccelTypes)
        types_.add(type);
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
    if (type == nullptr || type->abstract || !type->is_a("device") || type->is_a(kCpuType.name)) {
        return fail("'{}' is not a valid device model name", name);
    }
    return type;
}

Result<std::optional<std::string>> DeviceNodes::help(
    const std::vector<ParsedOption>& options) const {
    for (const ParsedOption& option : options) {
        OptionString copy = option.options;
        std::string name = TRY(copy.take_required("driver").context("{}", option.origin));
        if (name == "help" || name == "?") {
            std::string text = "Devices that -device makes:\n";
            for (const qom::ObjectType* type : types_.types()) {
                if (!type->is_a("device") || type->abstract || type->is_a(kCpuType.name)) continue;
                text += fmt::format("name \"{}\", desc \"{}\"\n", type->name, type->description);
            }
            return text;
        }
        for (const OptionString::Option& rest : copy.options()) {
            if (rest.bare && (rest.key == "help" || rest.key == "?")) {
                return type_help(*TRY(find_type(name).context("{}", option.origin)));
            }
        }
    }
    return std::nullopt;
}

Result<std::vector<hw::DeviceRequest>> DeviceNodes::requests(
    const std::vector<ParsedOption>& options) const {
    std::vector<hw::DeviceRequest> requests;
    for (const ParsedOption& option : options) {
        OptionString left = option.options;
        hw::DeviceRequest request;
        std::string name = TRY(left.take_required("driver").context("{}", option.origin));
        request.type = TRY(find_type(name).context("{}", option.origin));
        request.id = left.take("id").value_or("");
        request.properties = TRY(
            qom::PropertyValues::from_options(*request.type, left).context("{}", option.origin));
        requests.push_back(std::move(request));
    }
    return requests;
}

hw::Device* DeviceNodes::device_of(const qom::Object& node) const {
    const auto found = std::ranges::find(devices_, &node, &decltype(devices_)::value_type::first);
    return found == devices_.end() ? nullptr : found->second;
}

Result<void> DeviceNodes::place(std::string_view name, qom::Object& parent,
                                std::unique_ptr<qom::Object> node) {
    TRY(parent.attach(name, *node));
    nodes_.push_back(std::move(node));
    return {};
}

Result<void> DeviceNodes::adopt(const std::vector<hw::DeviceRequest>& requests,
                                const hw::PcBoard& board, std::string_view cpu_model,
                                unsigned cpus) {
    std::string cpu_type_name = i386::cpu_type_name(cpu_model);
    const qom::ObjectType* cpu_type = types_.find(cpu_type_name);
    if (cpu_type == nullptr) return fail("there is no type '{}'", cpu_type_name);
    for (unsigned index = 0; index < cpus; ++index)
        TRY(place("device[*]", tree_->unattached(), std::make_unique<qom::Object>(*cpu_type)));
    for (const hw::DeviceRequest& request : requests) {
        auto node = std::make_unique<qom::Object>(*request.type, request.properties);
        if (request.id.empty()) {
            TRY(place("device[*]", tree_->peripheral_anon(), std::move(node)));
        } else {
            devices_.emplace_back(node.get(), board.find_device_id(request.id));
            TRY(place(request.id, tree_->peripheral(), std::move(node)));
        }
    }
    for (hw::Device* device : board.devices()) {
        if (types_.find(device->type_name()) == nullptr) {
            board_types_.push_back(std::make_unique<qom::ObjectType>(
                qom::ObjectType{.name = device->type_name(), .parent = &hw::kDeviceType}));
            types_.add(*board_types_.back());
        }
        const qom::ObjectType& type = *types_.find(device->type_name());
        bool requested = false;
        for (const hw::DeviceRequest& request : requests)
            requested = requested || request.type == &type;
        if (!requested) {
            auto node = std::make_unique<qom::Object>(type);
            devices_.emplace_back(node.get(), device);
            TRY(place(board_name(type.name), tree_->unattached(), std::move(node)));
        }
    }
    return {};
}

}  // namespace qc::system
