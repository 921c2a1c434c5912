// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/acpi/table_placement.h"

#include <gtest/gtest.h>

#include <string_view>

#include "util/bytes.h"

namespace qc::hw {
namespace {

std::vector<std::byte> bytes_of(std::string_view text) {
    const auto bytes = std::as_bytes(std::span(text));
    return {bytes.begin(), bytes.end()};
}

// Commands, and files "a" and "b" for them.
struct Loader {
    Loader& command(uint32_t number) {
        finish();
        out.le32(number);
        return *this;
    }
    Loader& name(std::string_view text) {
        out.bytes(bytes_of(text));
        out.bytes(std::vector<std::byte>(56 - text.size()));
        return *this;
    }
    Loader& u32(uint32_t value) {
        out.le32(value);
        return *this;
    }
    Loader& u8(uint8_t value) {
        out.u8(value);
        return *this;
    }
    Loader& allocate(std::string_view file, uint32_t alignment = 16, uint8_t zone = 1) {
        return command(1).name(file).u32(alignment).u8(zone);
    }
    Loader& pointer(std::string_view in, std::string_view to, uint32_t at, uint8_t size) {
        return command(2).name(in).name(to).u32(at).u8(size);
    }
    Loader& checksum(std::string_view in, uint32_t at, uint32_t start, uint32_t length) {
        return command(3).name(in).u32(at).u32(start).u32(length);
    }
    void finish() { out.bytes(std::vector<std::byte>((128 - out.size() % 128) % 128)); }

    Result<std::vector<PlacedTable>> run() {
        finish();
        return place_tables(out.view(), {{"a", bytes_of(a)}, {"b", bytes_of(b)}},
                            [this](TableZone zone, size_t size, uint32_t alignment) {
                                return place(zone, size, alignment);
                            });
    }
    Result<uint32_t> place(TableZone zone, size_t size, uint32_t alignment) {
        if (size > room) return fail("no room");
        const uint32_t at = zone == TableZone::kHigh ? high : 0xf0000;
        EXPECT_EQ(at % alignment, 0u);
        high += 0x1000;
        return at;
    }
    std::string error() {
        auto done = run();
        return done ? "done" : done.error().message();
    }

    ByteWriter out;
    std::string_view a = "12345678";
    std::string_view b = std::string_view("\2\0\0\0\0\0\0\0", 8);
    uint32_t high = 0x7fff1000;
    size_t room = 100;
};

TEST(TablePlacement, zones_pointers_and_checksums_are_carried_out) {
    Loader loader;
    loader.allocate("a").allocate("b", 4096, 2).pointer("b", "a", 0, 4).checksum("b", 7, 0, 8);
    const auto placed = loader.run();
    ASSERT_TRUE(placed) << placed.error().message();
    ASSERT_EQ(placed->size(), 2u);
    EXPECT_EQ((*placed)[0].name, "a");
    EXPECT_EQ((*placed)[0].address, 0x7fff1000u);
    EXPECT_EQ((*placed)[0].bytes, bytes_of("12345678"));
    EXPECT_EQ((*placed)[1].address, 0xf0000u);
    // 7fff1002h, and what makes the sum zero.
    EXPECT_EQ((*placed)[1].bytes, bytes_of(std::string_view("\x02\x10\xff\x7f\0\0\0\x70", 8)));
}

TEST(TablePlacement, what_stands_in_a_checksum_s_place_does_not_matter) {
    Loader loader;
    loader.b = "\x10\x20";
    loader.allocate("b").checksum("b", 1, 0, 2);
    EXPECT_EQ(loader.run().value().at(0).bytes, bytes_of("\x10\xf0"));
}

TEST(TablePlacement, pointer_of_eight_bytes_and_one_past_the_end_are_right) {
    Loader loader;
    loader.b = std::string_view("\x08\0\0\0\0\0\0\0", 8);
    loader.allocate("a").allocate("b").pointer("b", "a", 0, 8);
    EXPECT_EQ(loader.run().value().at(1).bytes,
              bytes_of(std::string_view("\x08\x10\xff\x7f\0\0\0\0", 8)));
}

TEST(TablePlacement, files_without_a_place_are_left_out) {
    EXPECT_TRUE(Loader().run().value().empty());
}

TEST(TablePlacement, unknown_commands_are_refused_by_number) {
    EXPECT_EQ(Loader().command(0).error(), "command 0 for tables: there is no command 0");
    EXPECT_EQ(Loader().allocate("a").command(5).error(),
              "command 1 for tables: there is no command 5");
    EXPECT_NE(Loader().command(4).error().find("written back"), std::string::npos);
    Loader cut;
    cut.out.le32(1);
    EXPECT_NE(place_tables(cut.out.view(), {}, {}).error().message().find("4 bytes"),
              std::string::npos);
}

TEST(TablePlacement, unknown_files_and_endless_names_are_refused) {
    EXPECT_NE(Loader().allocate("c").error().find("no file 'c'"), std::string::npos);
    EXPECT_NE(Loader().allocate(std::string(56, 'x')).error().find("no end"), std::string::npos);
    EXPECT_NE(Loader().allocate("a").pointer("a", "b", 0, 4).error().find("'b' has no place"),
              std::string::npos);
    EXPECT_NE(Loader().allocate("a").pointer("b", "a", 0, 4).error().find("'b' has no place"),
              std::string::npos);
}

TEST(TablePlacement, allocations_that_cannot_be_are_refused) {
    EXPECT_NE(Loader().allocate("a", 0).error().find("aligned to 0"), std::string::npos);
    EXPECT_NE(Loader().allocate("a", 24).error().find("aligned to 24"), std::string::npos);
    EXPECT_NE(Loader().allocate("a", 8192).error().find("aligned to 8192"), std::string::npos);
    EXPECT_NE(Loader().allocate("a", 16, 3).error().find("zone 3"), std::string::npos);
    EXPECT_NE(Loader().allocate("a").allocate("a").error().find("already"), std::string::npos);
    Loader full;
    full.room = 7;
    EXPECT_EQ(full.allocate("a").error(), "command 0 for tables: file 'a': no room");
}

TEST(TablePlacement, fields_outside_of_their_file_are_refused) {
    auto pointer = [](uint32_t at, uint8_t size) {
        return Loader().allocate("a").allocate("b").pointer("b", "a", at, size).error();
    };
    EXPECT_EQ(pointer(4, 4), "done");
    EXPECT_NE(pointer(5, 4).find("'b' has no 4 bytes at 0x5"), std::string::npos);
    EXPECT_NE(pointer(0xfffffffe, 4).find("has no 4 bytes"), std::string::npos);
    EXPECT_NE(pointer(0, 3).find("cannot have 3 bytes"), std::string::npos);
    EXPECT_NE(pointer(0, 2).find("does not fit into 2 bytes"), std::string::npos);
    Loader far;
    far.b = std::string_view("\x09\0\0\0", 4);
    EXPECT_NE(
        far.allocate("a").allocate("b").pointer("b", "a", 0, 4).error().find("outside of file 'a'"),
        std::string::npos);
    EXPECT_NE(Loader().allocate("a").checksum("a", 8, 0, 8).error().find("no 1 bytes at 0x8"),
              std::string::npos);
    EXPECT_NE(Loader().allocate("a").checksum("a", 0, 1, 8).error().find("no 8 bytes at 0x1"),
              std::string::npos);
    EXPECT_NE(Loader().allocate("a").checksum("a", 0, 4, ~0u).error().find("has no"),
              std::string::npos);
}

}  // namespace
}  // namespace qc::hw
