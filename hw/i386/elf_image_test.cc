// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/elf_image.h"

#include <gtest/gtest.h>

#include "hw/i386/kernel_test_support.h"

namespace qc::hw {
namespace {

ElfParts two_segments(bool wide) {
    return {.wide = wide,
            .machine = static_cast<uint16_t>(wide ? 62 : 3),
            .entry = 0xc0200004,
            .programs = {{.virtual_address = 0xc0200000,
                          .address = 0x200000,
                          .memory_size = 0x100,
                          .bytes = "second"},
                         {.virtual_address = 0xc0100000,
                          .address = 0x100000,
                          .memory_size = 5,
                          .bytes = "first"},
                         {.type = 4, .memory_size = 24, .bytes = ElfParts::note(18, "abcd")}}};
}

std::string error(const std::vector<std::byte>& file) {
    const Result<ElfImage> image = parse_elf(file);
    return image ? "" : image.error().message();
}

TEST(ElfImage, both_forms_give_segments_notes_and_a_physical_entry) {
    for (bool wide : {false, true}) {
        const auto file = two_segments(wide).file();
        const ElfImage image = parse_elf(file).value();
        ASSERT_EQ(image.segments.size(), 2u);
        EXPECT_EQ(image.segments[0].address, 0x100000u);
        EXPECT_EQ(image.segments[1].bytes.size(), 6u);
        EXPECT_EQ(image.segments[1].bytes[0], std::byte{'s'});
        EXPECT_EQ(image.segments[1].memory_size, 0x100u);
        EXPECT_EQ(image.entry, 0x200004u);
        const ElfNote* note = image.find_note("Xen", 18);
        ASSERT_NE(note, nullptr);
        EXPECT_EQ(note->contents.size(), 4u);
        EXPECT_EQ(image.find_note("Xen", 17), nullptr);
        EXPECT_EQ(image.find_note("GNU", 18), nullptr);
    }
}

TEST(ElfImage, what_is_no_program_for_x86_is_refused) {
    EXPECT_EQ(error({}), "it is not an ELF image");
    auto other = two_segments(true);
    other.machine = 183;
    EXPECT_NE(error(other.file()).find("not a program for x86"), std::string::npos);
    auto object = two_segments(true);
    object.type = 1;
    EXPECT_NE(error(object.file()).find("not a program for x86"), std::string::npos);
    auto empty = two_segments(true);
    empty.programs.resize(0);
    EXPECT_NE(error(empty.file()).find("nothing to load"), std::string::npos);
}

TEST(ElfImage, what_lies_outside_is_refused) {
    auto file = two_segments(true).file();
    const auto whole = file.size();
    for (size_t size = 0; size < whole; ++size) {
        EXPECT_FALSE(parse_elf(std::span(file).first(size))) << size;
    }
    auto overlap = two_segments(true);
    overlap.programs[1].memory_size = 0x100001;
    EXPECT_NE(error(overlap.file()).find("overlap at 0x200000"), std::string::npos);
    auto wraps = two_segments(true);
    wraps.programs[0].address = ~uint64_t{0} - 10;
    EXPECT_NE(error(wraps.file()).find("past the end"), std::string::npos);
    auto more = two_segments(true);
    more.programs[0].memory_size = 5;
    EXPECT_NE(error(more.file()).find("more bytes in the file"), std::string::npos);
}

TEST(ElfImage, notes_end_where_one_is_cut) {
    auto parts = two_segments(true);
    parts.programs[2].bytes += ElfParts::note(1, std::string(200, 'a')).substr(0, 60);
    const auto file = parts.file();
    EXPECT_EQ(parse_elf(file).value().notes.size(), 1u);
}

}  // namespace
}  // namespace qc::hw
