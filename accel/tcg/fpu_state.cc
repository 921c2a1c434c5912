// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/fpu_state.h"

#include <algorithm>

namespace qc::accel::tcg {

namespace {

constexpr size_t kMxcsrOffset = FpuState::kMxcsr;
constexpr size_t kMxcsrMaskOffset = 28;
// Bits of the control word that exist, and the one that always reads as set.
constexpr uint16_t kControlDefined = 0x1f3f;
constexpr uint16_t kControlFixed = 0x40;

enum Tag : unsigned { kValid = 0, kZero = 1, kSpecial = 2, kEmpty = 3 };

Tag tag_of(uint64_t significand, uint16_t sign_exponent) {
    unsigned exponent = sign_exponent & 0x7fff;
    if (exponent == 0 && significand == 0) return kZero;
    bool integer_bit = (significand >> 63) != 0;
    if (exponent == 0 || exponent == 0x7fff || !integer_bit) return kSpecial;
    return kValid;
}

}  // namespace

FpuState::FpuState() {
    initialize();
}

void FpuState::set_control(uint16_t value) {
    put<uint16_t>(0, static_cast<uint16_t>((value & kControlDefined) | kControlFixed));
}

void FpuState::initialize() {
    set_control(kX87InitialControl);
    rotate_to_top(0);
    set_status(0);
    set_valid(0);
    set_opcode(0);
    set_instruction_pointer(0);
    set_data_pointer(0);
    instruction_selector = 0;
    data_selector = 0;
    put<uint32_t>(kMxcsrOffset, kMxcsrInitial);
    put<uint32_t>(kMxcsrMaskOffset, 0);
}

void FpuState::update_summary() {
    constexpr uint16_t kBoth = x87_status::kSummary | x87_status::kBusy;
    bool pending = (status() & ~control() & x87_status::kExceptions) != 0;
    set_status(static_cast<uint16_t>(pending ? status() | kBoth : status() & ~kBoth));
}

uint16_t FpuState::full_tags() const {
    unsigned tags = 0;
    for (unsigned physical = 0; physical < 8; ++physical) {
        size_t at = kRegisters + ((physical - top()) & 7) * 16;
        Tag tag = ((valid() >> physical) & 1) != 0
                      ? tag_of(get<uint64_t>(at), get<uint16_t>(at + 8))
                      : kEmpty;
        tags |= tag << (physical * 2);
    }
    return static_cast<uint16_t>(tags);
}

void FpuState::set_full_tags(uint16_t tags) {
    unsigned bits = 0;
    for (unsigned i = 0; i < 8; ++i) {
        if (((tags >> (i * 2)) & 3) != kEmpty) bits |= 1u << i;
    }
    set_valid(static_cast<uint8_t>(bits));
}

void FpuState::save(std::array<uint8_t, kImageSize>& out) const {
    out = image;
    uint32_t mask = kMxcsrMask;
    std::memcpy(out.data() + kMxcsrOffset, &mxcsr, sizeof(mxcsr));
    std::memcpy(out.data() + kMxcsrMaskOffset, &mask, sizeof(mask));
}

void FpuState::load(const std::array<uint8_t, kImageSize>& in) {
    image = in;
    instruction_selector = 0;
    data_selector = 0;
    set_control(control());
    image[5] = 0;
    mxcsr = get<uint32_t>(kMxcsrOffset) & kMxcsrMask;
    put<uint32_t>(kMxcsrOffset, kMxcsrInitial);
    put<uint32_t>(kMxcsrMaskOffset, 0);
    update_summary();
}

void FpuState::save_area(uint8_t* data, size_t size, Pointers pointers) const {
    std::array<uint8_t, kImageSize> out;
    save(out);
    if (pointers == Pointers::kSelectors) {
        auto ip = static_cast<uint32_t>(instruction_pointer());
        auto dp = static_cast<uint32_t>(data_pointer());
        uint32_t selectors[2] = {instruction_selector, data_selector};
        std::memcpy(out.data() + 8, &ip, 4);
        std::memcpy(out.data() + 12, &selectors[0], 4);
        std::memcpy(out.data() + 16, &dp, 4);
        std::memcpy(out.data() + 20, &selectors[1], 4);
    }
    std::memcpy(data, out.data(), size);
}

void FpuState::load_area(const uint8_t* data, size_t size, Pointers pointers) {
    std::array<uint8_t, kImageSize> in = image;
    std::memcpy(in.data(), data, size);
    if (pointers == Pointers::kWide) {
        load(in);
        return;
    }
    uint16_t selectors[2];
    std::memcpy(&selectors[0], data + 12, 2);
    std::memcpy(&selectors[1], data + 20, 2);
    std::fill_n(in.data() + 12, 4, uint8_t{0});
    std::fill_n(in.data() + 20, 4, uint8_t{0});
    load(in);
    instruction_selector = selectors[0];
    data_selector = selectors[1];
}

void FpuState::take_from_host() {
    asm volatile("stmxcsr %0" : "=m"(mxcsr));
    uint32_t initial = kMxcsrInitial;
    asm volatile("ldmxcsr %0" : : "m"(initial));
    on_host = false;
}

void FpuState::rotate_to_top(unsigned to) {
    constexpr size_t kSlot = 16;
    auto* first = image.data() + kRegisters;
    std::rotate(first, first + ((8 + to - top()) & 7) * kSlot, first + 8 * kSlot);
    set_status(static_cast<uint16_t>((status() & ~0x3800) | (to << 11)));
}

}  // namespace qc::accel::tcg
