// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/elf_image.h"

#include <algorithm>
#include <array>

#include "util/bytes.h"
#include "util/checked.h"

namespace qc::hw {

namespace {

constexpr std::array kMagic = {std::byte{0x7f}, std::byte{'E'}, std::byte{'L'}, std::byte{'F'}};
constexpr uint8_t kClass32 = 1;
constexpr uint8_t kClass64 = 2;
constexpr uint8_t kLittleEndian = 1;
constexpr size_t kIdentSize = 16;
constexpr uint16_t kExecutable = 2;
constexpr uint16_t kShared = 3;  // position-independent
constexpr uint16_t kMachine386 = 3;
constexpr uint16_t kMachineX86_64 = 62;
constexpr uint32_t kLoad = 1;
constexpr uint32_t kNote = 4;
constexpr size_t kMostHeaders = 1024;
constexpr size_t kNoteAlignment = 4;

// The fields of both forms that matter here.
struct Header {
    uint16_t type = 0;
    uint16_t machine = 0;
    uint64_t entry = 0;
    uint64_t table = 0;
    uint16_t entry_size = 0;
    uint16_t count = 0;
};
struct ProgramHeader {
    uint32_t type = 0;
    uint64_t offset = 0;
    uint64_t virtual_address = 0;
    uint64_t address = 0;
    uint64_t file_size = 0;
    uint64_t memory_size = 0;
};

// Addresses and sizes have 4 bytes or 8.
class ElfReader {
 public:
    ElfReader(std::span<const std::byte> bytes, bool wide) : in_(bytes), wide_(wide) {}
    Result<uint16_t> half() { return in_.le16("a field"); }
    Result<uint32_t> word() { return in_.le32("a field"); }
    Result<uint64_t> address() {
        if (wide_) return in_.le64("an address");
        return uint64_t{TRY(in_.le32("an address"))};
    }

 private:
    ByteReader in_;
    bool wide_;
};

Result<Header> read_header(std::span<const std::byte> file, bool wide) {
    ElfReader in(file.subspan(kIdentSize), wide);
    Header header;
    header.type = TRY(in.half());
    header.machine = TRY(in.half());
    TRY(in.word());  // version
    header.entry = TRY(in.address());
    header.table = TRY(in.address());
    TRY(in.address());  // sections
    TRY(in.word());     // flags
    TRY(in.half());     // this header's size
    header.entry_size = TRY(in.half());
    header.count = TRY(in.half());
    return header;
}

Result<ProgramHeader> read_program_header(std::span<const std::byte> bytes, bool wide) {
    ElfReader in(bytes, wide);
    ProgramHeader header;
    header.type = TRY(in.word());
    if (wide) TRY(in.word());  // flags
    header.offset = TRY(in.address());
    header.virtual_address = TRY(in.address());
    header.address = TRY(in.address());
    header.file_size = TRY(in.address());
    header.memory_size = TRY(in.address());
    return header;
}

Result<std::span<const std::byte>> part_of(std::span<const std::byte> file, uint64_t offset,
                                           uint64_t size) {
    if (offset > file.size() || size > file.size() - offset) {
        return fail("{} bytes at {:#x} are not in the file", size, offset);
    }
    return file.subspan(offset, size);
}

// Notes after something that is no note are not looked for.
void add_notes(std::span<const std::byte> bytes, std::vector<ElfNote>& notes) {
    auto take = [&bytes](size_t size) {
        const auto taken = bytes.first(size);
        bytes = bytes.subspan(
            std::min(bytes.size(), (size + kNoteAlignment - 1) / kNoteAlignment * kNoteAlignment));
        return taken;
    };
    constexpr size_t kHeaderSize = 12;
    while (bytes.size() >= kHeaderSize) {
        ByteReader in(take(kHeaderSize));
        const uint32_t name_size = in.le32("name").value_or(0);
        const uint32_t size = in.le32("size").value_or(0);
        const uint32_t type = in.le32("type").value_or(0);
        if (name_size > bytes.size()) return;
        const auto name = take(name_size);
        if (size > bytes.size()) return;
        std::string_view owner(reinterpret_cast<const char*>(name.data()), name.size());
        owner = owner.substr(0, owner.find('\0'));
        notes.push_back({owner, type, take(size)});
    }
}

Result<ElfSegment> segment_of(std::span<const std::byte> file, const ProgramHeader& header) {
    if (header.file_size > header.memory_size) {
        return fail("a segment has more bytes in the file than in memory");
    }
    if (!checked_add(header.address, header.memory_size) ||
        !checked_add(header.virtual_address, header.memory_size)) {
        return fail("a segment of {:#x} bytes goes past the end of all addresses",
                    header.memory_size);
    }
    return ElfSegment{header.address, header.virtual_address,
                      TRY(part_of(file, header.offset, header.file_size)), header.memory_size};
}

// Many images give their entry point as a virtual address.
uint64_t physical(const std::vector<ElfSegment>& segments, uint64_t address) {
    for (const ElfSegment& segment : segments) {
        if (address - segment.virtual_address < segment.memory_size) {
            return address - segment.virtual_address + segment.address;
        }
    }
    return address;
}

}  // namespace

const ElfNote* ElfImage::find_note(std::string_view owner, uint32_t type) const {
    auto found = std::ranges::find_if(
        notes, [&](const ElfNote& note) { return note.owner == owner && note.type == type; });
    return found == notes.end() ? nullptr : &*found;
}

bool is_elf(std::span<const std::byte> file) {
    return file.size() >= kIdentSize && std::ranges::equal(file.first(kMagic.size()), kMagic);
}

Result<ElfImage> parse_elf(std::span<const std::byte> file) {
    if (!is_elf(file)) return fail("it is not an ELF image");
    const auto file_class = std::to_integer<uint8_t>(file[4]);
    if ((file_class != kClass32 && file_class != kClass64) ||
        std::to_integer<uint8_t>(file[5]) != kLittleEndian) {
        return fail("it is an ELF image for another kind of processor");
    }
    const bool wide = file_class == kClass64;
    const Header header = TRY(read_header(file, wide).context("its ELF header"));
    if ((header.type != kExecutable && header.type != kShared) ||
        (header.machine != kMachine386 && header.machine != kMachineX86_64)) {
        return fail("it is an ELF image, but not a program for x86");
    }
    if (header.count > kMostHeaders) return fail("it has {} program headers", header.count);

    ElfImage image;
    const auto bytes = TRY(part_of(file, header.table, uint64_t{header.entry_size} * header.count)
                               .context("its program headers"));
    for (size_t i = 0; i < header.count; ++i) {
        const ProgramHeader program =
            TRY(read_program_header(bytes.subspan(i * header.entry_size, header.entry_size), wide)
                    .context("program header {}", i));
        if (program.type == kLoad && program.memory_size != 0) {
            image.segments.push_back(
                TRY(segment_of(file, program).context("program header {}", i)));
        } else if (program.type == kNote) {
            add_notes(TRY(part_of(file, program.offset, program.file_size)
                              .context("program header {}", i)),
                      image.notes);
        }
    }
    if (image.segments.empty()) return fail("it is an ELF image with nothing to load");
    std::ranges::sort(image.segments, {}, &ElfSegment::address);
    for (size_t i = 1; i < image.segments.size(); ++i) {
        const ElfSegment& before = image.segments[i - 1];
        if (image.segments[i].address - before.address < before.memory_size) {
            return fail("two of its segments overlap at {:#x}", image.segments[i].address);
        }
    }
    image.entry = physical(image.segments, header.entry);
    return image;
}

}  // namespace qc::hw
