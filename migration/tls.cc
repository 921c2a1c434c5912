// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/tls.h"

#include "crypto/tls_request.h"
#include "io/tls_channel.h"

namespace qc::migration {

namespace {

constexpr int64_t kHandshakeDeadlineMs = 30'000;

}  // namespace

Result<std::optional<crypto::TlsSettings>> tls_settings(const Parameters& parameters,
                                                        const crypto::TlsObjects* objects,
                                                        crypto::TlsEndpoint endpoint,
                                                        const Address& address) {
    if (parameters.tls_creds.empty()) return std::optional<crypto::TlsSettings>();
    if (is_one_way(address)) {
        return fail("'tls-creds': TLS needs a connection with two ways, and '{}' has one",
                    to_string(address));
    }
    crypto::TlsRequest request{.creds = parameters.tls_creds,
                               .authz = parameters.tls_authz,
                               .endpoint = endpoint,
                               .hostname = parameters.tls_hostname};
    const auto* socket = std::get_if<io::SocketAddress>(&address);
    if (request.hostname.empty() && socket != nullptr && socket->is_inet()) {
        request.hostname = socket->inet().host;
    }
    return std::optional(TRY(crypto::find_tls_settings(objects, request)));
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
