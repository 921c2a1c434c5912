// SPDX-License-Identifier: GPL-2.0-or-later
//
// From the names of objects that a user has given to the settings of a TLS
// connection: what migration and character devices have in common.
//
// Threading: the main loop.
#pragma once

#include <string>

#include "crypto/tls_objects.h"
#include "crypto/tls_session.h"

namespace qc::crypto {

struct TlsRequest {
    std::string creds;  // never empty
    std::string authz;  // of a server; empty: everybody may connect
    TlsEndpoint endpoint = TlsEndpoint::kClient;
    std::string hostname;  // of a client: whom the certificate must name
};

// Errors name the object and what is wrong with it. `objects` may be null.
Result<TlsSettings> find_tls_settings(const TlsObjects* objects, const TlsRequest& request);

}  // namespace qc::crypto
