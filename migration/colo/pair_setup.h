// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the source of a migration tells the destination about the COLO pair that
// they are to become, before the first page (the stream's command enable-colo).
//
// Threading: plain values.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "migration/parameters.h"
#include "util/result.h"

namespace qc::migration::colo {

// The secret of a pair's hashes: nobody who does not know it can make two pages
// whose hashes are the same.
using HashKey = std::array<std::byte, 192>;

struct PairSetup {
    ColoMethod method = ColoMethod::kDiverged;
    HashKey key{};

    // With a new key.
    static Result<PairSetup> random(ColoMethod method);
};

inline constexpr uint16_t kPairSetupSize = 8 + std::tuple_size_v<HashKey>;

// be32 protocol version, be32 method, key.
std::vector<std::byte> encode_pair_setup(const PairSetup& setup);
// `data` has kPairSetupSize bytes. Refuses another version of the protocol.
Result<PairSetup> parse_pair_setup(std::span<const std::byte> data);

}  // namespace qc::migration::colo
