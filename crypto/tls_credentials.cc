// SPDX-License-Identifier: GPL-2.0-or-later
#include "crypto/tls_credentials.h"

#include <unistd.h>

#include "crypto/certificate_check.h"
#include "crypto/gnutls_state.h"
#include "crypto/secret.h"

namespace qc::crypto {

namespace {

constexpr size_t kMaxFile = 1024 * 1024;

bool exists(const std::string& path) {
    return access(path.c_str(), F_OK) == 0;
}

gnutls_datum_t datum(const std::string& text) {
    return {reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())),
            static_cast<unsigned>(text.size())};
}

// The hexadecimal key of `username`.
Result<std::string> find_psk(const std::string& path, const std::string& username) {
    const std::string text = TRY(read_small_file(path, kMaxFile));
    std::string_view rest = text;
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        const size_t colon = line.find(':');
        if (colon == std::string_view::npos || line.substr(0, colon) != username) continue;
        std::string key(line.substr(colon + 1));
        while (!key.empty() && (key.back() == '\r' || key.back() == ' '))
            key.pop_back();
        return key;
    }
    return fail("Username {} not found in {}", username, path);
}

}  // namespace

TlsCredentials::TlsCredentials(TlsKind kind, const Common& common)
    : kind_(kind),
      endpoint_(common.endpoint),
      priority_(common.priority.empty() ? "NORMAL" : common.priority),
      state_(std::make_unique<State>()) {}

TlsCredentials::~TlsCredentials() = default;

Result<void> TlsCredentials::load_dh_params(const std::string& dir) {
    const std::string path = dir + "/dh-params.pem";
    if (endpoint_ != TlsEndpoint::kServer || dir.empty() || !exists(path)) return {};
    const std::string text = TRY(read_small_file(path, kMaxFile));
    const gnutls_datum_t pem = datum(text);
    int code = gnutls_dh_params_init(&state_->dh);
    if (code == 0) code = gnutls_dh_params_import_pkcs3(state_->dh, &pem, GNUTLS_X509_FMT_PEM);
    if (code != 0) return fail_gnutls(code, "Unable to load DH parameters from {}", path);
    return {};
}

Result<TlsCredentials::Pointer> TlsCredentials::create_psk(const Common& common,
                                                           const std::string& username) {
    if (common.dir.empty()) return fail("Missing 'dir' property value");
    std::unique_ptr<TlsCredentials> self(new TlsCredentials(TlsKind::kPsk, common));
    const std::string path = common.dir + "/keys.psk";
    State& state = *self->state_;
    if (common.endpoint == TlsEndpoint::kServer) {
        if (!username.empty()) return fail("username should not be set when endpoint is server");
        // GnuTLS reads the file at each handshake: it is seen now whether it can.
        TRY(read_small_file(path, kMaxFile));
        int code = gnutls_psk_allocate_server_credentials(&state.psk_server);
        if (code == 0) {
            code = gnutls_psk_set_server_credentials_file(state.psk_server, path.c_str());
        }
        if (code != 0) return fail_gnutls(code, "Unable to load {}", path);
        TRY(self->load_dh_params(common.dir));
        if (state.dh != nullptr) gnutls_psk_set_server_dh_params(state.psk_server, state.dh);
    } else {
        const std::string user = username.empty() ? "qemu" : username;
        const std::string key = TRY(find_psk(path, user));
        const gnutls_datum_t hex = datum(key);
        int code = gnutls_psk_allocate_client_credentials(&state.psk_client);
        if (code == 0) {
            code = gnutls_psk_set_client_credentials(state.psk_client, user.c_str(), &hex,
                                                     GNUTLS_PSK_KEY_HEX);
        }
        if (code != 0) return fail_gnutls(code, "The key of {} in {}", user, path);
    }
    return Pointer(std::move(self));
}

Result<TlsCredentials::Pointer> TlsCredentials::create_anon(const Common& common) {
    std::unique_ptr<TlsCredentials> self(new TlsCredentials(TlsKind::kAnon, common));
    State& state = *self->state_;
    int code;
    if (common.endpoint == TlsEndpoint::kServer) {
        code = gnutls_anon_allocate_server_credentials(&state.anon_server);
    } else {
        code = gnutls_anon_allocate_client_credentials(&state.anon_client);
    }
    if (code != 0) return fail_gnutls(code, "Cannot allocate credentials");
    TRY(self->load_dh_params(common.dir));
    if (state.dh != nullptr) gnutls_anon_set_server_dh_params(state.anon_server, state.dh);
    return Pointer(std::move(self));
}

Result<TlsCredentials::Pointer> TlsCredentials::create_x509(const Common& common,
                                                            const X509& x509) {
    if (common.dir.empty()) return fail("Missing 'dir' property value");
    std::unique_ptr<TlsCredentials> self(new TlsCredentials(TlsKind::kX509, common));
    self->verify_peer_ = x509.verify_peer;
    const bool server = common.endpoint == TlsEndpoint::kServer;
    const std::string stem = common.dir + (server ? "/server" : "/client");
    const std::string ca = common.dir + "/ca-cert.pem";
    const std::string crl = common.dir + "/ca-crl.pem";
    const std::string certificate = stem + "-cert.pem";
    const std::string key = stem + "-key.pem";
    // A client may do without a certificate of its own.
    const bool has_certificate = server || exists(certificate) || exists(key);

    const std::string ca_text = TRY(read_small_file(ca, kMaxFile));
    std::string certificate_text;
    std::string key_text;
    if (has_certificate) {
        certificate_text = TRY(read_small_file(certificate, kMaxFile));
        key_text = TRY(read_small_file(key, kMaxFile));
    }
    if (x509.sanity_check) {
        TRY(check_certificates({.ca_path = ca,
                                .ca_pem = ca_text,
                                .path = certificate,
                                .pem = certificate_text,
                                .endpoint = common.endpoint}));
    }

    gnutls_certificate_credentials_t& credentials = self->state_->x509;
    int code = gnutls_certificate_allocate_credentials(&credentials);
    if (code != 0) return fail_gnutls(code, "Cannot allocate credentials");
    const gnutls_datum_t ca_pem = datum(ca_text);
    code = gnutls_certificate_set_x509_trust_mem(credentials, &ca_pem, GNUTLS_X509_FMT_PEM);
    if (code < 0) return fail_gnutls(code, "Cannot load CA certificate '{}'", ca);
    if (has_certificate) {
        const gnutls_datum_t pem = datum(certificate_text);
        const gnutls_datum_t key_pem = datum(key_text);
        code = gnutls_certificate_set_x509_key_mem2(
            credentials, &pem, &key_pem, GNUTLS_X509_FMT_PEM,
            x509.key_password.empty() ? nullptr : x509.key_password.c_str(), 0);
        if (code < 0) {
            return fail_gnutls(code, "Cannot load certificate '{}' & key '{}'", certificate, key);
        }
    }
    if (exists(crl)) {
        const std::string text = TRY(read_small_file(crl, kMaxFile));
        const gnutls_datum_t pem = datum(text);
        code = gnutls_certificate_set_x509_crl_mem(credentials, &pem, GNUTLS_X509_FMT_PEM);
        if (code < 0) return fail_gnutls(code, "Cannot load CRL '{}'", crl);
    }
    TRY(self->load_dh_params(common.dir));
    if (self->state_->dh != nullptr)
        gnutls_certificate_set_dh_params(credentials, self->state_->dh);
    return Pointer(std::move(self));
}

}  // namespace qc::crypto
