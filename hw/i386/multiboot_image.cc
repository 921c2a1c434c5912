// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/multiboot_image.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "hw/i386/elf_image.h"
#include "util/assert.h"
#include "util/bytes.h"
#include "util/checked.h"

namespace qc::hw {

namespace {

constexpr size_t kSearched = 8192;
constexpr size_t kAlignment = 4;
constexpr uint32_t kMagic = 0x1badb002;
constexpr uint32_t kLoaderMagic = 0x2badb002;  // in EAX

// What a header may ask for. Modules are on pages and memory is told in any case; a video
// mode is a wish, and there is no display that could have one.
constexpr uint32_t kRequired = 0xffff;
constexpr uint32_t kKnown = 1u << 0 | 1u << 1 | 1u << 2;
constexpr uint32_t kHasAddresses = 1u << 16;

struct Header {
    size_t at = 0;
    uint32_t flags = 0;
};
struct Addresses {
    uint32_t header = 0;
    uint32_t load = 0;
    uint32_t load_end = 0;
    uint32_t bss_end = 0;
    uint32_t entry = 0;
};

// Of the record that the kernel gets.
constexpr uint32_t kTold = 1u << 0     // memory
                           | 1u << 1   // boot device
                           | 1u << 2   // command line
                           | 1u << 3   // modules
                           | 1u << 6   // memory map
                           | 1u << 9;  // name of the boot loader
constexpr uint32_t kFirstDisk = 0x80ffffff;
constexpr FlatBoot::Places kPlaces{.map_bytes = 44, .lower_kib = 4, .upper_kib = 8};
constexpr size_t kRecordSize = 88;
constexpr size_t kModuleSize = 16;
// Bytes of an entry of the memory map behind the field that says so.
constexpr uint32_t kMapEntry = 20;
constexpr std::string_view kLoaderName = "qemu-colo";

std::optional<Header> find_header(std::span<const std::byte> kernel) {
    const std::span<const std::byte> searched = kernel.first(std::min(kernel.size(), kSearched));
    for (size_t at = 0; at + 12 <= searched.size(); at += kAlignment) {
        ByteReader in(searched.subspan(at));
        if (in.le32("magic").value_or(0) != kMagic) continue;
        const uint32_t flags = in.le32("flags").value_or(0);
        const uint32_t checksum = in.le32("checksum").value_or(0);
        if (kMagic + flags + checksum == 0) return Header{at, flags};
    }
    return std::nullopt;
}

Result<Addresses> read_addresses(std::span<const std::byte> kernel, size_t header) {
    ByteReader in(kernel.subspan(header + 12));
    Addresses addresses;
    for (uint32_t* field : {&addresses.header, &addresses.load, &addresses.load_end,
                            &addresses.bss_end, &addresses.entry}) {
        *field = TRY(in.le32("an address").context("its Multiboot header"));
    }
    return addresses;
}

// Without an ELF header: the file from some place on, and zeros. Returns the entry point.
Result<uint64_t> load_by_addresses(std::span<const std::byte> kernel, const Header& header,
                                   FlatBoot& boot) {
    const Addresses addresses = TRY(read_addresses(kernel, header.at));
    if (addresses.header < addresses.load || addresses.header - addresses.load > header.at) {
        return fail(
            "its Multiboot header gives {:#x} as its own address and {:#x} as the load "
            "address, which is outside of the file",
            addresses.header, addresses.load);
    }
    std::span<const std::byte> bytes =
        kernel.subspan(header.at - (addresses.header - addresses.load));
    if (addresses.load_end != 0) {
        if (addresses.load_end < addresses.load ||
            addresses.load_end - addresses.load > bytes.size()) {
            return fail(
                "its Multiboot header gives the load end {:#x}, which is outside of the "
                "file",
                addresses.load_end);
        }
        bytes = bytes.first(addresses.load_end - addresses.load);
    }
    uint64_t size = bytes.size();
    if (addresses.bss_end != 0) {
        if (addresses.bss_end < addresses.load || addresses.bss_end - addresses.load < size) {
            return fail(
                "its Multiboot header gives the end {:#x}, which is before that of what "
                "is loaded",
                addresses.bss_end);
        }
        size = addresses.bss_end - addresses.load;
    }
    TRY(boot.load(addresses.load, bytes, size));
    return addresses.entry;
}

Result<uint64_t> load_elf(std::span<const std::byte> kernel, FlatBoot& boot) {
    const ElfImage image = TRY(parse_elf(kernel));
    for (const ElfSegment& segment : image.segments)
        TRY(boot.load(segment.address, segment.bytes, segment.memory_size));
    return image.entry;
}

Result<uint64_t> load_kernel(std::span<const std::byte> kernel, FlatBoot& boot) {
    const auto header = find_header(kernel);
    if (!header) return fail("it has no Multiboot header");
    if (uint32_t unknown = header->flags & kRequired & ~kKnown; unknown != 0) {
        return fail("it requires Multiboot features ({:#x}) that this version does not have",
                    unknown);
    }
    const uint64_t entry =
        TRY((header->flags & kHasAddresses) != 0 ? load_by_addresses(kernel, *header, boot)
                                                 : load_elf(kernel, boot));
    if (entry > std::numeric_limits<uint32_t>::max()) {
        return fail("its entry point {:#x} is above 4 GiB", entry);
    }
    return entry;
}

// Texts behind the table of modules, each ended by a zero.
class Strings {
 public:
    explicit Strings(uint64_t address) : address_(address) {}
    uint32_t add(std::string_view text) {
        const auto at = static_cast<uint32_t>(address_ + out_.size());
        out_.bytes(std::as_bytes(std::span(text)));
        out_.u8(0);
        return at;
    }
    std::span<const std::byte> view() const { return out_.view(); }

 private:
    uint64_t address_;
    ByteWriter out_;
};

struct Told {
    uint32_t command_line = 0;
    uint32_t modules = 0;
    uint32_t module_table = 0;
    uint32_t loader_name = 0;
};

std::vector<std::byte> record(const Told& told) {
    ByteWriter out;
    out.le32(kTold);
    out.le32(0);  // memory: the ROM's
    out.le32(0);
    out.le32(kFirstDisk);
    out.le32(told.command_line);
    out.le32(told.modules);
    out.le32(told.module_table);
    out.bytes(std::vector<std::byte>(16));  // no symbols
    out.le32(0);                            // bytes of the map: the ROM's
    out.le32(FlatBoot::kMapAddress - 4);    // an entry begins with its size
    out.bytes(std::vector<std::byte>(12));  // drives, configuration: not told
    out.le32(told.loader_name);
    out.bytes(std::vector<std::byte>(kRecordSize - 68));
    QC_ASSERT(out.size() == kRecordSize);
    return out.take();
}

uint64_t whole_pages(uint64_t size) {
    return (size + FlatBoot::kPage - 1) / FlatBoot::kPage * FlatBoot::kPage;
}

// Table and texts on the pages behind the kernel, then the modules, each on pages of its own.
Result<Told> load_modules(const KernelFiles& files, FlatBoot& boot) {
    const uint64_t table = boot.end();
    Strings strings(table + files.modules.size() * kModuleSize);
    Told told{.modules = static_cast<uint32_t>(files.modules.size()),
              .module_table = static_cast<uint32_t>(table)};
    told.command_line =
        strings.add(files.command_line.empty() ? files.kernel_name
                                               : files.kernel_name + " " + files.command_line);
    told.loader_name = strings.add(kLoaderName);
    std::vector<uint32_t> texts;
    for (const BootModule& module : files.modules)
        texts.push_back(strings.add(module.text));

    uint64_t next = table + whole_pages(files.modules.size() * kModuleSize + strings.view().size());
    ByteWriter out;
    for (size_t i = 0; i < files.modules.size(); ++i) {
        const std::vector<std::byte>& bytes = files.modules[i].bytes;
        TRY(boot.load(next, bytes, bytes.size()).context("module '{}'", files.modules[i].text));
        out.le32(static_cast<uint32_t>(next));
        out.le32(static_cast<uint32_t>(next + bytes.size()));
        out.le32(texts[i]);
        out.le32(0);
        next += whole_pages(bytes.size());
    }
    out.bytes(strings.view());
    TRY(boot.load(table, out.view(), out.size()).context("the modules' table"));
    return told;
}

}  // namespace

bool has_multiboot_header(std::span<const std::byte> kernel) {
    return find_header(kernel).has_value();
}

Result<FlatBoot::Items> prepare_multiboot(const KernelFiles& files, uint64_t ram_below_4g) {
    FlatBoot boot(ram_below_4g);
    const uint64_t entry = TRY(load_kernel(files.kernel, boot));
    const Told told = TRY(load_modules(files, boot));
    return std::move(boot).finish({.address = static_cast<uint32_t>(entry),
                                   .eax = kLoaderMagic,
                                   .record = record(told),
                                   .places = kPlaces,
                                   .between_map_entries = kMapEntry});
}

}  // namespace qc::hw
