// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/acpi/table_placement.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "util/bytes.h"
#include "util/little_endian.h"

namespace qc::hw {

namespace {

constexpr size_t kCommandSize = 128;
constexpr size_t kNameSize = 56;
constexpr uint32_t kAllocate = 1;
constexpr uint32_t kAddPointer = 2;
constexpr uint32_t kAddChecksum = 3;
constexpr uint32_t kWritePointer = 4;
constexpr uint32_t kMostAlignment = 4096;

struct File {
    TableFile contents;
    std::optional<uint32_t> address;
};

class Placement {
 public:
    Placement(std::vector<TableFile> files, const TableAllocator& allocate) : allocate_(allocate) {
        for (TableFile& file : files)
            files_.push_back({std::move(file), {}});
    }

    Result<void> run(std::span<const std::byte> bytes) {
        ByteReader command(bytes);
        const uint32_t number = TRY(command.le32("the command"));
        switch (number) {
            case kAllocate: return allocate(command);
            case kAddPointer: return add_pointer(command);
            case kAddChecksum: return add_checksum(command);
            case kWritePointer:
                return fail("it wants an address written back, which only firmware can do");
            default: return fail("there is no command {}", number);
        }
    }

    std::vector<PlacedTable> take() {
        std::vector<PlacedTable> placed;
        for (File& file : files_) {
            if (!file.address) continue;
            placed.push_back(
                {std::move(file.contents.name), *file.address, std::move(file.contents.bytes)});
        }
        return placed;
    }

 private:
    Result<File*> file(ByteReader& command) {
        const auto field = TRY(command.bytes(kNameSize, "a file's name"));
        std::string_view name(reinterpret_cast<const char*>(field.data()), field.size());
        const size_t end = name.find('\0');
        if (end == std::string_view::npos) return fail("a file's name has no end");
        name = name.substr(0, end);
        auto found = std::ranges::find(files_, name, [](const File& f) { return f.contents.name; });
        if (found == files_.end()) return fail("there is no file '{}'", name);
        return &*found;
    }

    // A file that has its place.
    Result<File*> placed_file(ByteReader& command) {
        File* found = TRY(file(command));
        if (!found->address) return fail("file '{}' has no place yet", found->contents.name);
        return found;
    }

    static Result<std::span<std::byte>> part(File& file, uint32_t start, uint32_t size) {
        std::vector<std::byte>& bytes = file.contents.bytes;
        if (start > bytes.size() || size > bytes.size() - start) {
            return fail("file '{}' has no {} bytes at {:#x}", file.contents.name, size, start);
        }
        return std::span(bytes).subspan(start, size);
    }

    Result<void> allocate(ByteReader& command) {
        File& wanted = *TRY(file(command));
        const uint32_t alignment = TRY(command.le32("the alignment"));
        const uint8_t zone = TRY(command.u8("the zone"));
        if (wanted.address) return fail("file '{}' has a place already", wanted.contents.name);
        if (alignment == 0 || alignment > kMostAlignment || (alignment & (alignment - 1)) != 0) {
            return fail("file '{}' cannot be aligned to {}", wanted.contents.name, alignment);
        }
        if (zone != static_cast<uint8_t>(TableZone::kHigh) &&
            zone != static_cast<uint8_t>(TableZone::kFSegment)) {
            return fail("there is no zone {} for file '{}'", zone, wanted.contents.name);
        }
        wanted.address =
            TRY(allocate_(static_cast<TableZone>(zone), wanted.contents.bytes.size(), alignment)
                    .context("file '{}'", wanted.contents.name));
        return {};
    }

    Result<void> add_pointer(ByteReader& command) {
        File& in = *TRY(placed_file(command));
        const File& to = *TRY(placed_file(command));
        const uint32_t start = TRY(command.le32("the pointer's offset"));
        const uint8_t size = TRY(command.u8("the pointer's size"));
        if (size != 1 && size != 2 && size != 4 && size != 8) {
            return fail("a pointer cannot have {} bytes", size);
        }
        const std::span<std::byte> field = TRY(part(in, start, size));
        uint64_t value = get_le(field, 0, size);
        if (value > to.contents.bytes.size()) {
            return fail("offset {:#x} is outside of file '{}'", value, to.contents.name);
        }
        value += *to.address;
        if (size < 8 && value >> (8 * size) != 0) {
            return fail("address {:#x} does not fit into {} bytes", value, size);
        }
        put_le(field, 0, size, value);
        return {};
    }

    // What stands in the field takes part, as with firmware.
    Result<void> add_checksum(ByteReader& command) {
        File& in = *TRY(file(command));
        const uint32_t at = TRY(command.le32("the checksum's offset"));
        const uint32_t start = TRY(command.le32("where the bytes begin"));
        const uint32_t length = TRY(command.le32("how many bytes"));
        const std::span<std::byte> field = TRY(part(in, at, 1));
        uint8_t sum = 0;
        for (std::byte byte : TRY(part(in, start, length)))
            sum = static_cast<uint8_t>(sum + std::to_integer<uint8_t>(byte));
        field[0] = static_cast<std::byte>(std::to_integer<uint8_t>(field[0]) - sum);
        return {};
    }

    std::vector<File> files_;
    const TableAllocator& allocate_;
};

}  // namespace

Result<std::vector<PlacedTable>> place_tables(std::span<const std::byte> commands,
                                              std::vector<TableFile> files,
                                              const TableAllocator& allocate) {
    if (commands.size() % kCommandSize != 0) {
        return fail("commands for tables have {} bytes, not a multiple of {}", commands.size(),
                    kCommandSize);
    }
    Placement placement(std::move(files), allocate);
    for (size_t at = 0; at < commands.size(); at += kCommandSize) {
        TRY(placement.run(commands.subspan(at, kCommandSize))
                .context("command {} for tables", at / kCommandSize));
    }
    return placement.take();
}

}  // namespace qc::hw
