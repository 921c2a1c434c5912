// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whatever bytes a peer sends as a heartbeat's frame, and whatever stands in an
// arbiter's file: it is parsed or refused, and what was parsed gives the same bytes
// again. The header's magic, version and length are put right, so that inputs get past
// it; the bytes as they came are parsed too.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <vector>

#include "migration/heartbeat/codec.h"
#include "migration/heartbeat/file_arbiter.h"
#include "migration/heartbeat/sealed_record.h"

namespace {

using namespace qc;
using namespace qc::migration::heartbeat;

void check_frame(std::span<const std::byte> bytes) {
    const Result<FrameHeader> header = parse_frame_header(bytes.first(kFrameHeaderSize));
    if (!header) return;
    const std::span<const std::byte> payload = bytes.subspan(kFrameHeaderSize);
    const Result<Frame> frame = parse_frame(*header, payload);
    if (!frame) return;
    const std::vector<std::byte> again = encode(*frame);
    if (!std::ranges::equal(std::span(again).subspan(kFrameHeaderSize), payload)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < kFrameHeaderSize || size > kFrameHeaderSize + kMaxFramePayload) return 0;
    const auto input = std::as_bytes(std::span(data, size));
    std::vector<std::byte> bytes(input.begin(), input.end());
    check_frame(bytes);
    const std::vector<std::byte> sample = encode(Bye{});
    std::copy_n(sample.begin(), 7, bytes.begin());
    const size_t length = size - kFrameHeaderSize;
    bytes[8] = bytes[9] = std::byte{0};
    bytes[10] = static_cast<std::byte>(length >> 8);
    bytes[11] = static_cast<std::byte>(length);
    check_frame(bytes);

    std::vector<std::byte> record(input.begin(), input.end());
    record.resize(kSealedRecordSize);
    if (const Result<ArbiterRecord> parsed = parse_record(record)) {
        if (parse_record(encode(*parsed)).value() != *parsed) std::abort();
    }
    return 0;
}
