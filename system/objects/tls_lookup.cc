// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/objects/tls_lookup.h"

#include "system/objects/authz_objects.h"
#include "system/objects/tls_creds_objects.h"
#include "system/user_objects.h"

namespace qc::system {

Result<crypto::TlsCredentials::Pointer> TlsLookup::find_credentials(std::string_view id) const {
    const qom::UserObject* object = objects_.find(id);
    if (object == nullptr) return fail("No TLS credentials with id '{}'", id);
    if (!object->is_a("tls-creds")) return fail("Object with id '{}' is not TLS credentials", id);
    return static_cast<const TlsCredsObject*>(object)->credentials();
}

Result<std::shared_ptr<const crypto::Authz>> TlsLookup::find_authz(std::string_view id) const {
    const qom::UserObject* object = objects_.find(id);
    if (object == nullptr) return fail("No authorization object with id '{}'", id);
    if (!object->is_a("authz")) return fail("Object with id '{}' is not an authz object", id);
    return static_cast<const AuthzObject*>(object)->authz();
}

}  // namespace qc::system
