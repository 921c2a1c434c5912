// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/direct/reset_rom.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

namespace qc::hw {

namespace {

constexpr size_t kResetVector = 0xfff0;
constexpr std::array<uint8_t, 9> kResetCode = {
    0xba, 0xf9, 0x0c,  // mov dx, 0cf9h
    0xb0, 0x06,        // mov al, 06h: full reset
    0xee,              // out dx, al
    0xf4,              // hlt
    0xeb, 0xfd,        // jmp to the hlt
};

}  // namespace

std::vector<std::byte> make_reset_rom() {
    std::vector<std::byte> rom(kResetRomSize);
    std::ranges::copy(std::as_bytes(std::span(kResetCode)),
                      rom.begin() + static_cast<ptrdiff_t>(kResetVector));
    return rom;
}

}  // namespace qc::hw
