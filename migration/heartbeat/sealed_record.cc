// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/heartbeat/sealed_record.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "util/assert.h"

namespace qc::migration::heartbeat {

namespace {

constexpr uint32_t kVersion = 1;
constexpr size_t kHashOffset = kSealedRecordSize - 8;

uint64_t hash_of(std::span<const std::byte> bytes) {
    return XXH3_64bits(bytes.data(), kHashOffset);
}

}  // namespace

std::vector<std::byte> seal_record(uint32_t magic, const ByteWriter& fields) {
    ByteWriter out;
    out.be32(magic);
    out.be32(kVersion);
    out.bytes(fields.view());
    std::vector<std::byte> bytes = out.take();
    QC_ASSERT(bytes.size() <= kHashOffset);
    bytes.resize(kHashOffset);
    ByteWriter hash;
    hash.be64(hash_of(bytes));
    bytes.insert(bytes.end(), hash.view().begin(), hash.view().end());
    return bytes;
}

Result<ByteReader> open_record(uint32_t magic, std::span<const std::byte> bytes) {
    if (bytes.size() != kSealedRecordSize) return fail("the record is cut short");
    ByteReader in(bytes.first(kHashOffset));
    if (TRY(in.be32("magic")) != magic) return fail("it holds something else");
    ByteReader tail(bytes.subspan(kHashOffset));
    if (TRY(tail.be64("hash")) != hash_of(bytes)) return fail("a record's hash is wrong");
    if (TRY(in.be32("version")) != kVersion) return fail("a record's version is unknown");
    return in;
}

}  // namespace qc::migration::heartbeat
