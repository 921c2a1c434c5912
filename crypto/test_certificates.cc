// SPDX-License-Identifier: GPL-2.0-or-later
#include "crypto/test_certificates.h"

#include <arpa/inet.h>

#include <array>
#include <ctime>
#include <fstream>
#include <utility>

#include "crypto/gnutls_state.h"

namespace qc::crypto {

namespace {

Result<void> check(int code, const char* what) {
    if (code < 0) return fail_gnutls(code, "{}", what);
    return {};
}

Result<gnutls_x509_privkey_t> make_key() {
    gnutls_x509_privkey_t key = nullptr;
    TRY(check(gnutls_x509_privkey_init(&key), "key"));
    TRY(check(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
                                           GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0),
              "generating a key"));
    return key;
}

Result<gnutls_x509_crt_t> make_certificate(const TestCertificate& wanted, gnutls_x509_privkey_t key,
                                           unsigned char serial) {
    gnutls_x509_crt_t certificate = nullptr;
    TRY(check(gnutls_x509_crt_init(&certificate), "certificate"));
    const time_t from = time(nullptr) + wanted.valid_from_s;
    TRY(check(gnutls_x509_crt_set_version(certificate, 3), "version"));
    TRY(check(gnutls_x509_crt_set_serial(certificate, &serial, 1), "serial"));
    TRY(check(gnutls_x509_crt_set_activation_time(certificate, from), "activation"));
    TRY(check(gnutls_x509_crt_set_expiration_time(certificate, from + wanted.valid_for_s),
              "expiration"));
    TRY(check(gnutls_x509_crt_set_key(certificate, key), "key"));
    TRY(check(gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0,
                                            wanted.common_name.data(),
                                            static_cast<unsigned>(wanted.common_name.size())),
              "name"));
    return certificate;
}

Result<void> write_pem(const std::string& path, const gnutls_datum_t& pem) {
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(pem.data), pem.size);
    if (!file.flush()) return fail("cannot write {}", path);
    return {};
}

Result<void> write_certificate(const std::string& path, gnutls_x509_crt_t certificate) {
    gnutls_datum_t pem = {nullptr, 0};
    TRY(check(gnutls_x509_crt_export2(certificate, GNUTLS_X509_FMT_PEM, &pem), "export"));
    Result<void> written = write_pem(path, pem);
    gnutls_free(pem.data);
    return written;
}

}  // namespace

struct TestAuthority::State {
    gnutls_x509_privkey_t key = nullptr;
    gnutls_x509_crt_t certificate = nullptr;
};

TestAuthority::~TestAuthority() {
    if (state_ == nullptr) return;
    gnutls_x509_privkey_deinit(state_->key);
    gnutls_x509_crt_deinit(state_->certificate);
    delete state_;
}

TestAuthority::TestAuthority(TestAuthority&& other) noexcept
    : state_(std::exchange(other.state_, nullptr)) {}

Result<TestAuthority> TestAuthority::create(const std::string& name) {
    gnutls_x509_privkey_t key = TRY(make_key());
    gnutls_x509_crt_t certificate =
        TRY(make_certificate({.common_name = name, .dns_name = {}, .ip_address = {}}, key, 1));
    TRY(check(gnutls_x509_crt_set_basic_constraints(certificate, 1, -1), "constraints"));
    TRY(check(gnutls_x509_crt_set_key_usage(certificate, GNUTLS_KEY_KEY_CERT_SIGN), "usage"));
    TRY(check(gnutls_x509_crt_sign2(certificate, certificate, key, GNUTLS_DIG_SHA256, 0), "sign"));
    return TestAuthority(new State{key, certificate});
}

Result<void> TestAuthority::write_ca(const std::string& dir) const {
    return write_certificate(dir + "/ca-cert.pem", state_->certificate);
}

Result<void> TestAuthority::issue(const std::string& dir, const std::string& role,
                                  const TestCertificate& wanted) const {
    gnutls_x509_privkey_t key = TRY(make_key());
    gnutls_x509_crt_t certificate = TRY(make_certificate(wanted, key, 2));
    TRY(check(gnutls_x509_crt_set_key_usage(certificate, GNUTLS_KEY_DIGITAL_SIGNATURE), "usage"));
    TRY(check(
        gnutls_x509_crt_set_key_purpose_oid(
            certificate, role == "server" ? GNUTLS_KP_TLS_WWW_SERVER : GNUTLS_KP_TLS_WWW_CLIENT, 1),
        "purpose"));
    if (!wanted.dns_name.empty()) {
        TRY(check(gnutls_x509_crt_set_subject_alt_name(
                      certificate, GNUTLS_SAN_DNSNAME, wanted.dns_name.data(),
                      static_cast<unsigned>(wanted.dns_name.size()), GNUTLS_FSAN_APPEND),
                  "DNS name"));
    }
    if (std::array<unsigned char, 4> bytes;
        inet_pton(AF_INET, wanted.ip_address.c_str(), bytes.data()) == 1) {
        TRY(check(
            gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_IPADDRESS, bytes.data(),
                                                 bytes.size(), GNUTLS_FSAN_APPEND),
            "IP address"));
    }
    TRY(check(
        gnutls_x509_crt_sign2(certificate, state_->certificate, state_->key, GNUTLS_DIG_SHA256, 0),
        "sign"));
    TRY(write_certificate(dir + "/" + role + "-cert.pem", certificate));
    gnutls_datum_t pem = {nullptr, 0};
    TRY(check(gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &pem), "export"));
    Result<void> written = write_pem(dir + "/" + role + "-key.pem", pem);
    gnutls_free(pem.data);
    gnutls_x509_crt_deinit(certificate);
    gnutls_x509_privkey_deinit(key);
    return written;
}

}  // namespace qc::crypto
