// SPDX-License-Identifier: GPL-2.0-or-later
//
// What -object and object-add make: one table of types, the objects by their ids.
//
// Threading: main loop, without the machine lock, which is taken for the object
// tree. Owned by system::Machine.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "qapi/value.h"
#include "qom/object_type.h"
#include "qom/user_object.h"
#include "system/options.h"

namespace qc::system {

class Machine;

// When the objects of a type are made from the command line.
enum class ObjectStage : uint8_t {
    kBackEnds,  // before character devices and disks, which may name them
    kMachine,   // when everything else is there
};

class UserObjects {
 public:
    using Factory = Result<std::unique_ptr<qom::UserObject>> (*)(Machine& machine,
                                                                 const std::string& id,
                                                                 const qom::PropertyValues& values);
    struct Entry {
        const qom::ObjectType& type;
        ObjectStage stage;
        Factory make;
    };

    explicit UserObjects(Machine& machine) : machine_(machine) {}
    ~UserObjects();

    static void register_types(qom::TypeRegistry& types);
    // The text of `-object help` or `-object TYPE,help` if an option asks for it.
    static Result<std::optional<std::string>> help(const std::vector<ParsedOption>& options);

    // Those of the command line that belong to `stage`.
    Result<void> make(const std::vector<ParsedOption>& options, ObjectStage stage);
    // `members` are the properties as QMP sends them.
    Result<void> add(const std::string& type, const std::string& id, const qapi::Object& members);
    Result<void> remove(const std::string& id);
    void machine_ends();

    // nullptr if there is none.
    qom::UserObject* find(std::string_view id) const;
    const std::vector<std::unique_ptr<qom::UserObject>>& all() const { return objects_; }

 private:
    Result<void> place(const Entry& entry, const std::string& id,
                       const qom::PropertyValues& values);

    Machine& machine_;
    std::vector<std::unique_ptr<qom::UserObject>> objects_;
};

}  // namespace qc::system
