// SPDX-License-Identifier: GPL-2.0-or-later
#include "crypto/tls_session.h"

#include <cerrno>
#include <cstring>

#include "crypto/certificate_check.h"
#include "crypto/gnutls_state.h"

namespace qc::crypto {

struct TlsSession::State {
    State() = default;
    State(const State&) = delete;
    State& operator=(const State&) = delete;
    ~State() {
        if (session != nullptr) gnutls_deinit(session);
    }

    gnutls_session_t session = nullptr;

    // GnuTLS calls these; `pointer` is the session's owner's wire.
    static ssize_t pull(gnutls_transport_ptr_t pointer, void* data, size_t size) {
        auto& self = *static_cast<TlsSession*>(pointer);
        Result<std::optional<size_t>> count =
            self.wire_.pull({static_cast<std::byte*>(data), size});
        if (count && *count) return static_cast<ssize_t>(**count);
        gnutls_transport_set_errno(self.state_->session, count ? EAGAIN : EIO);
        return -1;
    }
    static ssize_t push(gnutls_transport_ptr_t pointer, const void* data, size_t size) {
        static_cast<TlsSession*>(pointer)->wire_.push({static_cast<const std::byte*>(data), size});
        return static_cast<ssize_t>(size);
    }
    // Whether pull() has something is pull()'s to say.
    static int pull_timeout(gnutls_transport_ptr_t, unsigned) { return 1; }
};

namespace {

std::string priority_for(TlsKind kind, const std::string& priority) {
    switch (kind) {
        case TlsKind::kPsk: return priority + ":+ECDHE-PSK:+DHE-PSK:+PSK";
        // Without certificates and keys there is no TLS 1.3.
        case TlsKind::kAnon: return priority + ":-VERS-TLS1.3:+ANON-ECDH:+ANON-DH";
        case TlsKind::kX509: break;
    }
    return priority;
}

bool is_numeric_host(const std::string& host) {
    return host.find(':') != std::string::npos ||
           host.find_first_not_of("0123456789.") == std::string::npos;
}

}  // namespace

TlsSession::TlsSession(const TlsSettings& settings, TlsWire& wire)
    : settings_(settings), wire_(wire), state_(std::make_unique<State>()) {}

TlsSession::~TlsSession() = default;

Result<std::unique_ptr<TlsSession>> TlsSession::create(const TlsSettings& settings, TlsWire& wire) {
    std::unique_ptr<TlsSession> self(new TlsSession(settings, wire));
    TRY(self->start());
    return self;
}

Result<void> TlsSession::start() {
    const TlsCredentials& credentials = *settings_.credentials;
    const TlsCredentials::State& keys = *credentials.state_;
    const bool server = credentials.endpoint() == TlsEndpoint::kServer;
    gnutls_session_t& session = state_->session;
    // Every connection is made anew: tickets would only be bytes that nobody awaits.
    int code = gnutls_init(
        &session, (server ? GNUTLS_SERVER : GNUTLS_CLIENT) | GNUTLS_NONBLOCK | GNUTLS_NO_TICKETS);
    if (code < 0) return fail_gnutls(code, "Cannot create a TLS session");
    const std::string priority = priority_for(credentials.kind(), credentials.priority_);
    code = gnutls_priority_set_direct(session, priority.c_str(), nullptr);
    if (code < 0) return fail_gnutls(code, "Unable to set TLS session priority {}", priority);
    switch (credentials.kind()) {
        case TlsKind::kPsk:
            code = server ? gnutls_credentials_set(session, GNUTLS_CRD_PSK, keys.psk_server)
                          : gnutls_credentials_set(session, GNUTLS_CRD_PSK, keys.psk_client);
            break;
        case TlsKind::kAnon:
            code = server ? gnutls_credentials_set(session, GNUTLS_CRD_ANON, keys.anon_server)
                          : gnutls_credentials_set(session, GNUTLS_CRD_ANON, keys.anon_client);
            break;
        case TlsKind::kX509:
            code = gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, keys.x509);
            if (server) {
                gnutls_certificate_server_set_request(
                    session, credentials.verify_peer() ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_IGNORE);
            } else if (!settings_.hostname.empty() && !is_numeric_host(settings_.hostname)) {
                gnutls_server_name_set(session, GNUTLS_NAME_DNS, settings_.hostname.data(),
                                       settings_.hostname.size());
            }
            break;
    }
    if (code < 0) return fail_gnutls(code, "Cannot set session credentials");
    gnutls_transport_set_ptr(session, this);
    gnutls_transport_set_pull_function(session, &State::pull);
    gnutls_transport_set_push_function(session, &State::push);
    gnutls_transport_set_pull_timeout_function(session, &State::pull_timeout);
    return {};
}

Failure TlsSession::failed(std::string_view doing, int code) const {
    if (code == GNUTLS_E_FATAL_ALERT_RECEIVED || code == GNUTLS_E_WARNING_ALERT_RECEIVED) {
        const char* name = gnutls_alert_get_name(gnutls_alert_get(state_->session));
        return fail("{}: the peer refused: {}", doing, name != nullptr ? name : "unknown alert");
    }
    if (code == GNUTLS_E_PREMATURE_TERMINATION) {
        return fail("{}: the peer closed the connection without ending TLS", doing);
    }
    return fail_gnutls(code, "{}", doing);
}

Result<bool> TlsSession::handshake() {
    while (true) {
        const int code = gnutls_handshake(state_->session);
        if (code == GNUTLS_E_SUCCESS) return true;
        if (code == GNUTLS_E_AGAIN) return false;
        if (code == GNUTLS_E_INTERRUPTED || gnutls_error_is_fatal(code) == 0) continue;
        if (code != GNUTLS_E_PULL_ERROR && code != GNUTLS_E_FATAL_ALERT_RECEIVED) {
            // The peer hears why, as far as an alert can say it.
            gnutls_alert_send_appropriate(state_->session, code);
        }
        return failed("TLS handshake failed", code);
    }
}

Result<void> TlsSession::check_peer() {
    const TlsCredentials& credentials = *settings_.credentials;
    Result<void> checked;
    if (credentials.kind() == TlsKind::kX509 &&
        (credentials.endpoint() == TlsEndpoint::kClient || credentials.verify_peer())) {
        checked = check_certificate();
    }
    if (checked && settings_.authz != nullptr) {
        Result<std::string> name = identity();
        if (!name) {
            checked = Failure(name.error());
        } else if (Result<bool> allowed = settings_.authz->is_allowed(*name); !allowed) {
            checked = Failure(allowed.error());
        } else if (!*allowed) {
            checked = fail("TLS peer '{}' is not authorised", *name);
        }
    }
    if (!checked) {
        gnutls_alert_send(state_->session, GNUTLS_AL_FATAL, GNUTLS_A_ACCESS_DENIED);
    }
    return checked;
}

Result<void> TlsSession::check_certificate() {
    unsigned status = 0;
    const int code = gnutls_certificate_verify_peers2(state_->session, &status);
    if (code == GNUTLS_E_NO_CERTIFICATE_FOUND) return fail("TLS peer sent no certificate");
    if (code < 0) return failed("Verify of the TLS peer's certificate failed", code);
    if (status != 0) return fail("TLS peer refused: {}", describe_verification(status));
    if (settings_.credentials->endpoint() == TlsEndpoint::kServer) return {};

    if (settings_.hostname.empty()) {
        return fail(
            "there is no hostname to compare the TLS peer's certificate with: set "
            "'tls-hostname'");
    }
    unsigned count = 0;
    const gnutls_datum_t* list = gnutls_certificate_get_peers(state_->session, &count);
    gnutls_x509_crt_t certificate = nullptr;
    if (list == nullptr || count == 0 || gnutls_x509_crt_init(&certificate) < 0) {
        return fail("TLS peer sent no certificate");
    }
    const bool matches =
        gnutls_x509_crt_import(certificate, &list[0], GNUTLS_X509_FMT_DER) == 0 &&
        gnutls_x509_crt_check_hostname(certificate, settings_.hostname.c_str()) != 0;
    gnutls_x509_crt_deinit(certificate);
    if (!matches) {
        return fail("TLS peer's certificate does not match the hostname {}", settings_.hostname);
    }
    return {};
}

Result<std::string> TlsSession::identity() const {
    switch (settings_.credentials->kind()) {
        case TlsKind::kPsk: {
            const char* user = gnutls_psk_server_get_username(state_->session);
            if (user != nullptr) return std::string(user);
            break;
        }
        case TlsKind::kX509: {
            unsigned count = 0;
            const gnutls_datum_t* list = gnutls_certificate_get_peers(state_->session, &count);
            gnutls_x509_crt_t certificate = nullptr;
            if (list == nullptr || count == 0 || gnutls_x509_crt_init(&certificate) < 0) break;
            gnutls_datum_t name = {nullptr, 0};
            const bool known =
                gnutls_x509_crt_import(certificate, &list[0], GNUTLS_X509_FMT_DER) == 0 &&
                gnutls_x509_crt_get_dn3(certificate, &name, 0) == 0;
            std::string text;
            if (known) text.assign(reinterpret_cast<const char*>(name.data), name.size);
            gnutls_free(name.data);
            gnutls_x509_crt_deinit(certificate);
            if (known) return text;
            break;
        }
        case TlsKind::kAnon: break;
    }
    return fail("TLS peer has not proved to be anybody, so it cannot be authorised");
}

Result<std::optional<size_t>> TlsSession::read(std::span<std::byte> buffer) {
    while (true) {
        const ssize_t count = gnutls_record_recv(state_->session, buffer.data(), buffer.size());
        if (count >= 0) return std::optional<size_t>(static_cast<size_t>(count));
        const int code = static_cast<int>(count);
        if (code == GNUTLS_E_AGAIN) return std::optional<size_t>();
        // Nobody changes the keys' owner in the middle.
        if (code == GNUTLS_E_REHANDSHAKE) return fail("the TLS peer wants another handshake");
        if (code == GNUTLS_E_INTERRUPTED || gnutls_error_is_fatal(code) == 0) continue;
        return failed("TLS", code);
    }
}

size_t TlsSession::readable() const {
    return gnutls_record_check_pending(state_->session);
}

Result<size_t> TlsSession::write(std::span<const std::byte> data) {
    while (true) {
        const ssize_t count =
            gnutls_record_send(state_->session, data.data(), std::min(data.size(), kMaxRecord));
        if (count >= 0) return static_cast<size_t>(count);
        const int code = static_cast<int>(count);
        if (code == GNUTLS_E_INTERRUPTED || code == GNUTLS_E_AGAIN) continue;
        return failed("TLS", code);
    }
}

void TlsSession::end_writing() {
    static_cast<void>(gnutls_bye(state_->session, GNUTLS_SHUT_WR));
}

}  // namespace qc::crypto
