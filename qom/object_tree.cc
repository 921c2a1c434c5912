// SPDX-License-Identifier: GPL-2.0-or-later
#include "qom/object_tree.h"

#include <span>
#include <string>
#include <vector>

#include "util/assert.h"

namespace qc::qom {

namespace {

void must_attach(Object& parent, std::string_view name, Object& child) {
    const Result<void> attached = parent.attach(name, child);
    QC_ASSERT(attached.has_value());
}

std::vector<std::string_view> split(std::string_view path) {
    std::vector<std::string_view> parts;
    while (!path.empty()) {
        const size_t slash = path.find('/');
        if (slash != 0) parts.push_back(path.substr(0, slash));
        if (slash == std::string_view::npos) break;
        path.remove_prefix(slash + 1);
    }
    return parts;
}

Object* walk(Object& from, std::span<const std::string_view> parts) {
    Object* object = &from;
    for (std::string_view part : parts) {
        Object* next = object->child(part);
        if (next == nullptr) next = object->link(part);
        if (next == nullptr) return nullptr;
        object = next;
    }
    return object;
}

struct Search {
    Object* found = nullptr;
    bool ambiguous = false;
};

// Tries the path from `object` and from everything below it. Follows children
// only, which form a tree; links would go in circles.
void search_below(Object& object, std::span<const std::string_view> parts, Search& search) {
    Object* match = walk(object, parts);
    if (match != nullptr && search.found != nullptr && match != search.found) {
        search.ambiguous = true;
    }
    if (match != nullptr) search.found = match;
    for (Object* child : object.children()) {
        if (search.ambiguous) return;
        search_below(*child, parts, search);
    }
}

}  // namespace

ObjectTree::ObjectTree(Object& machine) {
    must_attach(root_, "machine", machine);
    must_attach(root_, "objects", objects_);
    must_attach(root_, "chardevs", chardevs_);
    must_attach(machine, "peripheral", peripheral_);
    must_attach(machine, "peripheral-anon", peripheral_anon_);
    must_attach(machine, "unattached", unattached_);
}

Result<Object*> ObjectTree::resolve(std::string_view path) {
    const std::vector<std::string_view> parts = split(path);
    Search search;
    if (path.starts_with('/')) {
        search.found = walk(root_, parts);
    } else {
        search_below(root_, parts, search);
    }
    if (search.ambiguous) return fail("Path '{}' is ambiguous", path);
    if (search.found == nullptr) {
        return fail_class(ErrorClass::kDeviceNotFound, "Device '{}' not found", path);
    }
    return search.found;
}

}  // namespace qc::qom
