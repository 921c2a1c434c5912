// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/tls.h"

#include "io/tls_channel.h"

namespace qc::migration {

namespace {

constexpr int64_t kHandshakeDeadlineMs = 30'000;

std::string_view name_of(crypto::TlsEndpoint endpoint) {
    return endpoint == crypto::TlsEndpoint::kServer ? "server" : "client";
}

}  // namespace

Result<std::optional<crypto::TlsSettings>> tls_settings(const Parameters& parameters,
                                                        const crypto::TlsObjects* objects,
                                                        crypto::TlsEndpoint endpoint,
                                                        const Address& address) {
    if (parameters.tls_creds.empty()) return std::optional<crypto::TlsSettings>();
    if (objects == nullptr) return fail("No TLS credentials with id '{}'", parameters.tls_creds);
    crypto::TlsSettings settings;
    settings.credentials = TRY(objects->find_credentials(parameters.tls_creds));
    if (settings.credentials->endpoint() != endpoint) {
        return fail("'tls-creds': expected TLS credentials for a {} endpoint, '{}' are for a {}",
                    name_of(endpoint), parameters.tls_creds,
                    name_of(settings.credentials->endpoint()));
    }
    if (is_one_way(address)) {
        return fail("'tls-creds': TLS needs a connection with two ways, and '{}' has one",
                    to_string(address));
    }
    if (endpoint == crypto::TlsEndpoint::kClient) {
        settings.hostname = parameters.tls_hostname;
        const auto* socket = std::get_if<io::SocketAddress>(&address);
        if (settings.hostname.empty() && socket != nullptr && socket->is_inet()) {
            settings.hostname = socket->inet().host;
        }
    } else if (!parameters.tls_authz.empty()) {
        settings.authz = TRY(objects->find_authz(parameters.tls_authz));
        if (settings.credentials->kind() == crypto::TlsKind::kAnon ||
            (settings.credentials->kind() == crypto::TlsKind::kX509 &&
             !settings.credentials->verify_peer())) {
            return fail("'tls-authz': the credentials '{}' do not make the peer prove who it is",
                        parameters.tls_creds);
        }
    }
    return std::optional(std::move(settings));
}

Result<std::unique_ptr<io::Channel>> secure(std::unique_ptr<io::Channel> channel,
                                            const crypto::TlsSettings& settings,
                                            const io::Interrupt* interrupt) {
    if (!channel->two_way()) {
        return fail("TLS needs a connection with two ways, and '{}' has one", channel->peer_name());
    }
    std::unique_ptr<io::TlsChannel> secured =
        TRY(io::TlsChannel::create(std::move(channel), settings));
    TRY(secured->handshake(io::deadline_in_ms(kHandshakeDeadlineMs), interrupt));
    return std::unique_ptr<io::Channel>(std::move(secured));
}

Opener over_tls(Opener opener, crypto::TlsSettings settings) {
    return [opener = std::move(opener), settings = std::move(settings)](
               const io::Interrupt* interrupt) mutable -> Result<std::unique_ptr<io::Channel>> {
        return secure(TRY(opener(interrupt)), settings, interrupt);
    };
}

}  // namespace qc::migration
