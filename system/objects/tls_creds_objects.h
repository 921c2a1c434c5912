// SPDX-License-Identifier: GPL-2.0-or-later
//
// The objects tls-creds-psk, tls-creds-x509 and tls-creds-anon: one end's keys or
// certificates, which are loaded when the object is made.
//
// Threading: main loop. Owned by UserObjects; the credentials live on in what uses
// them, and the object is not deleted while they do.
#pragma once

#include <memory>
#include <string>

#include "crypto/tls_credentials.h"
#include "qom/user_object.h"

namespace qc::system {

class Machine;

extern const qom::ObjectType kTlsCredsPskType;
extern const qom::ObjectType kTlsCredsX509Type;
extern const qom::ObjectType kTlsCredsAnonType;

class TlsCredsObject final : public qom::UserObject {
 public:
    TlsCredsObject(const qom::ObjectType& type, const qom::PropertyValues& values,
                   crypto::TlsCredentials::Pointer credentials)
        : UserObject(type, values), credentials_(std::move(credentials)) {}

    const crypto::TlsCredentials::Pointer& credentials() const { return credentials_; }
    Result<void> check_removal() const override;

 private:
    crypto::TlsCredentials::Pointer credentials_;
};

using MadeObject = Result<std::unique_ptr<qom::UserObject>>;
MadeObject make_tls_creds_psk(Machine& machine, const std::string& id,
                              const qom::PropertyValues& values);
MadeObject make_tls_creds_x509(Machine& machine, const std::string& id,
                               const qom::PropertyValues& values);
MadeObject make_tls_creds_anon(Machine& machine, const std::string& id,
                               const qom::PropertyValues& values);

}  // namespace qc::system
