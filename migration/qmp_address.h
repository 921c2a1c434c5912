// SPDX-License-Identifier: GPL-2.0-or-later
//
// Addresses of a migration as QMP has them.
//
// Threading: plain functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "migration/address.h"
#include "qapi/generated/qapi_types_migration.h"

namespace qc::migration {

// Of `migrate` and `migrate-incoming`, which take one of the two.
Result<Address> address_from(const std::optional<std::string>& uri,
                             const std::optional<std::vector<qapi::MigrationChannel>>& channels);

qapi::SocketAddress to_qapi(const io::SocketAddress& address);

}  // namespace qc::migration
