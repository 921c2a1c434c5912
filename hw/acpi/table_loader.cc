// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/acpi/table_loader.h"

#include <span>

#include "util/assert.h"
#include "util/little_endian.h"

namespace qc::hw {

namespace {

constexpr size_t kHeaderSize = 36;
constexpr uint32_t kLengthAt = 4;
constexpr uint32_t kChecksumAt = 9;
constexpr std::string_view kOemId = "QCOLO ";
constexpr std::string_view kOemTableId = "QCPC    ";
constexpr std::string_view kCreatorId = "QEMC";

constexpr size_t kFacsSize = 64;
constexpr uint32_t kFacsAlignment = 64;
constexpr size_t kRsdpSize = 36;
constexpr size_t kOldRsdpSize = 20;  // what its first checksum is for
constexpr uint32_t kRsdpChecksumAt = 8;
constexpr uint32_t kRsdpRootAt = 16;
constexpr uint32_t kRsdpExtendedRootAt = 24;
constexpr uint32_t kRsdpExtendedChecksumAt = 32;

constexpr size_t kCommandSize = 128;
constexpr size_t kFileNameSize = 56;
constexpr uint32_t kAllocate = 1;
constexpr uint32_t kAddPointer = 2;
constexpr uint32_t kAddChecksum = 3;
constexpr uint8_t kZoneHigh = 1;
constexpr uint8_t kZoneFSegment = 2;

void put_text(ByteWriter& out, std::string_view text) {
    out.bytes(std::as_bytes(std::span(text)));
}

void pad(ByteWriter& out, size_t size) {
    out.bytes(std::vector<std::byte>(size - out.size()));
}

void put_name(ByteWriter& out, std::string_view name) {
    QC_ASSERT(name.size() < kFileNameSize);
    ByteWriter field;
    put_text(field, name);
    pad(field, kFileNameSize);
    out.bytes(field.view());
}

void put_command(ByteWriter& out, const ByteWriter& command) {
    out.bytes(command.view());
    out.bytes(std::vector<std::byte>(kCommandSize - command.size()));
}

void put_allocate(ByteWriter& out, std::string_view file, uint32_t alignment, uint8_t zone) {
    ByteWriter command;
    command.le32(kAllocate);
    put_name(command, file);
    command.le32(alignment);
    command.u8(zone);
    put_command(out, command);
}

// The `size` bytes at `at` in `in` hold an offset into `to`; they become an address.
void put_pointer(ByteWriter& out, std::string_view in, std::string_view to, uint32_t at,
                 uint8_t size) {
    ByteWriter command;
    command.le32(kAddPointer);
    put_name(command, in);
    put_name(command, to);
    command.le32(at);
    command.u8(size);
    put_command(out, command);
}

// The byte at `at` makes the sum of `length` bytes from `start` on zero.
void put_checksum(ByteWriter& out, std::string_view in, uint32_t at, uint32_t start,
                  uint32_t length) {
    ByteWriter command;
    command.le32(kAddChecksum);
    put_name(command, in);
    command.le32(at);
    command.le32(start);
    command.le32(length);
    put_command(out, command);
}

}  // namespace

AcpiTables::Table AcpiTables::add(std::string_view signature, uint8_t revision,
                                  const ByteWriter& body) {
    ByteWriter table;
    put_text(table, signature);
    table.le32(static_cast<uint32_t>(kHeaderSize + body.size()));
    table.u8(revision);
    table.u8(0);  // checksum: the firmware's
    put_text(table, kOemId);
    put_text(table, kOemTableId);
    table.le32(1);
    put_text(table, kCreatorId);
    table.le32(1);
    QC_ASSERT(table.size() == kHeaderSize);
    table.bytes(body.view());
    return add_compiled(table.view());
}

AcpiTables::Table AcpiTables::add_compiled(std::span<const std::byte> table) {
    const Table added{static_cast<uint32_t>(tables_.size())};
    tables_.insert(tables_.end(), table.begin(), table.end());
    // The firmware subtracts what stands there from nothing: it has to be zero.
    tables_[added.offset + kChecksumAt] = std::byte{0};
    note_checksum(added);
    return added;
}

AcpiTables::Table AcpiTables::add_facs() {
    QC_ASSERT(tables_.empty());
    ByteWriter facs;
    put_text(facs, "FACS");
    facs.le32(kFacsSize);
    pad(facs, kFacsSize);
    tables_.assign(facs.view().begin(), facs.view().end());
    return {0};
}

void AcpiTables::note_checksum(Table table) {
    put_checksum(checksums_, kTablesFile, table.offset + kChecksumAt, table.offset,
                 get_le<uint32_t>(tables_, table.offset + kLengthAt));
}

void AcpiTables::point(Table from, uint32_t at, uint8_t size, Table to) {
    put_le(tables_, from.offset + at, size, to.offset);
    put_pointer(pointers_, kTablesFile, kTablesFile, from.offset + at, size);
}

AcpiTables::Table AcpiTables::add_root(std::string_view signature, uint8_t entry_size,
                                       const std::vector<Table>& listed) {
    ByteWriter empty;
    empty.bytes(std::vector<std::byte>(listed.size() * entry_size));
    const Table root = add(signature, 1, empty);
    uint32_t at = kHeaderSize;
    for (const Table& table : listed) {
        point(root, at, entry_size, table);
        at += entry_size;
    }
    return root;
}

AcpiTables::Files AcpiTables::finish(const std::vector<Table>& listed) {
    const Table rsdt = add_root("RSDT", 4, listed);
    const Table xsdt = add_root("XSDT", 8, listed);

    ByteWriter rsdp;
    put_text(rsdp, "RSD PTR ");
    rsdp.u8(0);
    put_text(rsdp, kOemId);
    rsdp.u8(2);  // ACPI 2.0 and later
    rsdp.le32(rsdt.offset);
    rsdp.le32(kRsdpSize);
    rsdp.le64(xsdt.offset);
    pad(rsdp, kRsdpSize);

    ByteWriter loader;
    put_allocate(loader, kTablesFile, kFacsAlignment, kZoneHigh);
    put_allocate(loader, kRsdpFile, 16, kZoneFSegment);
    loader.bytes(pointers_.view());
    put_pointer(loader, kRsdpFile, kTablesFile, kRsdpRootAt, 4);
    put_pointer(loader, kRsdpFile, kTablesFile, kRsdpExtendedRootAt, 8);
    loader.bytes(checksums_.view());
    put_checksum(loader, kRsdpFile, kRsdpChecksumAt, 0, kOldRsdpSize);
    put_checksum(loader, kRsdpFile, kRsdpExtendedChecksumAt, 0, kRsdpSize);
    return {std::move(tables_), rsdp.take(), loader.take()};
}

}  // namespace qc::hw
