// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/pvh_image.h"

#include <limits>

#include "util/assert.h"
#include "util/bytes.h"

namespace qc::hw {

namespace {

constexpr std::string_view kOwner = "Xen";
constexpr uint32_t kPhys32Entry = 18;

constexpr uint32_t kStartMagic = 0x336ec578;
constexpr uint32_t kStartVersion = 1;  // with a memory map
constexpr size_t kStartSize = 56;
constexpr FlatBoot::Places kPlaces{.map_entries = 48, .rsdp = 32};
constexpr size_t kModuleSize = 32;

Result<uint32_t> entry_of(const ElfImage& image) {
    const ElfNote* note = image.find_note(kOwner, kPhys32Entry);
    if (note == nullptr) return fail("it has no PVH entry point");
    ByteReader in(note->contents);
    const uint64_t entry = note->contents.size() == 4 ? TRY(in.le32("the PVH entry point"))
                                                      : TRY(in.le64("the PVH entry point"));
    if (entry > std::numeric_limits<uint32_t>::max()) {
        return fail("its PVH entry point {:#x} is above 4 GiB", entry);
    }
    return static_cast<uint32_t>(entry);
}

struct Start {
    uint32_t modules = 0;
    uint64_t module_list = 0;
    uint64_t command_line = 0;
};

std::vector<std::byte> start_info(const Start& start) {
    ByteWriter out;
    out.le32(kStartMagic);
    out.le32(kStartVersion);
    out.le32(0);  // not the machine that starts the others
    out.le32(start.modules);
    out.le64(start.module_list);
    out.le64(start.command_line);
    out.le64(0);  // RSDP: the ROM's
    out.le64(FlatBoot::kMapAddress);
    out.le32(0);  // entries of the map: the ROM's
    out.le32(0);
    QC_ASSERT(out.size() == kStartSize);
    return out.take();
}

}  // namespace

bool has_pvh_entry(const ElfImage& image) {
    return image.find_note(kOwner, kPhys32Entry) != nullptr;
}

Result<FlatBoot::Items> prepare_pvh(const KernelFiles& files, uint64_t ram_below_4g) {
    QC_ASSERT(files.modules.size() <= 1);
    const ElfImage image = TRY(parse_elf(files.kernel));
    const uint32_t entry = TRY(entry_of(image));
    FlatBoot boot(ram_below_4g);
    for (const ElfSegment& segment : image.segments)
        TRY(boot.load(segment.address, segment.bytes, segment.memory_size));

    // The list of modules, and behind it the command line.
    const uint64_t list = boot.end();
    Start start{.command_line = list};
    ByteWriter out;
    if (!files.modules.empty()) {
        const std::vector<std::byte>& initrd = files.modules.front().bytes;
        const uint64_t address =
            TRY(boot.place_high(initrd.size()).context("the initial RAM disk"));
        TRY(boot.load(address, initrd, initrd.size()).context("the initial RAM disk"));
        start.modules = 1;
        start.module_list = list;
        out.le64(address);
        out.le64(initrd.size());
        out.le64(0);  // no command line of its own
        out.le64(0);
        start.command_line += kModuleSize;
    }
    out.bytes(std::as_bytes(std::span(files.command_line.c_str(), files.command_line.size() + 1)));
    TRY(boot.load(list, out.view(), out.size()).context("the command line"));
    return std::move(boot).finish(
        {.address = entry, .eax = 0, .record = start_info(start), .places = kPlaces});
}

}  // namespace qc::hw
