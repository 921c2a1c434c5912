// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/pair_setup.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>

#include "migration/colo/codec.h"
#include "util/bytes.h"

namespace qc::migration::colo {

Result<PairSetup> PairSetup::random(ColoMethod method) {
    PairSetup setup{.method = method, .key = {}};
    if (getrandom(setup.key.data(), setup.key.size(), 0) !=
        static_cast<ssize_t>(setup.key.size())) {
        return fail_errno(errno, "no random key for COLO's hashes");
    }
    return setup;
}

std::vector<std::byte> encode_pair_setup(const PairSetup& setup) {
    ByteWriter out;
    out.be32(kProtocolVersion);
    out.be32(static_cast<uint32_t>(setup.method));
    out.bytes(setup.key);
    return out.take();
}

Result<PairSetup> parse_pair_setup(std::span<const std::byte> data) {
    ByteReader in(data);
    uint32_t version = TRY(in.be32("COLO protocol version"));
    if (version != kProtocolVersion) {
        return fail("the source speaks COLO protocol version {}, this side {}", version,
                    kProtocolVersion);
    }
    uint32_t method = TRY(in.be32("COLO's method"));
    if (method > static_cast<uint32_t>(ColoMethod::kDiverged)) {
        return fail("COLO's method {} is unknown", method);
    }
    PairSetup setup{.method = static_cast<ColoMethod>(method), .key = {}};
    std::ranges::copy(TRY(in.bytes(setup.key.size(), "key of COLO's hashes")), setup.key.begin());
    return setup;
}

}  // namespace qc::migration::colo
