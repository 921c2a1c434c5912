// SPDX-License-Identifier: GPL-2.0-or-later
//
// Human monitor: the object tree.
#include <algorithm>

#include "monitor/hmp_command.h"
#include "monitor/hmp_words.h"
#include "qapi/json_writer.h"
#include "qom/object_tree.h"

namespace qc::monitor {

namespace {

std::vector<const qom::Object*> children_by_name(const qom::Object& object) {
    std::vector<const qom::Object*> children(object.children().begin(), object.children().end());
    std::ranges::sort(children, {}, &qom::Object::name);
    return children;
}

void show_tree(const qom::Object& object, size_t indent, std::string& text) {
    text += fmt::format("{:{}}/{} ({})\n", "", indent, object.name(), object.type().name);
    for (const qom::Object* child : children_by_name(object)) {
        show_tree(*child, indent + 2, text);
    }
}

Result<std::string> info_qom_tree(MonitorContext& context, const HmpArgs& args) {
    if (context.objects == nullptr) return fail("There is no machine");
    const std::string_view path = args.has("path") ? args.get("path") : "/machine";
    const qom::Object* object = TRY(context.objects->resolve(path));
    std::string text;
    show_tree(*object, 0, text);
    return text;
}

void show_device(const qom::Object& device, size_t indent, std::string& text) {
    const bool has_id = device.parent() != nullptr && device.parent()->name() == "peripheral";
    text += fmt::format("{:{}}dev: {}, id \"{}\"\n", "", indent, device.type().name,
                        has_id ? std::string_view(device.name()) : "");
    for (const qom::PropertyDef* def : qom::all_properties(device.type())) {
        if (def->access == qom::PropertyAccess::kReadOnly) continue;
        const Result<qapi::Value> value = device.get_property(def->name);
        if (!value) continue;
        text += fmt::format("{:{}}{} = {}\n", "", indent + 2, def->name, qapi::to_json(*value));
    }
}

void show_devices(const qom::Object& object, size_t indent, std::string& text) {
    const bool device = object.is_a("device");
    if (device) show_device(object, indent, text);
    for (const qom::Object* child : children_by_name(object)) {
        show_devices(*child, device ? indent + 2 : indent, text);
    }
}

Result<std::string> info_qtree(MonitorContext& context, const HmpArgs&) {
    if (context.objects == nullptr) return fail("There is no machine");
    std::string text = "bus: main-system-bus\n  type System\n";
    show_devices(context.objects->root(), 2, text);
    return text;
}

constexpr HmpParameter kPath[] = {{.name = "path", .optional = true, .words = qom_path_words}};
constexpr HmpCommand kCommands[] = {
    {.names = "qom-tree",
     .parameters = kPath,
     .usage = "[path]",
     .help = "show the objects of the machine, or those below a path",
     .run = info_qom_tree},
    {.names = "qtree",
     .parameters = {},
     .usage = "",
     .help = "show the devices and their properties",
     .run = info_qtree},
};

}  // namespace

std::span<const HmpCommand> hmp_object_info() {
    return kCommands;
}

}  // namespace qc::monitor
