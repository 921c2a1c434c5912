// SPDX-License-Identifier: GPL-2.0-or-later
#include "crypto/tls_request.h"

namespace qc::crypto {

namespace {

std::string_view name_of(TlsEndpoint endpoint) {
    return endpoint == TlsEndpoint::kServer ? "server" : "client";
}

}  // namespace

Result<TlsSettings> find_tls_settings(const TlsObjects* objects, const TlsRequest& request) {
    if (objects == nullptr) return fail("No TLS credentials with id '{}'", request.creds);
    TlsSettings settings;
    settings.credentials = TRY(objects->find_credentials(request.creds));
    if (settings.credentials->endpoint() != request.endpoint) {
        return fail("'tls-creds': expected TLS credentials for a {} endpoint, '{}' are for a {}",
                    name_of(request.endpoint), request.creds,
                    name_of(settings.credentials->endpoint()));
    }
    if (request.endpoint == TlsEndpoint::kClient) {
        settings.hostname = request.hostname;
    } else if (!request.authz.empty()) {
        settings.authz = TRY(objects->find_authz(request.authz));
        if (settings.credentials->kind() == TlsKind::kAnon ||
            (settings.credentials->kind() == TlsKind::kX509 &&
             !settings.credentials->verify_peer())) {
            return fail("'tls-authz': the credentials '{}' do not make the peer prove who it is",
                        request.creds);
        }
    }
    return settings;
}

}  // namespace qc::crypto
