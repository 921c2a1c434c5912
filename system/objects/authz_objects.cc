// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/objects/authz_objects.h"

#include "crypto/secret.h"
#include "qapi/generated/qapi_visit_object.h"
#include "qapi/json_reader.h"

namespace qc::system {

namespace {

using qom::PropertyKind;

constexpr size_t kMaxFile = 1024 * 1024;
constexpr std::string_view kPolicies[] = {"deny", "allow"};

constexpr qom::ObjectType kAuthzType{
    .name = "authz", .parent = &qom::kUserCreatableType, .description = {}, .abstract = true};
constexpr qom::PropertyDef kSimpleProperties[] = {
    {.name = "identity",
     .kind = PropertyKind::kString,
     .description = "the only name that is let in"},
};
constexpr qom::PropertyDef kListProperties[] = {
    {.name = "policy",
     .kind = PropertyKind::kEnum,
     .description = "for names that no rule matches",
     .default_value = "deny",
     .enum_values = kPolicies,
     .type_name = "QAuthZListPolicy"},
    {.name = "rules",
     .kind = PropertyKind::kAny,
     .description = "a list of objects with match, policy and format; the first that matches "
                    "decides",
     .type_name = "QAuthZListRule"},
};
constexpr qom::PropertyDef kListFileProperties[] = {
    {.name = "filename",
     .kind = PropertyKind::kString,
     .description = "a JSON file with the policy and rules of an authz-list"},
    {.name = "refresh",
     .kind = PropertyKind::kBool,
     .description = "read it anew for each connection",
     .default_value = true},
};

crypto::AuthzPolicy policy_of(qapi::QAuthZListPolicy policy) {
    return policy == qapi::QAuthZListPolicy::kAllow ? crypto::AuthzPolicy::kAllow
                                                    : crypto::AuthzPolicy::kDeny;
}

std::vector<crypto::AuthzRule> rules_of(const std::vector<qapi::QAuthZListRule>& rules) {
    std::vector<crypto::AuthzRule> result;
    for (const qapi::QAuthZListRule& rule : rules) {
        const bool glob = rule.format == qapi::QAuthZListFormat::kGlob;
        result.push_back({rule.match, policy_of(rule.policy),
                          glob ? crypto::AuthzFormat::kGlob : crypto::AuthzFormat::kExact});
    }
    return result;
}

Result<std::shared_ptr<const crypto::Authz>> load_list(const std::string& path) {
    const std::string text = TRY(crypto::read_small_file(path, kMaxFile));
    const qapi::Value value = TRY(qapi::parse_json(text).context("{}", path));
    const auto list = TRY(qapi::from_value<qapi::AuthZListProperties>(value).context("{}", path));
    return std::make_shared<crypto::AuthzList>(
        rules_of(list.rules.value_or(std::vector<qapi::QAuthZListRule>())),
        policy_of(list.policy.value_or(qapi::QAuthZListPolicy::kDeny)));
}

// Reads its file for every question. One that cannot be read lets nobody in.
class AuthzFile final : public crypto::Authz {
 public:
    explicit AuthzFile(std::string path) : path_(std::move(path)) {}
    Result<bool> is_allowed(std::string_view identity) const override {
        return TRY(load_list(path_))->is_allowed(identity);
    }

 private:
    std::string path_;
};

}  // namespace

constinit const qom::ObjectType kAuthzSimpleType{.name = "authz-simple",
                                                 .parent = &kAuthzType,
                                                 .description = "lets one name in",
                                                 .properties = kSimpleProperties};
constinit const qom::ObjectType kAuthzListType{.name = "authz-list",
                                               .parent = &kAuthzType,
                                               .description = "lets names in by rules",
                                               .properties = kListProperties};
constinit const qom::ObjectType kAuthzListFileType{.name = "authz-list-file",
                                                   .parent = &kAuthzType,
                                                   .description = "lets names in by a file's rules",
                                                   .properties = kListFileProperties};

Result<void> AuthzObject::check_removal() const {
    if (authz_.use_count() > 1) {
        return fail("object '{}' is in use, can not be deleted", name());
    }
    return {};
}

Result<std::vector<crypto::AuthzRule>> read_authz_rules(const qapi::Value& value) {
    return rules_of(TRY(qapi::from_value<std::vector<qapi::QAuthZListRule>>(value)));
}

Result<std::unique_ptr<qom::UserObject>> make_authz_simple(Machine&, const std::string&,
                                                           const qom::PropertyValues& values) {
    if (!values.is_set("identity")) return fail("Parameter 'identity' is missing");
    return std::make_unique<AuthzObject>(
        kAuthzSimpleType, values,
        std::make_shared<crypto::AuthzSimple>(std::string(values.get_string("identity"))));
}

Result<std::unique_ptr<qom::UserObject>> make_authz_list(Machine&, const std::string&,
                                                         const qom::PropertyValues& values) {
    std::vector<crypto::AuthzRule> rules;
    if (values.is_set("rules")) {
        rules = TRY(read_authz_rules(*values.find("rules")).context("rules"));
    }
    const auto policy = values.get_string("policy") == "allow" ? crypto::AuthzPolicy::kAllow
                                                               : crypto::AuthzPolicy::kDeny;
    return std::make_unique<AuthzObject>(
        kAuthzListType, values, std::make_shared<crypto::AuthzList>(std::move(rules), policy));
}

Result<std::unique_ptr<qom::UserObject>> make_authz_list_file(Machine&, const std::string&,
                                                              const qom::PropertyValues& values) {
    const std::string path(values.get_string("filename"));
    if (path.empty()) return fail("Parameter 'filename' is missing");
    std::shared_ptr<const crypto::Authz> authz = TRY(load_list(path));
    if (values.get_bool("refresh")) authz = std::make_shared<AuthzFile>(path);
    return std::make_unique<AuthzObject>(kAuthzListFileType, values, std::move(authz));
}

}  // namespace qc::system
