// SPDX-License-Identifier: GPL-2.0-or-later
//
// From bytes to an Op. Whatever the model does not have, or we do not execute,
// becomes an Op that raises #UD.
//
// Threading: one decoder for each vCPU, on its thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "accel/tcg/op.h"
#include "target/i386/cpu_model.h"

namespace qc::accel::tcg {

inline constexpr size_t kMaxInstructionBytes = 15;

enum class DecodeResult : uint8_t {
    kOk,
    kEndsBlock,
    kNeedMore,  // the instruction goes on behind `bytes`
};

class Decoder {
 public:
    explicit Decoder(const i386::CpuModel& model);
    ~Decoder();
    Decoder(const Decoder&) = delete;
    Decoder& operator=(const Decoder&) = delete;

    // Decodes one instruction; everything in `op` is set but `offset`. `mode` as in
    // Block::mode.
    DecodeResult decode(std::span<const uint8_t> bytes, uint32_t mode, Op& op) const;

 private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// An op that raises, for what cannot be decoded.
Op raising_op(Handler handler, uint8_t length);

}  // namespace qc::accel::tcg
