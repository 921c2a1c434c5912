// SPDX-License-Identifier: GPL-2.0-or-later
//
// How a room that makes TLS connections finds the credentials that a user has
// named by the id of an object.
//
// Threading: the main loop. Owned by the machine.
#pragma once

#include <string_view>

#include "crypto/authz.h"
#include "crypto/tls_credentials.h"

namespace qc::crypto {

class TlsObjects {
 public:
    // Errors name the id: there is no such object, or it is of another kind. Who
    // holds the result keeps the object in use.
    virtual Result<TlsCredentials::Pointer> find_credentials(std::string_view id) const = 0;
    virtual Result<std::shared_ptr<const Authz>> find_authz(std::string_view id) const = 0;

 protected:
    ~TlsObjects() = default;
};

}  // namespace qc::crypto
