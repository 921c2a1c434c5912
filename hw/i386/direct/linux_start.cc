// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/direct/linux_start.h"

#include <algorithm>
#include <array>

#include "util/assert.h"
#include "util/bytes.h"
#include "util/little_endian.h"

namespace qc::hw {

namespace {

constexpr size_t kZeroPageSize = 4096;
// Behind it.
constexpr uint32_t kGdtOffset = 0x1000;

// None, none, code, data: the selectors are the kernel's __BOOT_CS and __BOOT_DS.
constexpr std::array<uint64_t, 4> kGdt = {0, 0, 0x00cf9a000000ffff, 0x00cf92000000ffff};
constexpr uint16_t kCode = 0x10;
constexpr uint16_t kData = 0x18;

// Places in the zero page; the setup header has its place in the file.
constexpr size_t kExtendedKib = 0x02;
constexpr size_t kRsdp = 0x70;
constexpr size_t kAlternativeKib = 0x1e0;
constexpr size_t kMapEntries = 0x1e8;
constexpr size_t kHeader = 0x1f1;
// The header's length: this byte's value, counted from kHeaderBase.
constexpr size_t kHeaderLength = 0x201;
constexpr size_t kHeaderBase = 0x202;
constexpr size_t kHeaderMost = 0x290;
constexpr size_t kMap = 0x2d0;
constexpr size_t kMapEntry = 20;
constexpr size_t kMapRoom = 128;

void put_map(std::vector<std::byte>& page, const std::vector<BootRange>& map) {
    QC_ASSERT(map.size() <= kMapRoom);
    const uint32_t upper = upper_kib(map);
    put_le(page, kExtendedKib, 2, std::min<uint32_t>(upper, 0xfc00));
    put_le(page, kAlternativeKib, 4, upper);
    put_le(page, kMapEntries, 1, map.size());
    size_t at = kMap;
    for (const BootRange& range : map) {
        put_le(page, at, 8, range.start);
        put_le(page, at + 8, 8, range.size);
        put_le(page, at + 16, 4, range.type);
        at += kMapEntry;
    }
}

}  // namespace

Result<LoadedKernel> start_linux(LinuxBoot boot, const BootFacts& facts) {
    const std::vector<std::byte>& setup = boot.setup.bytes;
    const size_t header_end = kHeaderBase + std::to_integer<size_t>(setup.at(kHeaderLength));
    if (header_end > setup.size() || header_end > kHeaderMost) {
        return fail("its setup header ends at {:#x}", header_end);
    }
    const uint64_t command_line_end = boot.command_line.address + boot.command_line.bytes.size();
    if (command_line_end > kExtendedBiosData) {
        return fail("a command line of {} characters does not fit below 640 KiB",
                    boot.command_line.bytes.size() - 1);
    }
    std::vector<std::byte> page(kZeroPageSize);
    std::copy(setup.begin() + kHeader, setup.begin() + static_cast<ptrdiff_t>(header_end),
              page.begin() + kHeader);
    put_map(page, facts.map);
    put_le(page, kRsdp, 8, facts.rsdp);

    ByteWriter gdt;
    for (uint64_t descriptor : kGdt)
        gdt.le64(descriptor);
    LoadedKernel loaded{.pieces = {},
                        .entry = {.address = boot.kernel.address,
                                  .esi = boot.setup.address,
                                  .gdt_address = boot.setup.address + kGdtOffset,
                                  .gdt_limit = kGdt.size() * sizeof(uint64_t) - 1,
                                  .code_selector = kCode,
                                  .data_selector = kData}};
    loaded.pieces.push_back({boot.setup.address, std::move(page)});
    loaded.pieces.push_back({loaded.entry.gdt_address, gdt.take()});
    for (LinuxBoot::Piece* piece : {&boot.kernel, &boot.command_line, &boot.initrd}) {
        if (!piece->bytes.empty()) {
            loaded.pieces.push_back({piece->address, std::move(piece->bytes)});
        }
    }
    return loaded;
}

}  // namespace qc::hw
