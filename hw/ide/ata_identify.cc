// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/ata_identify.h"

#include <algorithm>
#include <string_view>

namespace qc::hw {

namespace {

using Words = std::array<uint16_t, 256>;

constexpr uint64_t kMaxShortSectors = 0x0fffffff;

uint16_t word(uint64_t value, unsigned index = 0) {
    return static_cast<uint16_t>(value >> (16 * index));
}

// Two characters a word, the first in the upper byte, filled up with blanks.
void put_text(Words& words, unsigned first, unsigned count, std::string_view text) {
    for (unsigned i = 0; i < count; ++i) {
        auto character = [&](size_t at) {
            return static_cast<uint16_t>(at < text.size() ? static_cast<uint8_t>(text[at]) : ' ');
        };
        words[first + i] = static_cast<uint16_t>(character(2 * i) << 8 | character(2 * i + 1));
    }
}

void put_geometry(Words& words, const AtaDriveConfig& config, const AtaDriveState& state) {
    words[1] = config.cylinders;
    words[3] = config.heads;
    words[6] = config.sectors_per_track;
    // The translation in use covers what 65535 cylinders of it can.
    const uint64_t per_cylinder = uint64_t{state.heads} * state.sectors_per_track;
    const uint64_t shown = std::min<uint64_t>(
        config.sectors, per_cylinder * (state.heads == config.heads &&
                                                state.sectors_per_track == config.sectors_per_track
                                            ? config.cylinders
                                            : 65535));
    words[54] = word(shown / per_cylinder);
    words[55] = state.heads;
    words[56] = state.sectors_per_track;
    const uint64_t capacity = words[54] * per_cylinder;
    words[57] = word(capacity);
    words[58] = word(capacity, 1);
}

void put_transfer_modes(Words& words, const AtaDriveState& state) {
    words[62] = 0x0007;
    words[63] = static_cast<uint16_t>(0x0007 | state.multiword_dma << 8);
    words[64] = 0x0003;  // PIO modes 3 and 4
    for (unsigned cycle_time = 65; cycle_time <= 68; ++cycle_time)
        words[cycle_time] = 120;
    words[88] = static_cast<uint16_t>(0x003f | state.ultra_dma << 8);
    words[93] = 0x6001;  // an 80-conductor cable
}

void put_command_sets(Words& words, const AtaDriveState& state) {
    constexpr uint16_t kValid = 1 << 14;
    constexpr uint16_t kWriteCache = 1 << 5;
    constexpr uint16_t kFlush = 1 << 12;
    constexpr uint16_t kFlushExt = 1 << 13;
    constexpr uint16_t k48Bit = 1 << 10;
    words[80] = 0x007e;  // ATA-1 to ATA/ATAPI-6
    words[82] = kWriteCache;
    words[83] = kValid | kFlush | kFlushExt | k48Bit;
    words[84] = kValid;
    words[85] = state.write_cache ? kWriteCache : 0;
    words[86] = kFlush | kFlushExt | k48Bit;
    words[87] = kValid;
}

// Source: Serial ATA revision 2.6, section 13.2.1.
void put_serial_ata(Words& words) {
    words[75] = 31;       // 32 commands in the queue
    words[76] = 0x0102;   // 1.5 Gbit/s, native command queuing
    words[84] |= 1 << 5;  // logs
    words[87] |= 1 << 5;
    words[80] = 0x00fe;  // up to ATA/ATAPI-7
    words[93] = 0;       // no parallel cable
}

}  // namespace

std::array<uint16_t, 256> identify_words(const AtaDriveConfig& config, const AtaDriveState& state) {
    Words words{};
    words[0] = 0x0040;  // not removable
    put_geometry(words, config, state);
    put_text(words, 10, 10, config.serial);
    words[21] = 512;  // buffer, in sectors
    put_text(words, 23, 4, config.version);
    put_text(words, 27, 20, config.model);
    words[47] = 0x8000 | ata::kMaxMultiple;
    words[48] = 1;       // 32-bit data register
    words[49] = 0x0b00;  // IORDY, LBA, DMA
    words[51] = 0x0200;
    words[52] = 0x0200;
    words[53] = 0x0007;  // words 54-58, 64-70 and 88 are valid
    if (state.multiple != 0) words[59] = static_cast<uint16_t>(0x0100 | state.multiple);
    const uint64_t short_sectors = std::min(config.sectors, kMaxShortSectors);
    words[60] = word(short_sectors);
    words[61] = word(short_sectors, 1);
    put_transfer_modes(words, state);
    put_command_sets(words, state);
    if (config.serial_ata) put_serial_ata(words);
    for (unsigned i = 0; i < 4; ++i)
        words[100 + i] = word(config.sectors, i);
    return words;
}

std::array<uint16_t, 256> identify_packet_words(const AtapiDriveConfig& config,
                                                const AtaDriveState& state) {
    constexpr uint16_t kPacket = 1 << 4;
    constexpr uint16_t kDeviceReset = 1 << 9;
    constexpr uint16_t kValid = 1 << 14;
    Words words{};
    // A CD-ROM drive, removable medium, packets of 12 bytes taken within 50 us.
    words[0] = 0x85c0;
    put_text(words, 10, 10, config.serial);
    put_text(words, 23, 4, config.version);
    put_text(words, 27, 20, config.model);
    words[48] = 1;       // 32-bit data register
    words[49] = 0x0b00;  // IORDY, LBA, DMA
    words[51] = 0x0200;
    words[52] = 0x0200;
    words[53] = 0x0006;  // words 64-70 and 88 are valid
    put_transfer_modes(words, state);
    words[80] = 0x007e;
    words[82] = kPacket | kDeviceReset;
    words[83] = kValid;
    words[84] = kValid;
    words[85] = kPacket | kDeviceReset;
    words[87] = kValid;
    if (config.serial_ata) {
        words[76] = 0x0002;  // 1.5 Gbit/s
        words[80] = 0x00fe;
        words[93] = 0;
    }
    return words;
}

}  // namespace qc::hw
