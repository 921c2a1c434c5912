// SPDX-License-Identifier: GPL-2.0-or-later
//
// GnuTLS's types with owners; for crypto/*.cc only.
#pragma once

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include <string_view>

#include "crypto/tls_credentials.h"
#include "util/result.h"

namespace qc::crypto {

// As fail(), with GnuTLS's words for `code` appended.
template <typename... Args>
[[nodiscard]] Failure fail_gnutls(int code, fmt::format_string<Args...> format, Args&&... args) {
    return fail("{}: {}", fmt::format(format, std::forward<Args>(args)...), gnutls_strerror(code));
}

// What TlsCredentials hold: one of the first three, by their kind.
struct TlsCredentials::State {
    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        if (psk_client != nullptr) gnutls_psk_free_client_credentials(psk_client);
        if (psk_server != nullptr) gnutls_psk_free_server_credentials(psk_server);
        if (x509 != nullptr) gnutls_certificate_free_credentials(x509);
        if (anon_client != nullptr) gnutls_anon_free_client_credentials(anon_client);
        if (anon_server != nullptr) gnutls_anon_free_server_credentials(anon_server);
        if (dh != nullptr) gnutls_dh_params_deinit(dh);
    }

    gnutls_psk_client_credentials_t psk_client = nullptr;
    gnutls_psk_server_credentials_t psk_server = nullptr;
    gnutls_certificate_credentials_t x509 = nullptr;
    gnutls_anon_client_credentials_t anon_client = nullptr;
    gnutls_anon_server_credentials_t anon_server = nullptr;
    gnutls_dh_params_t dh = nullptr;
};

}  // namespace qc::crypto
