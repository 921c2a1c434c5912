// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/drive_options.h"

#include <gtest/gtest.h>

namespace qc::block {
namespace {

Result<DriveOptions> parse(std::string_view text) {
    return parse_drive_options(OptionString::parse(text, "").value());
}

std::string error_of(std::string_view text) {
    auto drive = parse(text);
    return drive ? "accepted" : drive.error().message();
}

TEST(DriveOptions, defaults_are_ide_raw_writeback) {
    auto drive = parse("file=a.img");
    ASSERT_TRUE(drive);
    EXPECT_EQ(drive->file, "a.img");
    EXPECT_EQ(drive->interface, DriveInterface::kIde);
    EXPECT_EQ(drive->access, RawFile::Access::kReadWrite);
    EXPECT_EQ(drive->cache, RawFile::Cache::kWriteBack);
    EXPECT_FALSE(drive->index);
    EXPECT_FALSE(drive->snapshot);
    EXPECT_FALSE(drive->format_given);
}

TEST(DriveOptions, everything_can_be_said) {
    auto drive = parse(
        "id=d-1,file=a,,b,format=raw,if=none,media=disk,readonly=on,cache=unsafe,snapshot=off");
    ASSERT_TRUE(drive) << drive.error().message();
    EXPECT_EQ(drive->id, "d-1");
    EXPECT_EQ(drive->file, "a,b");
    EXPECT_EQ(drive->interface, DriveInterface::kNone);
    EXPECT_EQ(drive->access, RawFile::Access::kReadOnly);
    EXPECT_EQ(drive->cache, RawFile::Cache::kUnsafe);
    EXPECT_EQ(drive->snapshot, false);
    EXPECT_TRUE(drive->format_given);
}

TEST(DriveOptions, places_are_those_of_the_machine) {
    auto parse_ahci = [](std::string_view text) {
        return parse_drive_options(OptionString::parse(text, "").value(), {.buses = 6, .units = 1});
    };
    EXPECT_EQ(parse_ahci("file=a,index=5")->index, 5u);
    EXPECT_EQ(parse_ahci("file=a,bus=4")->index, 4u);
    EXPECT_EQ(parse_ahci("file=a,index=6").error().message(), "index 6 too big (max is 5)");
    EXPECT_EQ(parse_ahci("file=a,unit=1").error().message(), "unit 1 too big (max is 0)");
}

TEST(DriveOptions, place_is_index_or_bus_and_unit) {
    EXPECT_EQ(parse("file=a,index=2")->index, 2u);
    EXPECT_EQ(parse("file=a,bus=1,unit=1")->index, 3u);
    EXPECT_EQ(parse("file=a,unit=1")->index, 1u);
    EXPECT_EQ(error_of("file=a,index=4"), "index 4 too big (max is 3)");
    EXPECT_EQ(error_of("file=a,unit=2"), "unit 2 too big (max is 1)");
    EXPECT_EQ(error_of("file=a,index=1,bus=0"), "index cannot be used with bus and unit");
    EXPECT_NE(error_of("file=a,if=none,index=1"), "accepted");
}

TEST(DriveOptions, what_is_not_supported_is_refused_by_name) {
    EXPECT_EQ(error_of("file=a,format=qcow2"),
              "Block format 'qcow2' is not supported, only 'raw' is");
    EXPECT_EQ(error_of("file=a,if=scsi"), "unsupported bus type 'scsi'");
    EXPECT_EQ(error_of("file=a,media=tape"), "'tape' invalid media");
    EXPECT_EQ(error_of("file=a,cache=wild"), "invalid cache option");
    EXPECT_NE(error_of("file=a,cache=none").find("'none'"), std::string::npos);
    EXPECT_EQ(error_of("file=a,aio=native"),
              "Block format 'raw' does not support the option 'aio'");
    EXPECT_NE(error_of("if=ide"), "accepted");
    EXPECT_NE(error_of("if=virtio,media=cdrom"), "accepted");
    EXPECT_EQ(error_of("file=a,id=9x"), "Parameter 'id' expects an identifier");
    EXPECT_NE(error_of("file=a,readonly=maybe"), "accepted");
}

TEST(DriveOptions, cdrom_is_read_only_and_may_be_empty) {
    auto cdrom = parse("file=a,media=cdrom,readonly=off");
    EXPECT_TRUE(cdrom->cdrom);
    EXPECT_EQ(cdrom->access, RawFile::Access::kReadOnly);
    EXPECT_EQ(parse("media=cdrom,index=2")->file, "");
    EXPECT_EQ(parse("if=none,id=a")->file, "");
}

}  // namespace
}  // namespace qc::block
