// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/objects/tls_creds_objects.h"

#include "system/machine.h"
#include "system/objects/secret_object.h"
#include "system/user_objects.h"

namespace qc::system {

namespace {

using qom::PropertyKind;

constexpr std::string_view kEndpoints[] = {"client", "server"};

constexpr qom::PropertyDef kCommonProperties[] = {
    {.name = "dir",
     .kind = PropertyKind::kString,
     .description = "directory of the keys and certificates"},
    {.name = "endpoint",
     .kind = PropertyKind::kEnum,
     .description = "which end of connections this is for",
     .default_value = "client",
     .enum_values = kEndpoints,
     .type_name = "QCryptoTLSCredsEndpoint"},
    {.name = "priority",
     .kind = PropertyKind::kString,
     .description = "GnuTLS priority string (NORMAL)"},
    {.name = "verify-peer",
     .kind = PropertyKind::kBool,
     .description = "whether the peer must have a certificate that the CA has signed",
     .default_value = true},
};
constexpr qom::ObjectType kTlsCredsType{.name = "tls-creds",
                                        .parent = &qom::kUserCreatableType,
                                        .description = {},
                                        .abstract = true,
                                        .properties = kCommonProperties};

constexpr qom::PropertyDef kPskProperties[] = {
    {.name = "username",
     .kind = PropertyKind::kString,
     .description = "client: whose key it uses (qemu)"},
};
constexpr qom::PropertyDef kX509Properties[] = {
    {.name = "sanity-check",
     .kind = PropertyKind::kBool,
     .description = "refuse certificates that could not work",
     .default_value = true},
    {.name = "passwordid",
     .kind = PropertyKind::kString,
     .description = "id of a secret that decrypts the key"},
};

crypto::TlsCredentials::Common common_of(const qom::PropertyValues& values) {
    return {.endpoint = values.get_string("endpoint") == "server" ? crypto::TlsEndpoint::kServer
                                                                  : crypto::TlsEndpoint::kClient,
            .dir = std::string(values.get_string("dir")),
            .priority = std::string(values.get_string("priority"))};
}

// Keys that both ends share are verified in any case.
Result<void> refuse_no_verification(const qom::PropertyValues& values, std::string_view type) {
    if (values.get_bool("verify-peer")) return {};
    return fail("'verify-peer=off' is for tls-creds-x509: {} has no certificates", type);
}

}  // namespace

constinit const qom::ObjectType kTlsCredsPskType{.name = "tls-creds-psk",
                                                 .parent = &kTlsCredsType,
                                                 .description = "TLS by keys that both sides share",
                                                 .properties = kPskProperties};
constinit const qom::ObjectType kTlsCredsX509Type{.name = "tls-creds-x509",
                                                  .parent = &kTlsCredsType,
                                                  .description = "TLS by certificates",
                                                  .properties = kX509Properties};
constinit const qom::ObjectType kTlsCredsAnonType{
    .name = "tls-creds-anon",
    .parent = &kTlsCredsType,
    .description = "TLS that proves nobody's identity"};

Result<void> TlsCredsObject::check_removal() const {
    if (credentials_.use_count() > 1) {
        return fail("object '{}' is in use, can not be deleted", name());
    }
    return {};
}

MadeObject make_tls_creds_psk(Machine&, const std::string&, const qom::PropertyValues& values) {
    TRY(refuse_no_verification(values, kTlsCredsPskType.name));
    return std::make_unique<TlsCredsObject>(
        kTlsCredsPskType, values,
        TRY(crypto::TlsCredentials::create_psk(common_of(values),
                                               std::string(values.get_string("username")))));
}

MadeObject make_tls_creds_x509(Machine& machine, const std::string&,
                               const qom::PropertyValues& values) {
    crypto::TlsCredentials::X509 options{.verify_peer = values.get_bool("verify-peer"),
                                         .sanity_check = values.get_bool("sanity-check"),
                                         .key_password = {}};
    if (const std::string_view id = values.get_string("passwordid"); !id.empty()) {
        options.key_password = TRY(find_secret(machine.objects(), id));
    }
    return std::make_unique<TlsCredsObject>(
        kTlsCredsX509Type, values,
        TRY(crypto::TlsCredentials::create_x509(common_of(values), options)));
}

MadeObject make_tls_creds_anon(Machine&, const std::string&, const qom::PropertyValues& values) {
    TRY(refuse_no_verification(values, kTlsCredsAnonType.name));
    return std::make_unique<TlsCredsObject>(
        kTlsCredsAnonType, values, TRY(crypto::TlsCredentials::create_anon(common_of(values))));
}

}  // namespace qc::system
