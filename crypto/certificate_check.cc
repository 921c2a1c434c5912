// SPDX-License-Identifier: GPL-2.0-or-later
#include "crypto/certificate_check.h"

#include <gnutls/x509.h>

#include <cstring>
#include <ctime>
#include <vector>

#include "crypto/gnutls_state.h"

namespace qc::crypto {

namespace {

// The certificates of a PEM file, in its order.
class CertificateList {
 public:
    CertificateList() = default;
    CertificateList(const CertificateList&) = delete;
    CertificateList& operator=(const CertificateList&) = delete;
    ~CertificateList() {
        for (gnutls_x509_crt_t certificate : list)
            gnutls_x509_crt_deinit(certificate);
    }

    Result<void> load(const std::string& path, const std::string& pem) {
        const gnutls_datum_t data = {
            reinterpret_cast<unsigned char*>(const_cast<char*>(pem.data())),
            static_cast<unsigned>(pem.size())};
        gnutls_x509_crt_t* loaded = nullptr;
        unsigned count = 0;
        const int code =
            gnutls_x509_crt_list_import2(&loaded, &count, &data, GNUTLS_X509_FMT_PEM, 0);
        if (code < 0) return fail_gnutls(code, "Unable to import certificate {}", path);
        list.assign(loaded, loaded + count);
        gnutls_free(loaded);
        if (list.empty()) return fail("{} holds no certificate", path);
        return {};
    }

    std::vector<gnutls_x509_crt_t> list;
};

Result<void> check_times(gnutls_x509_crt_t certificate, const std::string& path) {
    const time_t now = time(nullptr);
    if (gnutls_x509_crt_get_expiration_time(certificate) < now) {
        return fail("The certificate {} has expired", path);
    }
    if (gnutls_x509_crt_get_activation_time(certificate) > now) {
        return fail("The certificate {} is not yet active", path);
    }
    return {};
}

Result<void> check_is_ca(gnutls_x509_crt_t certificate, const std::string& path, bool wanted) {
    unsigned critical = 0;
    const int ca = gnutls_x509_crt_get_basic_constraints(certificate, &critical, nullptr, nullptr);
    if (ca == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
        if (!wanted) return {};
        return fail("The certificate {} is missing basic constraints for a CA", path);
    }
    if (ca < 0) return fail_gnutls(ca, "Unable to query certificate {} basic constraints", path);
    if (wanted && ca == 0) {
        return fail("The certificate {} basic constraints do not show a CA", path);
    }
    if (!wanted && ca != 0) {
        return fail(
            "The certificate {} basic constraints show a CA, but we need one for a client "
            "or server",
            path);
    }
    return {};
}

// A certificate without the extension may do everything.
Result<void> check_usage(gnutls_x509_crt_t certificate, const std::string& path, bool ca) {
    unsigned usage = 0;
    unsigned critical = 0;
    const int code = gnutls_x509_crt_get_key_usage(certificate, &usage, &critical);
    if (code == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) return {};
    if (code < 0) return fail_gnutls(code, "Unable to query certificate {} key usage", path);
    if (critical == 0) return {};
    if (ca && (usage & GNUTLS_KEY_KEY_CERT_SIGN) == 0) {
        return fail("Certificate {} usage does not permit certificate signing", path);
    }
    if (!ca && (usage & GNUTLS_KEY_DIGITAL_SIGNATURE) == 0) {
        return fail("Certificate {} usage does not permit digital signature", path);
    }
    return {};
}

Result<void> check_purpose(gnutls_x509_crt_t certificate, const std::string& path,
                           TlsEndpoint endpoint) {
    const bool server = endpoint == TlsEndpoint::kServer;
    const std::string_view wanted = server ? GNUTLS_KP_TLS_WWW_SERVER : GNUTLS_KP_TLS_WWW_CLIENT;
    bool critical_seen = false;
    for (unsigned index = 0;; ++index) {
        std::string oid(128, '\0');
        size_t size = oid.size();
        unsigned critical = 0;
        const int code =
            gnutls_x509_crt_get_key_purpose_oid(certificate, index, oid.data(), &size, &critical);
        if (code == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
            if (index == 0 || !critical_seen) return {};
            return fail("Certificate {} purpose does not allow use with a TLS {}", path,
                        server ? "server" : "client");
        }
        if (code < 0) return fail_gnutls(code, "Unable to query certificate {} key purpose", path);
        oid.resize(std::strlen(oid.c_str()));
        if (oid == wanted || oid == GNUTLS_KP_ANY) return {};
        critical_seen = critical_seen || critical != 0;
    }
}

Result<void> check_signature(const CertificateList& certificates, const std::string& path,
                             const CertificateList& authorities, const std::string& ca_path) {
    unsigned status = 0;
    const int code = gnutls_x509_crt_list_verify(
        certificates.list.data(), static_cast<unsigned>(certificates.list.size()),
        authorities.list.data(), static_cast<unsigned>(authorities.list.size()), nullptr, 0, 0,
        &status);
    if (code < 0) {
        return fail_gnutls(code, "Unable to verify certificate {} with CA {}", path, ca_path);
    }
    if (status != 0) {
        return fail("Our own certificate {} failed validation against {}: {}", path, ca_path,
                    describe_verification(status));
    }
    return {};
}

}  // namespace

std::string describe_verification(unsigned status) {
    struct {
        unsigned flag;
        std::string_view text;
    } constexpr kReasons[] = {
        {GNUTLS_CERT_EXPIRED, "the certificate has expired"},
        {GNUTLS_CERT_NOT_ACTIVATED, "the certificate is not yet active"},
        {GNUTLS_CERT_REVOKED, "the certificate has been revoked"},
        {GNUTLS_CERT_SIGNER_NOT_FOUND, "the certificate hasn't got a known issuer"},
        {GNUTLS_CERT_SIGNER_NOT_CA, "the certificate's issuer is not a CA"},
        {GNUTLS_CERT_INSECURE_ALGORITHM, "the certificate uses an insecure algorithm"},
        {GNUTLS_CERT_SIGNATURE_FAILURE, "the certificate's signature is wrong"},
    };
    for (const auto& reason : kReasons) {
        if ((status & reason.flag) != 0) return std::string(reason.text);
    }
    return "the certificate is not trusted";
}

Result<void> check_certificates(const CertificateFiles& files) {
    CertificateList authorities;
    TRY(authorities.load(files.ca_path, files.ca_pem));
    for (gnutls_x509_crt_t certificate : authorities.list) {
        TRY(check_times(certificate, files.ca_path));
        TRY(check_is_ca(certificate, files.ca_path, true));
        TRY(check_usage(certificate, files.ca_path, true));
    }
    if (files.pem.empty()) return {};
    CertificateList own;
    TRY(own.load(files.path, files.pem));
    TRY(check_times(own.list.front(), files.path));
    TRY(check_is_ca(own.list.front(), files.path, false));
    TRY(check_usage(own.list.front(), files.path, false));
    TRY(check_purpose(own.list.front(), files.path, files.endpoint));
    return check_signature(own, files.path, authorities, files.ca_path);
}

}  // namespace qc::crypto
