// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/fpu_state.h"

#include <cstring>

namespace qc::accel::tcg {

namespace {

// Offsets in the image.
constexpr unsigned kStOffset = 32;
constexpr unsigned kXmmOffset = 160;

template <typename T>
void put(uint8_t* image, unsigned offset, T value) {
    std::memcpy(image + offset, &value, sizeof(T));
}
template <typename T>
T get(const uint8_t* image, unsigned offset) {
    T value;
    std::memcpy(&value, image + offset, sizeof(T));
    return value;
}

enum Tag : unsigned { kValid = 0, kZero = 1, kSpecial = 2, kEmpty = 3 };

Tag tag_of(const Float80& value) {
    unsigned exponent = value.sign_exponent & 0x7fff;
    if (exponent == 0 && value.significand == 0) return kZero;
    bool integer_bit = (value.significand >> 63) != 0;
    if (exponent == 0 || exponent == 0x7fff || !integer_bit) return kSpecial;
    return kValid;
}

}  // namespace

uint16_t full_tag_word(const FpuState& fpu) {
    unsigned tags = 0;
    for (unsigned i = 0; i < 8; ++i) {
        Tag tag = (fpu.valid >> i) & 1 ? tag_of(fpu.registers[i]) : kEmpty;
        tags |= tag << (i * 2);
    }
    return static_cast<uint16_t>(tags);
}

void set_full_tag_word(FpuState& fpu, uint16_t tags) {
    unsigned valid = 0;
    for (unsigned i = 0; i < 8; ++i) {
        if (((tags >> (i * 2)) & 3) != kEmpty) valid |= 1u << i;
    }
    fpu.valid = static_cast<uint8_t>(valid);
}

void store_fxsave(const FpuState& fpu, FxsaveForm form, uint8_t* image) {
    put<uint16_t>(image, 0, fpu.control);
    put<uint16_t>(image, 2, fpu.status);
    put<uint16_t>(image, 4, fpu.valid);
    put<uint16_t>(image, 6, fpu.opcode);
    if (form == FxsaveForm::k64) {
        put<uint64_t>(image, 8, fpu.instruction_pointer);
        put<uint64_t>(image, 16, fpu.data_pointer);
    } else {
        put<uint32_t>(image, 8, static_cast<uint32_t>(fpu.instruction_pointer));
        put<uint32_t>(image, 12, fpu.instruction_selector);
        put<uint32_t>(image, 16, static_cast<uint32_t>(fpu.data_pointer));
        put<uint32_t>(image, 20, fpu.data_selector);
    }
    put<uint32_t>(image, 24, fpu.mxcsr);
    put<uint32_t>(image, 28, kMxcsrMask);
    for (unsigned i = 0; i < 8; ++i) {
        const Float80& st = fpu.registers[fpu.physical(i)];
        put<uint64_t>(image, kStOffset + i * 16, st.significand);
        put<uint64_t>(image, kStOffset + i * 16 + 8, st.sign_exponent);
    }
    unsigned xmm_count = form == FxsaveForm::k64 ? 16 : 8;
    for (unsigned i = 0; i < xmm_count; ++i) {
        put<uint64_t>(image, kXmmOffset + i * 16, fpu.xmm[i].low);
        put<uint64_t>(image, kXmmOffset + i * 16 + 8, fpu.xmm[i].high);
    }
}

void load_fxsave(FpuState& fpu, FxsaveForm form, const uint8_t* image) {
    fpu.control = static_cast<uint16_t>((get<uint16_t>(image, 0) & 0x1f3f) | 0x40);
    fpu.status = get<uint16_t>(image, 2);
    fpu.valid = image[4];
    fpu.opcode = get<uint16_t>(image, 6) & 0x7ff;
    if (form == FxsaveForm::k64) {
        fpu.instruction_pointer = get<uint64_t>(image, 8);
        fpu.data_pointer = get<uint64_t>(image, 16);
        fpu.instruction_selector = 0;
        fpu.data_selector = 0;
    } else {
        fpu.instruction_pointer = get<uint32_t>(image, 8);
        fpu.instruction_selector = get<uint16_t>(image, 12);
        fpu.data_pointer = get<uint32_t>(image, 16);
        fpu.data_selector = get<uint16_t>(image, 20);
    }
    fpu.mxcsr = get<uint32_t>(image, 24) & kMxcsrMask;
    for (unsigned i = 0; i < 8; ++i) {
        Float80& st = fpu.registers[fpu.physical(i)];
        st.significand = get<uint64_t>(image, kStOffset + i * 16);
        st.sign_exponent = get<uint16_t>(image, kStOffset + i * 16 + 8);
    }
    unsigned xmm_count = form == FxsaveForm::k64 ? 16 : 8;
    for (unsigned i = 0; i < xmm_count; ++i) {
        fpu.xmm[i].low = get<uint64_t>(image, kXmmOffset + i * 16);
        fpu.xmm[i].high = get<uint64_t>(image, kXmmOffset + i * 16 + 8);
    }
}

}  // namespace qc::accel::tcg
