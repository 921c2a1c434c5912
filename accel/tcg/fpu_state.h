// SPDX-License-Identifier: GPL-2.0-or-later
//
// x87 and SSE registers, kept as the image that the host's FXSAVE and FXRSTOR work
// on in 64-bit mode, as guest instructions are executed on the host's FPU. Source:
// Intel SDM vol. 1, 8.1 and 10.5.1.
//
// Threading: belongs to one vCPU.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

namespace qc::accel::tcg {

inline constexpr uint16_t kX87InitialControl = 0x37f;
inline constexpr uint32_t kMxcsrInitial = 0x1f80;
inline constexpr uint32_t kMxcsrMask = 0xffff;

// Bits of the status word.
namespace x87_status {
inline constexpr uint16_t kInvalid = 1u << 0;
inline constexpr uint16_t kDenormal = 1u << 1;
inline constexpr uint16_t kZeroDivide = 1u << 2;
inline constexpr uint16_t kOverflow = 1u << 3;
inline constexpr uint16_t kUnderflow = 1u << 4;
inline constexpr uint16_t kPrecision = 1u << 5;
inline constexpr uint16_t kExceptions = 0x3f;
inline constexpr uint16_t kStackFault = 1u << 6;
inline constexpr uint16_t kSummary = 1u << 7;
inline constexpr uint16_t kBusy = 1u << 15;
}  // namespace x87_status

// Bits of MXCSR.
namespace mxcsr {
inline constexpr uint32_t kInvalid = 1u << 0;
inline constexpr uint32_t kDenormal = 1u << 1;
inline constexpr uint32_t kZeroDivide = 1u << 2;
inline constexpr uint32_t kOverflow = 1u << 3;
inline constexpr uint32_t kUnderflow = 1u << 4;
inline constexpr uint32_t kPrecision = 1u << 5;
inline constexpr uint32_t kExceptions = 0x3f;
inline constexpr uint32_t kDenormalsAreZeros = 1u << 6;
inline constexpr unsigned kMaskShift = 7;  // from an exception's bit to its mask
inline constexpr uint32_t kMasks = kExceptions << kMaskShift;
inline constexpr uint32_t kFlushToZero = 1u << 15;
}  // namespace mxcsr

struct FpuState {
    static constexpr size_t kImageSize = 512;
    // The parts of the image that belong to x87: control fields and ST(0) to ST(7).
    static constexpr size_t kX87Size = 160;
    static constexpr size_t kMxcsr = 24;
    static constexpr size_t kRegisters = 32;
    static constexpr size_t kXmm = 160;

    // How FXSAVE's area tells where the last x87 instruction and its operand were: as
    // selectors with offsets of 32 bits, or (REX.W) as offsets of 64 bits.
    enum class Pointers : uint8_t { kSelectors, kWide };

    alignas(16) std::array<uint8_t, kImageSize> image{};
    // The image's MXCSR is the host's; this is the guest's.
    uint32_t mxcsr = kMxcsrInitial;
    uint16_t instruction_selector = 0;
    uint16_t data_selector = 0;

    // The host's MXCSR is the guest's, flags included, and newer than `mxcsr`: from a
    // floating-point instruction on until release_host(). See simd_float.h.
    bool on_host = false;

    FpuState();

    // Before anything but guest code runs, and before `mxcsr` is looked at.
    void release_host() {
        if (on_host) take_from_host();
    }

    template <typename T>
    T get(size_t offset) const {
        T value;
        std::memcpy(&value, image.data() + offset, sizeof(T));
        return value;
    }
    template <typename T>
    void put(size_t offset, T value) {
        std::memcpy(image.data() + offset, &value, sizeof(T));
    }

    uint16_t control() const { return get<uint16_t>(0); }
    void set_control(uint16_t value);
    uint16_t status() const { return get<uint16_t>(2); }
    void set_status(uint16_t value) { put<uint16_t>(2, value); }
    unsigned top() const { return (status() >> 11) & 7; }
    // One bit a physical register: not empty.
    uint8_t valid() const { return image[4]; }
    void set_valid(uint8_t value) { image[4] = value; }
    uint16_t opcode() const { return get<uint16_t>(6); }
    void set_opcode(uint16_t value) { put<uint16_t>(6, value); }
    uint64_t instruction_pointer() const { return get<uint64_t>(8); }
    void set_instruction_pointer(uint64_t value) { put(8, value); }
    uint64_t data_pointer() const { return get<uint64_t>(16); }
    void set_data_pointer(uint64_t value) { put(16, value); }

    // FNINIT. The registers' contents stay.
    void initialize();
    // Sets TOP. The image has ST(0) first; the physical registers stay what they are.
    void rotate_to_top(unsigned top);
    // Sets ES and B from the exceptions and the control word's masks.
    void update_summary();

    // The two-bits-a-register tag word that FSAVE and FSTENV show.
    uint16_t full_tags() const;
    void set_full_tags(uint16_t tags);

    // The image as it migrates.
    void save(std::array<uint8_t, kImageSize>& out) const;
    void load(const std::array<uint8_t, kImageSize>& in);
    // The guest's FXSAVE and FXRSTOR; `size` bytes of `data` are used: 160 without XMM
    // registers, 288 with eight, 416 with sixteen. The MXCSR loaded has been checked.
    void save_area(uint8_t* data, size_t size, Pointers pointers) const;
    void load_area(const uint8_t* data, size_t size, Pointers pointers);

    // An MMX instruction begins: TOP is zero and no register is empty, so that MM0 to
    // MM7 are the array from kRegisters on, one in each 16 bytes.
    void enter_mmx() {
        if (top() != 0) [[unlikely]]
            rotate_to_top(0);
        set_valid(0xff);
    }
    // What an MMX register holds, before or after enter_mmx(). `offset`: 16 bytes each.
    uint64_t mmx_value(unsigned offset) const {
        return get<uint64_t>(kRegisters + ((offset - top() * 16) & 0x70));
    }

 private:
    void take_from_host();
};

}  // namespace qc::accel::tcg
