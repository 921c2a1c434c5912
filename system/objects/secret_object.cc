// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/objects/secret_object.h"

#include <cstring>

#include "crypto/secret.h"
#include "system/user_objects.h"

namespace qc::system {

namespace {

using qom::PropertyKind;

constexpr std::string_view kFormats[] = {"raw", "base64"};
constexpr qom::PropertyDef kProperties[] = {
    // Read by read_property(), which does not tell it.
    {.name = "data",
     .kind = PropertyKind::kString,
     .description = "the secret itself",
     .access = qom::PropertyAccess::kReadWrite},
    {.name = "file", .kind = PropertyKind::kString, .description = "a file that holds it"},
    {.name = "format",
     .kind = PropertyKind::kEnum,
     .description = "how it is written there",
     .default_value = "raw",
     .enum_values = kFormats,
     .type_name = "QCryptoSecretFormat"},
    {.name = "keyid", .kind = PropertyKind::kString, .description = "not supported"},
    {.name = "iv", .kind = PropertyKind::kString, .description = "not supported"},
};

std::optional<std::string> given(const qom::PropertyValues& values, std::string_view name) {
    if (!values.is_set(name)) return std::nullopt;
    return std::string(values.get_string(name));
}

}  // namespace

constinit const qom::ObjectType kSecretType{.name = "secret",
                                            .parent = &qom::kUserCreatableType,
                                            .description = "a password or key",
                                            .properties = kProperties};

SecretObject::~SecretObject() {
    explicit_bzero(secret_.data(), secret_.size());
}

Result<qapi::Value> SecretObject::read_property(const qom::PropertyDef& def) const {
    if (def.name == "data") return fail("the data of a secret is not shown");
    return UserObject::read_property(def);
}

Result<std::unique_ptr<qom::UserObject>> make_secret(Machine&, const std::string&,
                                                     const qom::PropertyValues& values) {
    for (std::string_view name : {"keyid", "iv"}) {
        if (values.is_set(name)) {
            return fail("'{}': encrypted secrets are not supported by this version", name);
        }
    }
    return std::make_unique<SecretObject>(
        values, TRY(crypto::load_secret({.data = given(values, "data"),
                                         .file = given(values, "file"),
                                         .format = values.get_string("format") == "base64"
                                                       ? crypto::SecretFormat::kBase64
                                                       : crypto::SecretFormat::kRaw})));
}

Result<std::string> find_secret(const UserObjects& objects, std::string_view id) {
    const qom::UserObject* object = objects.find(id);
    if (object == nullptr) return fail("No secret with id '{}'", id);
    if (!object->is_a(kSecretType.name)) return fail("Object with id '{}' is not a secret", id);
    return static_cast<const SecretObject*>(object)->secret();
}

}  // namespace qc::system
