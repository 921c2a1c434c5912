// SPDX-License-Identifier: GPL-2.0-or-later
//
// For tests of kernels in ELF files: writes such files, and does with a FlatBoot's items
// what the option ROM does.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "hw/i386/flat_boot.h"
#include "util/bytes.h"

namespace qc::hw {

inline std::vector<std::byte> bytes_of(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

struct ElfParts {
    struct Program {
        uint32_t type = 1;
        uint64_t virtual_address = 0;
        uint64_t address = 0;
        uint64_t memory_size = 0;
        std::string bytes;
    };
    bool wide = true;
    uint16_t type = 2;
    uint16_t machine = 62;
    uint64_t entry = 0;
    std::vector<Program> programs;

    static std::string note(uint32_t type, std::string_view contents) {
        ByteWriter out;
        out.le32(4);
        out.le32(static_cast<uint32_t>(contents.size()));
        out.le32(type);
        out.bytes(bytes_of(std::string_view("Xen\0", 4)));
        out.bytes(bytes_of(contents));
        while (out.size() % 4 != 0)
            out.u8(0);
        return {reinterpret_cast<const char*>(out.view().data()), out.size()};
    }
    std::vector<std::byte> file() const {
        const size_t header_size = wide ? 64 : 52;
        const size_t entry_size = wide ? 56 : 32;
        ByteWriter out;
        auto address = [&](uint64_t value) {
            if (wide) {
                out.le64(value);
            } else {
                out.le32(static_cast<uint32_t>(value));
            }
        };
        out.bytes(
            bytes_of("\x7f"
                     "ELF"));
        out.u8(wide ? 2 : 1);
        out.u8(1);
        out.u8(1);
        out.bytes(std::vector<std::byte>(9));
        out.le16(type);
        out.le16(machine);
        out.le32(1);
        address(entry);
        address(header_size);
        address(0);
        out.le32(0);
        out.le16(static_cast<uint16_t>(header_size));
        out.le16(static_cast<uint16_t>(entry_size));
        out.le16(static_cast<uint16_t>(programs.size()));
        out.bytes(std::vector<std::byte>(6));
        size_t offset = header_size + programs.size() * entry_size;
        for (const Program& program : programs) {
            out.le32(program.type);
            if (wide) out.le32(7);
            address(offset);
            address(program.virtual_address);
            address(program.address);
            address(program.bytes.size());
            address(program.memory_size);
            if (!wide) out.le32(7);
            address(1);
            offset += program.bytes.size();
        }
        for (const Program& program : programs)
            out.bytes(bytes_of(program.bytes));
        return out.take();
    }
};

// Memory after the ROM's work, all of it 'x' before.
class LoadedMemory {
 public:
    explicit LoadedMemory(const FlatBoot::Items& items, size_t size = 8 << 20)
        : memory_(size, std::byte{'x'}) {
        put(FlatBoot::kPlanAddress, items.plan);
        size_t at = 0;
        for (uint64_t transfer = plan16(0x10); transfer < plan16(0x12); transfer += 16) {
            ByteReader in(std::span(items.plan).subspan(transfer));
            const uint32_t control = in.be32("control").value();
            const uint32_t length = in.be32("length").value();
            const uint64_t address = in.be64("address").value();
            if (control >> 16 == 0x11) at = 0;
            if (control == 2 || control >> 16 == 0x11) {
                put(address, std::span(items.data).subspan(at, length));
                at += length;
            } else {
                EXPECT_EQ(control, 0x1fff000au);
                put(address, std::vector<std::byte>(length));
            }
        }
        EXPECT_EQ(at, items.data.size());
    }
    uint64_t number(uint64_t at, unsigned size) const {
        uint64_t value = 0;
        for (unsigned i = 0; i < size; ++i)
            value |= std::to_integer<uint64_t>(memory_.at(at + i)) << (8 * i);
        return value;
    }
    uint32_t u32(uint64_t at) const { return static_cast<uint32_t>(number(at, 4)); }
    uint64_t plan16(uint64_t at) const { return number(FlatBoot::kPlanAddress + at, 2); }
    uint32_t entry() const { return u32(FlatBoot::kPlanAddress); }
    uint32_t eax() const { return u32(FlatBoot::kPlanAddress + 4); }
    uint32_t record() const { return u32(FlatBoot::kPlanAddress + 8); }
    // Up to a zero.
    std::string text(uint64_t at) const {
        const auto* first = reinterpret_cast<const char*>(memory_.data()) + at;
        return {first, strnlen(first, memory_.size() - at)};
    }
    std::string text(uint64_t at, size_t size) const {
        return {reinterpret_cast<const char*>(memory_.data()) + at, size};
    }

 private:
    void put(uint64_t address, std::span<const std::byte> bytes) {
        ASSERT_LE(address + bytes.size(), memory_.size());
        std::memcpy(memory_.data() + address, bytes.data(), bytes.size());
    }
    std::vector<std::byte> memory_;
};

}  // namespace qc::hw
