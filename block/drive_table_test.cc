// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/drive_table.h"

#include <gtest/gtest.h>

#include "block/test_support.h"

namespace qc::block {
namespace {

struct Fixture {
    explicit Fixture(DriveTable::Config config = {}) : table(config, {*loop, lock}) {}
    Result<void> add(const std::string& text) {
        return table.add(OptionString::parse(text, "").value());
    }
    std::string error_of(const std::string& text) {
        auto result = add(text);
        return result ? "accepted" : result.error().message();
    }
    std::unique_ptr<EventLoop> loop = EventLoop::create().value();
    MachineLock lock;
    DriveTable table;
};

TEST(DriveTable, ide_drives_fill_places_and_get_names) {
    TemporaryFile a(512), b(512), c(512);
    Fixture f;
    ASSERT_TRUE(f.add("file=" + a.path() + ",format=raw,index=1"));
    ASSERT_TRUE(f.add("file=" + b.path() + ",format=raw"));
    ASSERT_TRUE(f.add("file=" + c.path() + ",format=raw"));
    ASSERT_EQ(f.table.drives().size(), 3u);
    EXPECT_EQ(f.table.find("ide0-hd1")->options.index, 1u);
    EXPECT_EQ(f.table.find("ide0-hd0")->options.file, b.path());
    EXPECT_EQ(f.table.find("ide1-hd0")->options.index, 2u);
    EXPECT_EQ(f.error_of("file=" + a.path() + ",index=1"),
              "drive with bus=0, unit=1 (index=1) exists");
}

TEST(DriveTable, duplicate_id_and_missing_file_leave_the_table_alone) {
    TemporaryFile a(512);
    Fixture f;
    ASSERT_TRUE(f.add("if=none,id=x,file=" + a.path()));
    EXPECT_EQ(f.error_of("if=none,id=x,file=" + a.path()), "Duplicate ID 'x' for drive");
    EXPECT_EQ(f.error_of("if=none,id=y,file=/nowhere"),
              "Could not open '/nowhere': No such file or directory");
    EXPECT_EQ(f.table.drives().size(), 1u);
}

TEST(DriveTable, one_image_twice_is_a_lock_conflict) {
    TemporaryFile a(512);
    Fixture f;
    ASSERT_TRUE(f.add("if=none,id=x,file=" + a.path()));
    EXPECT_EQ(f.error_of("if=none,id=y,file=" + a.path()), "Failed to get \"write\" lock");
}

TEST(DriveTable, incoming_takes_locks_only_when_activated) {
    TemporaryFile a(512);
    Fixture source;
    Fixture destination({.inactive = true});
    ASSERT_TRUE(source.add("if=none,id=x,file=" + a.path()));
    ASSERT_TRUE(destination.add("if=none,id=x,file=" + a.path()));
    auto early = destination.table.activate();
    ASSERT_FALSE(early);
    EXPECT_EQ(early.error().message(), "drive 'x': Failed to get \"write\" lock");
    source.table.inactivate();
    EXPECT_TRUE(destination.table.activate());
    EXPECT_FALSE(source.table.activate());
}

TEST(DriveTable, snapshot_of_the_machine_or_of_the_drive_keeps_the_file) {
    TemporaryFile a(512, 'a'), b(512, 'b');
    Fixture f({.snapshot = true});
    ASSERT_TRUE(f.add("if=none,id=s,format=raw,file=" + a.path()));
    ASSERT_TRUE(f.add("if=none,id=w,format=raw,snapshot=off,file=" + b.path()));
    std::string text(512, 'z');
    for (const char* id : {"s", "w"}) {
        MachineLockGuard guard(f.lock);
        f.table.find(id)->backend->submit({.op = BlockOp::kWrite,
                                           .offset = 0,
                                           .buffers = {{text.data(), text.size()}},
                                           .done = [](int error) { EXPECT_EQ(error, 0); }});
    }
    f.table.drain();
    EXPECT_EQ(a.read_all(), std::string(512, 'a'));
    EXPECT_EQ(b.read_all(), std::string(512, 'z'));
}

TEST(DriveTable, image_of_another_format_is_not_taken_for_raw) {
    TemporaryFile a(1024);
    a.write_all("QFI\xfb" + std::string(1020, '\0'));
    Fixture f;
    EXPECT_EQ(f.error_of("if=none,id=x,file=" + a.path()),
              "Block format 'qcow2' of '" + a.path() + "' is not supported");
    EXPECT_TRUE(f.add("if=none,id=x,format=raw,file=" + a.path()));
}

TEST(DriveTable, drive_has_one_device) {
    TemporaryFile a(512);
    Fixture f;
    ASSERT_TRUE(f.add("if=none,id=x,file=" + a.path()));
    EXPECT_TRUE(f.table.attach("x"));
    EXPECT_EQ(f.table.attach("x").error().message(),
              "Drive 'x' is already in use by another block device");
    EXPECT_EQ(f.table.attach("q").error().message(), "can't find value 'q'");
}

TEST(DriveTable, cdrom_has_its_name_no_overlay_and_perhaps_no_medium) {
    TemporaryFile a(4096);
    Fixture f({.snapshot = true});
    ASSERT_TRUE(f.add("if=ide,media=cdrom,index=2,file=" + a.path()));
    ASSERT_TRUE(f.add("if=ide,media=cdrom,index=3"));
    ASSERT_TRUE(f.add("if=none,id=again,media=cdrom,file=" + a.path()));
    EXPECT_TRUE(f.table.find("ide1-cd0")->backend->read_only());
    EXPECT_FALSE(f.table.find("ide1-cd1")->backend->has_medium());
    Drive& nameless = f.table.add_anonymous();
    EXPECT_FALSE(nameless.backend->has_medium());
    EXPECT_EQ(f.table.find(""), nullptr);
    EXPECT_EQ(f.table.find_device(""), nullptr);
    nameless.device_id = "cd0";
    EXPECT_EQ(f.table.find_device("cd0"), &nameless);
    EXPECT_TRUE(f.table.activate());
}

TEST(DriveTable, medium_is_changed_for_the_same_and_for_another_file) {
    TemporaryFile a(4096), b(8192);
    Fixture f;
    ASSERT_TRUE(f.add("if=ide,media=cdrom,file=" + a.path()));
    Drive& drive = *f.table.find("ide0-cd0");
    for (const std::string& path : {a.path(), b.path()}) {
        auto medium = f.table.open_medium(drive, path, true);
        ASSERT_TRUE(medium);
        ASSERT_TRUE(f.table.insert_medium(drive, *std::move(medium)));
        EXPECT_EQ(drive.options.file, path);
    }
    EXPECT_EQ(drive.backend->length(), 8192u);
    EXPECT_FALSE(f.table.open_medium(drive, "/nowhere", true));
    EXPECT_EQ(drive.options.file, b.path());
    f.table.remove_medium(drive);
    EXPECT_EQ(drive.options.file, "");
    Fixture writer;
    EXPECT_TRUE(writer.add("if=none,id=x,file=" + b.path())) << "nobody has it any more";
}

}  // namespace
}  // namespace qc::block
