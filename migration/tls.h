// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the parameters tls-creds, tls-hostname and tls-authz make of a migration's
// channels.
//
// Threading: tls_settings() on the main loop; an opener in the migration's thread.
#pragma once

#include <optional>
#include <string>

#include "crypto/tls_objects.h"
#include "crypto/tls_session.h"
#include "migration/address.h"
#include "migration/parameters.h"
#include "migration/transport.h"

namespace qc::migration {

// Nothing without tls-creds. `objects` may be null: then there are none.
Result<std::optional<crypto::TlsSettings>> tls_settings(const Parameters& parameters,
                                                        const crypto::TlsObjects* objects,
                                                        crypto::TlsEndpoint endpoint,
                                                        const Address& address);

// Every channel that `opener` opens, with TLS over it.
Opener over_tls(Opener opener, crypto::TlsSettings settings);

Result<std::unique_ptr<io::Channel>> secure(std::unique_ptr<io::Channel> channel,
                                            const crypto::TlsSettings& settings,
                                            const io::Interrupt* interrupt);

}  // namespace qc::migration
