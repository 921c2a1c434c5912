// SPDX-License-Identifier: GPL-2.0-or-later
//
// Finds what TLS needs among the objects of -object and object-add.
//
// Threading: main loop. Owned by system::Machine.
#pragma once

#include "crypto/tls_objects.h"

namespace qc::system {

class UserObjects;

class TlsLookup final : public crypto::TlsObjects {
 public:
    explicit TlsLookup(const UserObjects& objects) : objects_(objects) {}

    Result<crypto::TlsCredentials::Pointer> find_credentials(std::string_view id) const override;
    Result<std::shared_ptr<const crypto::Authz>> find_authz(std::string_view id) const override;

 private:
    const UserObjects& objects_;
};

}  // namespace qc::system
