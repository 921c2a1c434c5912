// SPDX-License-Identifier: GPL-2.0-or-later
#include "qom/object.h"

#include <algorithm>
#include <utility>

#include "util/assert.h"

namespace qc::qom {

namespace {

constexpr std::string_view kNumbered = "[*]";

std::string first_free(const Object& parent, std::string_view stem) {
    for (unsigned number = 0;; ++number) {
        std::string name = fmt::format("{}[{}]", stem, number);
        if (parent.child(name) == nullptr) return name;
    }
}

}  // namespace

Object::Object(const ObjectType& type) : Object(type, PropertyValues(type)) {}

Object::Object(const ObjectType& type, PropertyValues properties)
    : type_(type), properties_(std::move(properties)) {}

Object::~Object() {
    detach();
    for (Object* orphan : children_)
        orphan->parent_ = nullptr;
    for (Link& link : links_)
        point(link, nullptr);
    for (Object* referrer : referrers_) {
        for (Link& link : referrer->links_) {
            if (link.target == this) link.target = nullptr;
        }
    }
}

std::string Object::path() const {
    if (parent_ == nullptr) return "/";
    std::string result;
    for (const Object* object = this; object->parent_ != nullptr; object = object->parent_) {
        result = fmt::format("/{}{}", object->name_, result);
    }
    return result;
}

Result<void> Object::attach(std::string_view name, Object& child_object) {
    QC_ASSERT(child_object.parent_ == nullptr && &child_object != this);
    std::string chosen(name);
    if (name.ends_with(kNumbered)) {
        chosen = first_free(*this, name.substr(0, name.size() - kNumbered.size()));
    }
    if (chosen.empty() || chosen.find('/') != std::string::npos) {
        return fail("'{}' is not a valid object name", name);
    }
    if (child(chosen) != nullptr || find_link(chosen) != nullptr ||
        type_.find_property(chosen) != nullptr || chosen == "type") {
        return fail("attempt to add duplicate property '{}' to object (type '{}')", chosen,
                    type_.name);
    }
    child_object.name_ = std::move(chosen);
    child_object.parent_ = this;
    children_.push_back(&child_object);
    return {};
}

void Object::detach() {
    if (parent_ == nullptr) return;
    std::erase(parent_->children_, this);
    parent_ = nullptr;
    name_.clear();
}

Object* Object::child(std::string_view name) const {
    const auto found = std::ranges::find(children_, name, &Object::name_);
    return found == children_.end() ? nullptr : *found;
}

void Object::set_link(std::string_view name, const ObjectType& target_type, Object* target) {
    auto found = std::ranges::find(links_, name, &Link::name);
    if (found == links_.end()) {
        QC_ASSERT(child(name) == nullptr);
        found = links_.insert(links_.end(), Link{std::string(name), nullptr, nullptr});
    }
    QC_ASSERT(target == nullptr || target->is_a(target_type.name));
    found->target_type = &target_type;
    point(*found, target);
}

void Object::point(Link& link, Object* target) {
    if (link.target != nullptr) {
        auto& referrers = link.target->referrers_;
        referrers.erase(std::ranges::find(referrers, this));
    }
    link.target = target;
    if (target != nullptr) target->referrers_.push_back(this);
}

const Object::Link* Object::find_link(std::string_view name) const {
    const auto found = std::ranges::find(links_, name, &Link::name);
    return found == links_.end() ? nullptr : &*found;
}

void Object::remove_link(std::string_view name) {
    auto found = std::ranges::find(links_, name, &Link::name);
    if (found == links_.end()) return;
    point(*found, nullptr);
    links_.erase(found);
}

Object* Object::link(std::string_view name) const {
    const Link* found = find_link(name);
    return found == nullptr ? nullptr : found->target;
}

Result<qapi::Value> Object::get_property(std::string_view name) const {
    if (name == "type") return type_.name;
    if (const Object* object = child(name)) return object->path();
    if (const Link* found = find_link(name)) {
        return found->target == nullptr ? std::string() : found->target->path();
    }
    const PropertyDef* def = type_.find_property(name);
    if (def == nullptr) return fail("Property '{}.{}' not found", type_.name, name);
    if (def->access != PropertyAccess::kCreate) return read_property(*def);
    return Object::read_property(*def);
}

Result<void> Object::set_property(std::string_view name, const qapi::Value& value) {
    const PropertyDef* def = type_.find_property(name);
    if (def == nullptr) {
        if (name == "type" || child(name) != nullptr || find_link(name) != nullptr) {
            return fail("Property '{}.{}' is not writable", type_.name, name);
        }
        return fail("Property '{}.{}' not found", type_.name, name);
    }
    switch (def->access) {
        case PropertyAccess::kReadWrite:
            return write_property(*def, TRY(check_property(*def, value)));
        case PropertyAccess::kReadOnly:
            return fail("Property '{}.{}' is not writable", type_.name, name);
        case PropertyAccess::kCreate: break;
    }
    return fail("Attempt to set property '{}' on device '{}' (type '{}') after it was realized",
                name, name_, type_.name);
}

std::vector<Object::PropertyInfo> Object::list_properties() const {
    std::vector<PropertyInfo> result{{"type", "string"}};
    for (const PropertyDef* def : all_properties(type_)) {
        result.push_back({std::string(def->name), std::string(type_name_of(*def))});
    }
    for (const Link& link : links_) {
        if (type_.find_property(link.name) != nullptr) continue;
        result.push_back({link.name, fmt::format("link<{}>", link.target_type->name)});
    }
    for (const Object* object : children_) {
        result.push_back({object->name_, fmt::format("child<{}>", object->type_.name)});
    }
    return result;
}

Result<qapi::Value> Object::read_property(const PropertyDef& def) const {
    const qapi::Value* value = properties_.find(def.name);
    if (value == nullptr) return fail("Property '{}.{}' is not readable", type_.name, def.name);
    if (!value->is_null()) return *value;
    // Not given, no default: a string property reads as empty, as in QEMU.
    switch (def.kind) {
        case PropertyKind::kBool: return false;
        case PropertyKind::kString:
        case PropertyKind::kEnum: return "";
        default: return 0;
    }
}

Result<void> Object::write_property(const PropertyDef& def, const qapi::Value&) {
    return fail("Property '{}.{}' is not writable", type_.name, def.name);
}

}  // namespace qc::qom
