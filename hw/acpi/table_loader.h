// SPDX-License-Identifier: GPL-2.0-or-later
//
// ACPI tables on their way to the firmware: the tables one behind the other, and the
// commands by which it puts them into memory, fills in the addresses that only it knows
// and corrects the checksums. Sources: ACPI specification 6.5, 5.2.6 (table header);
// QEMU's fw_cfg files "etc/table-loader" (128 bytes a command), as SeaBIOS and OVMF
// read them.
//
// Threading: main thread, while the machine is built.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "util/bytes.h"

namespace qc::hw {

class AcpiTables {
 public:
    // The files that the commands name.
    static constexpr std::string_view kTablesFile = "etc/acpi/tables";
    static constexpr std::string_view kRsdpFile = "etc/acpi/rsdp";
    static constexpr std::string_view kLoaderFile = "etc/table-loader";

    // Where a table begins in the file.
    struct Table {
        uint32_t offset = 0;
    };
    // A table whose header says `signature` and `revision`, and its body. Length and
    // checksum are filled in.
    Table add(std::string_view signature, uint8_t revision, const ByteWriter& body);
    // A whole table, for example out of the ASL compiler.
    Table add_compiled(std::span<const std::byte> table);
    // The one table without a usual header. It comes first: it has to be aligned.
    Table add_facs();

    // `size` (4 or 8) bytes, `at` bytes into `from`, are to be the address of `to`.
    void point(Table from, uint32_t at, uint8_t size, Table to);

    struct Files {
        std::vector<std::byte> tables;
        std::vector<std::byte> rsdp;
        std::vector<std::byte> loader;
    };
    // With RSDT and XSDT of `listed`, and the RSDP.
    Files finish(const std::vector<Table>& listed);

 private:
    Table add_root(std::string_view signature, uint8_t entry_size,
                   const std::vector<Table>& listed);
    void note_checksum(Table table);

    std::vector<std::byte> tables_;
    ByteWriter pointers_;   // commands
    ByteWriter checksums_;  // commands, for after all pointers
};

}  // namespace qc::hw
