// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/mmc_tables.h"

#include <algorithm>
#include <initializer_list>
#include <span>

namespace qc::hw {

namespace {

using Bytes = std::vector<uint8_t>;

constexpr uint8_t kCdDevice = 0x05;  // peripheral device type

void append(Bytes& out, std::initializer_list<uint8_t> bytes) {
    out.insert(out.end(), bytes);
}

// Filled up with blanks, or cut.
void append_text(Bytes& out, size_t size, std::string_view text) {
    for (size_t i = 0; i < size; ++i)
        out.push_back(i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{' '});
}

// The big-endian length of what follows it, at the start.
void put_length(Bytes& out, size_t bytes) {
    const size_t length = out.size() - bytes;
    for (size_t i = 0; i < bytes; ++i)
        out[i] = static_cast<uint8_t>(length >> (8 * (bytes - 1 - i)));
}

}  // namespace

void append_be(Bytes& out, unsigned bytes, uint64_t value) {
    for (unsigned i = bytes; i-- > 0;)
        out.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

std::array<uint8_t, 3> msf_of_block(uint32_t block) {
    const uint64_t frames = uint64_t{block} + 150;
    return {static_cast<uint8_t>(frames / 75 / 60), static_cast<uint8_t>(frames / 75 % 60),
            static_cast<uint8_t>(frames % 75)};
}

Bytes inquiry_data(std::string_view model, std::string_view version) {
    constexpr uint8_t kRemovable = 0x80;
    constexpr uint8_t kAtapiFormat = 0x21;
    Bytes data{kCdDevice, kRemovable, 0, kAtapiFormat, 31, 0, 0, 0};
    // "QEMU DVD-ROM": the maker and the product.
    append_text(data, 8, "QEMU");
    append_text(data, 16, model);
    append_text(data, 4, version);
    return data;
}

Bytes vital_product_page(uint8_t page, std::string_view serial) {
    Bytes data{kCdDevice, page, 0, 0};
    switch (page) {
        case 0x00: append(data, {0x00, 0x80, 0x83}); break;
        case 0x80: append_text(data, serial.size(), serial); break;
        case 0x83:
            // An identifier in ASCII that a maker gave.
            append(data, {0x02, 0x00, 0x00, static_cast<uint8_t>(8 + serial.size())});
            append_text(data, 8, "QEMU");
            append_text(data, serial.size(), serial);
            break;
        default: return {};
    }
    data[3] = static_cast<uint8_t>(data.size() - 4);
    return data;
}

Bytes mode_pages(unsigned page, bool locked, bool mask) {
    constexpr unsigned kAll = 0x3f;
    constexpr uint8_t kErrorRecovery[] = {0x01, 0x06, 0x00, 0x05, 0x00, 0x00, 0x00, 0x00};
    constexpr uint8_t kAudio[] = {0x0e, 0x0e, 0x04, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    // It reads CD-R, CD-RW and DVD-ROM, form 1 and 2 and several sessions; its tray
    // can be locked and ejects; 706 kB/s, 512 KiB of buffer.
    const auto door = static_cast<uint8_t>(0x29 | (locked ? 0x02 : 0));
    const uint8_t capabilities[] = {0x2a, 0x12, 0x3b, 0x00, 0x70, 0x00, door, 0x00, 0x02, 0xc2,
                                    0x00, 0x02, 0x02, 0x00, 0x02, 0xc2, 0x00, 0x00, 0x00, 0x00};
    Bytes pages;
    for (std::span<const uint8_t> each :
         {std::span<const uint8_t>(kErrorRecovery), std::span<const uint8_t>(kAudio),
          std::span<const uint8_t>(capabilities)}) {
        if (page != kAll && page != each[0]) continue;
        const size_t start = pages.size();
        pages.insert(pages.end(), each.begin(), each.end());
        if (mask) std::fill(pages.begin() + static_cast<ptrdiff_t>(start) + 2, pages.end(), 0);
    }
    return pages;
}

namespace {

constexpr uint8_t kDataTrack = 0x14;  // position in Q, data, no copying
constexpr uint8_t kLeadOut = 0xaa;

void append_address(Bytes& out, uint32_t block, bool msf) {
    if (!msf) return append_be(out, 4, block);
    out.push_back(0);
    for (uint8_t part : msf_of_block(block))
        out.push_back(part);
}

// Every entry of the lead-in: points A0h to A2h, and the track.
Bytes full_toc(uint32_t blocks) {
    Bytes data{0, 0, 1, 1};
    auto point = [&](uint8_t number, std::array<uint8_t, 3> value) {
        append(data, {1, kDataTrack, 0, number, 0, 0, 0, 0, value[0], value[1], value[2]});
    };
    point(0xa0, {1, 0, 0});  // the first track, a disc of CD-ROM type
    point(0xa1, {1, 0, 0});  // the last one
    point(0xa2, msf_of_block(blocks));
    point(1, msf_of_block(0));
    put_length(data, 2);
    return data;
}

}  // namespace

Bytes table_of_contents(unsigned format, unsigned start, bool msf, uint32_t blocks) {
    Bytes data{0, 0, 1, 1};
    switch (format) {
        case 0:
            if (start > 1 && start != kLeadOut) return {};
            if (start <= 1) {
                append(data, {0, kDataTrack, 1, 0});
                append_address(data, 0, msf);
            }
            append(data, {0, kDataTrack, kLeadOut, 0});
            append_address(data, blocks, msf);
            break;
        case 1:  // the last session's first track
            append(data, {0, kDataTrack, 1, 0});
            append_address(data, 0, msf);
            break;
        case 2: return full_toc(blocks);
        default: return {};
    }
    put_length(data, 2);
    return data;
}

namespace {

constexpr uint8_t kPersistent = 0x02;
constexpr uint8_t kCurrent = 0x01;

struct Feature {
    uint16_t code;
    uint8_t flags;  // version in bits 5:2
    Bytes data;
};

std::vector<Feature> features(MmcProfile profile) {
    const bool ready = profile != MmcProfile::kNone;
    const bool cd = profile == MmcProfile::kCdRom;
    const bool dvd = profile == MmcProfile::kDvdRom;
    auto if_now = [](bool now) { return now ? kCurrent : uint8_t{0}; };
    constexpr uint8_t kAlways = kPersistent | kCurrent;
    return {
        {0x0000, kAlways, {0, 0x10, if_now(dvd), 0, 0, 0x08, if_now(cd), 0}},
        // The core, over ATAPI.
        {0x0001, kAlways | 0x08, {0, 0, 0, 2, 0, 0, 0, 0}},
        // A tray that ejects and can be locked.
        {0x0003, kAlways, {0x29, 0, 0, 0}},
        {0x0010, if_now(ready), {0, 0, 0x08, 0, 0, 1, 0, 0}},  // blocks of 2048, singly
        {0x001e, static_cast<uint8_t>(0x08 | if_now(cd)), {0, 0, 0, 0}},
        {0x001f, if_now(dvd), {}},
        {0x0100, kAlways, {}},  // power management
        {0x0105, kAlways, {}},  // time-outs
    };
}

}  // namespace

Bytes configuration(unsigned which, uint32_t first, MmcProfile profile) {
    Bytes data{0, 0, 0, 0, 0, 0, 0, static_cast<uint8_t>(profile)};
    for (const Feature& feature : features(profile)) {
        if (which == 2 ? feature.code != first : feature.code < first) continue;
        if (which == 1 && (feature.flags & kCurrent) == 0) continue;
        append_be(data, 2, feature.code);
        append(data, {feature.flags, static_cast<uint8_t>(feature.data.size())});
        data.insert(data.end(), feature.data.begin(), feature.data.end());
    }
    put_length(data, 4);
    return data;
}

Bytes dvd_structure(unsigned format, unsigned layer, uint32_t blocks) {
    constexpr uint32_t kFirstSector = 0x30000;
    constexpr size_t kFullSize = 4 + 2048;
    Bytes data(4);
    switch (format) {
        case 0x00:  // physical
            if (layer != 0) return {};
            append(data, {0x01, 0x0f, 0x01, 0x00});  // DVD-ROM, 12 cm, one embossed layer
            append_be(data, 4, kFirstSector);
            append_be(data, 4, kFirstSector + (blocks - 1));
            append_be(data, 4, 0);
            data.resize(kFullSize);
            break;
        case 0x01:  // copyright: none, all regions
            append(data, {0, 0, 0, 0});
            break;
        case 0x04:  // manufacturer
            data.resize(kFullSize);
            break;
        case 0xff:  // which formats can be read, and how long they are
            for (const auto& [known, size] :
                 {std::pair<uint8_t, size_t>{0x00, kFullSize}, {0x01, 8}, {0x04, kFullSize}}) {
                append(data, {known, 0x40});
                append_be(data, 2, size);
            }
            break;
        default: return {};
    }
    put_length(data, 2);
    return data;
}

}  // namespace qc::hw
