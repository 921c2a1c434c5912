// SPDX-License-Identifier: GPL-2.0-or-later
//
// Arguments of QMP's commands, made from what query-qmp-schema says: such as it allows,
// and such as it does not.
//
// Threading: plain values. A caller includes <nlohmann/json.hpp> itself.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace qc::qtest {

using Json = nlohmann::json;

struct ArgumentVariation;

class SchemaVariations {
 public:
    // `schema`: the return of query-qmp-schema; outlives this.
    explicit SchemaVariations(const Json& schema) : schema_(schema) {}

    std::vector<std::string> commands() const;
    // What a command may be called with, and what not.
    std::vector<ArgumentVariation> of_command(const std::string& name) const;

 private:
    enum class Members : bool { kMandatory, kAll };
    const Json& entity(const std::string& name) const;
    Json value_of(const std::string& type, Members members) const;
    Json object_of(const Json& object, const std::string& tag_value, Members members) const;
    std::vector<ArgumentVariation> of_type(const std::string& type) const;
    std::vector<ArgumentVariation> of_object(const Json& object) const;
    std::vector<ArgumentVariation> of_branch(const Json& object,
                                             const std::string& tag_value) const;
    std::vector<Json> members_of(const Json& object, const std::string& tag_value) const;
    void add_wrong_kinds(const std::string& type, std::vector<ArgumentVariation>& out) const;
    bool takes(const std::string& type, const Json& value) const;

    const Json& schema_;
};

}  // namespace qc::qtest
