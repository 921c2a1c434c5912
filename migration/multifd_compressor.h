// SPDX-License-Identifier: GPL-2.0-or-later
//
// How the payload of a multifd packet is packed. Each packet stands alone: one
// zlib stream (RFC 1950) or one zstd frame (RFC 8878), so that a packet means the
// same whatever came before it.
//
// Threading: one thread each. Owned by a channel's thread.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "migration/parameters.h"
#include "util/result.h"

namespace qc::migration {

class MultifdCompressor {
 public:
    virtual ~MultifdCompressor() = default;
    // `in` must not change meanwhile: it is not the guest's memory but a copy of it.
    // `out` is replaced.
    virtual Result<void> compress(std::span<const std::byte> in, std::vector<std::byte>& out) = 0;

    // Null for MultifdCompression::kNone. `level` is the method's own.
    static Result<std::unique_ptr<MultifdCompressor>> create(MultifdCompression method, int level);
};

class MultifdDecompressor {
 public:
    virtual ~MultifdDecompressor() = default;
    // Fills all of `out`, from all of `in`; anything else is an error. `in` comes from
    // a peer.
    virtual Result<void> decompress(std::span<const std::byte> in,
                                    std::span<const std::span<std::byte>> out) = 0;

    // Null for MultifdCompression::kNone.
    static Result<std::unique_ptr<MultifdDecompressor>> create(MultifdCompression method);
};

}  // namespace qc::migration
