// SPDX-License-Identifier: GPL-2.0-or-later
//
// A node of the object tree: it has a type, properties, children and links. The
// tree names objects and does not own them: whoever owns an object destroys it,
// and its destructor takes it out of the tree.
//
// Threading: caller locks (the machine lock, once the machine exists). Objects do
// not move.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "qapi/value.h"
#include "qom/object_type.h"
#include "util/result.h"

namespace qc::qom {

class Object {
 public:
    explicit Object(const ObjectType& type);
    Object(const ObjectType& type, PropertyValues properties);
    virtual ~Object();
    Object(const Object&) = delete;
    Object& operator=(const Object&) = delete;

    const ObjectType& type() const { return type_; }
    bool is_a(std::string_view type_name) const { return type_.is_a(type_name); }
    // What the object was created with.
    const PropertyValues& properties() const { return properties_; }

    // The name in the parent; empty while there is no parent.
    const std::string& name() const { return name_; }
    Object* parent() const { return parent_; }
    // "/machine/peripheral/e0"; of a tree's root, and of an object outside any tree: "/".
    std::string path() const;

    // A name that ends in "[*]" gets the first free number: "device[0]". Fails if
    // the name is taken, empty or has a slash. `child` has no parent (asserted).
    Result<void> attach(std::string_view name, Object& child);
    // Leaves the parent; nothing if there is none.
    void detach();
    Object* child(std::string_view name) const;
    const std::vector<Object*>& children() const { return children_; }

    // A named reference to another object; nullptr is a link that points nowhere.
    // When the target dies, the link points nowhere. The type may declare a property of
    // this name, for introspection: reading it reads the link.
    void set_link(std::string_view name, const ObjectType& target_type, Object* target);
    Object* link(std::string_view name) const;
    // Nothing if there is none.
    void remove_link(std::string_view name);

    // qom-get, qom-set, qom-list.
    Result<qapi::Value> get_property(std::string_view name) const;
    Result<void> set_property(std::string_view name, const qapi::Value& value);
    struct PropertyInfo {
        std::string name;
        std::string type;
    };
    std::vector<PropertyInfo> list_properties() const;

 protected:
    // Called for kReadOnly and kReadWrite properties. The default answers with the
    // value from creation.
    virtual Result<qapi::Value> read_property(const PropertyDef& def) const;
    // Called for kReadWrite properties with a value of the right kind and range.
    // The default refuses.
    virtual Result<void> write_property(const PropertyDef& def, const qapi::Value& value);

 private:
    struct Link {
        std::string name;
        const ObjectType* target_type;
        Object* target;
    };
    const Link* find_link(std::string_view name) const;
    void point(Link& link, Object* target);

    const ObjectType& type_;
    PropertyValues properties_;
    std::string name_;
    Object* parent_ = nullptr;
    std::vector<Object*> children_;
    std::vector<Link> links_;
    // Objects with links to this one, once for each link.
    std::vector<Object*> referrers_;
};

}  // namespace qc::qom
