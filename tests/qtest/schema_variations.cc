// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/qtest/schema_variations.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tests/qtest/argument_variation.h"

namespace qc::qtest {

namespace {

const Json kNoEntity = Json::object();

std::string name_of(const Json& entity, const char* key = "name") {
    return entity.value(key, "");
}

// Of a union; nothing if it is none.
std::string first_case(const Json& object) {
    const Json variants = object.value("variants", Json::array());
    return variants.empty() ? "" : name_of(variants[0], "case");
}

}  // namespace

const Json& SchemaVariations::entity(const std::string& name) const {
    const auto found =
        std::ranges::find_if(schema_, [&](const Json& each) { return each["name"] == name; });
    return found == schema_.end() ? kNoEntity : *found;
}

std::vector<std::string> SchemaVariations::commands() const {
    std::vector<std::string> names;
    for (const Json& each : schema_) {
        if (each["meta-type"] == "command") names.push_back(each["name"]);
    }
    return names;
}

std::vector<ArgumentVariation> SchemaVariations::of_command(const std::string& name) const {
    return of_object(entity(name_of(entity(name), "arg-type")));
}

// With those of the branch; a branch that is a union itself has the first of its own. What
// chooses a branch is marked.
std::vector<Json> SchemaVariations::members_of(const Json& object,
                                               const std::string& tag_value) const {
    std::vector<Json> members;
    for (Json member : object["members"]) {
        if (member["name"] == object.value("tag", "")) member["tag-value"] = tag_value;
        members.push_back(std::move(member));
    }
    for (const Json& variant : object.value("variants", Json::array())) {
        if (variant["case"] != tag_value) continue;
        const Json& branch = entity(variant["type"]);
        for (Json& member : members_of(branch, first_case(branch)))
            members.push_back(std::move(member));
    }
    return members;
}

Json SchemaVariations::object_of(const Json& object, const std::string& tag_value,
                                 Members members) const {
    Json result = Json::object();
    for (const Json& member : members_of(object, tag_value)) {
        if (member.contains("default") && members == Members::kMandatory) continue;
        result[name_of(member)] =
            member.contains("tag-value") ? member["tag-value"] : value_of(member["type"], members);
    }
    return result;
}

// One that the type takes.
Json SchemaVariations::value_of(const std::string& type, Members members) const {
    const Json& what = entity(type);
    const std::string kind = name_of(what, "meta-type");
    if (kind == "enum") return what["values"][0];
    if (kind == "array") return Json::array({value_of(what["element-type"], members)});
    if (kind == "alternate") return value_of(what["members"][0]["type"], members);
    if (kind == "object") return object_of(what, first_case(what), members);
    const std::string json = name_of(what, "json-type");
    if (json == "string") return "zz";
    if (json == "boolean") return false;
    if (json == "null") return nullptr;
    if (json == "number") return 1.5;
    return 1;  // also for any value
}

bool SchemaVariations::takes(const std::string& type, const Json& value) const {
    const Json& what = entity(type);
    const std::string kind = name_of(what, "meta-type");
    if (kind == "enum") return value.is_string();
    if (kind == "array") return value.is_array();
    if (kind == "object") return value.is_object();
    if (kind == "alternate") {
        return std::ranges::any_of(what["members"],
                                   [&](const Json& each) { return takes(each["type"], value); });
    }
    const std::string json = name_of(what, "json-type");
    return json == "value" || (json == "string" && value.is_string()) ||
           (json == "boolean" && value.is_boolean()) || (json == "null" && value.is_null()) ||
           (json == "number" && value.is_number()) || (json == "int" && value.is_number_integer());
}

void SchemaVariations::add_wrong_kinds(const std::string& type,
                                       std::vector<ArgumentVariation>& out) const {
    for (const Json& value : {Json("zz"), Json(1), Json(1.5), Json(true), Json(nullptr),
                              Json::array(), Json::object()}) {
        if (!takes(type, value)) out.push_back({value, false});
    }
}

// Of a value: those of its parts, and other kinds of value.
std::vector<ArgumentVariation> SchemaVariations::of_type(const std::string& type) const {
    std::vector<ArgumentVariation> out;
    add_wrong_kinds(type, out);
    const Json& what = entity(type);
    const std::string kind = name_of(what, "meta-type");
    if (kind == "enum") {
        for (const Json& value : what["values"])
            out.push_back({value, true});
        out.push_back({"zz-none", false});
    } else if (kind == "array") {
        out.push_back({Json::array(), true});
        for (ArgumentVariation& each : of_type(what["element-type"]))
            out.push_back({Json::array({std::move(each.value)}), each.valid});
    } else if (kind == "object") {
        std::ranges::move(of_object(what), std::back_inserter(out));
    } else {
        out.push_back({value_of(type, Members::kMandatory), true});
    }
    return out;
}

std::vector<ArgumentVariation> SchemaVariations::of_object(const Json& object) const {
    const Json variants = object.value("variants", Json::array());
    if (variants.empty()) return of_branch(object, "");
    std::vector<ArgumentVariation> out;
    for (const Json& variant : variants)
        std::ranges::move(of_branch(object, variant["case"]), std::back_inserter(out));
    Json unknown = object_of(object, first_case(object), Members::kMandatory);
    unknown[name_of(object, "tag")] = "zz-none";
    out.push_back({std::move(unknown), false});
    return out;
}

std::vector<ArgumentVariation> SchemaVariations::of_branch(const Json& object,
                                                           const std::string& tag_value) const {
    const Json least = object_of(object, tag_value, Members::kMandatory);
    std::vector<ArgumentVariation> out = {{least, true},
                                          {object_of(object, tag_value, Members::kAll), true}};
    Json more = least;
    more["zz-more"] = 1;
    out.push_back({std::move(more), false});
    for (const Json& member : members_of(object, tag_value)) {
        const std::string name = member["name"];
        if (member.contains("tag-value")) continue;
        if (least.contains(name)) {
            Json less = least;
            less.erase(name);
            out.push_back({std::move(less), false});
        }
        for (ArgumentVariation& each : of_type(member["type"])) {
            Json changed = least;
            changed[name] = std::move(each.value);
            out.push_back({std::move(changed), each.valid});
        }
    }
    return out;
}

}  // namespace qc::qtest
