// SPDX-License-Identifier: GPL-2.0-or-later
//
// Looks at X.509 certificates (RFC 5280) before they are used, so that one that no
// peer would take is an error with a name and not a failed connection.
//
// Threading: plain functions.
#pragma once

#include <string>

#include "crypto/tls_credentials.h"
#include "util/result.h"

namespace qc::crypto {

struct CertificateFiles {
    std::string ca_path;
    std::string ca_pem;
    std::string path;
    std::string pem;  // empty: there is no certificate but the CA's
    TlsEndpoint endpoint = TlsEndpoint::kClient;
};

// Times, key usage, purpose, and that the CA has signed the certificate.
Result<void> check_certificates(const CertificateFiles& files);

// Why a peer's certificate was not taken: "the certificate has expired". `status`
// is gnutls_certificate_verify_peers2()'s.
std::string describe_verification(unsigned status);

}  // namespace qc::crypto
