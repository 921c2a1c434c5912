// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/smbios/smbios_options.h"

#include <gtest/gtest.h>

#include <map>
#include <span>

namespace qc::hw {
namespace {

struct Fixture {
    // "" or the error.
    std::string add(std::string_view text) {
        const auto read = [this](const std::string& path) -> Result<std::vector<std::byte>> {
            const auto found = files.find(path);
            if (found == files.end()) return fail("no file '{}'", path);
            const auto bytes = std::as_bytes(std::span(found->second));
            return std::vector(bytes.begin(), bytes.end());
        };
        auto added = add_smbios(all, OptionString::parse(text, "").value(), read);
        return added ? "" : added.error().message();
    }

    SmbiosOptions all{.config = default_smbios("product", "version")};
    std::map<std::string, std::string> files;
};

TEST(SmbiosOptions, fields_come_to_their_types_and_the_last_counts) {
    Fixture f;
    EXPECT_EQ(f.add("type=0,vendor=v,release=2.7,uefi=on"), "");
    EXPECT_EQ(f.add("type=1,serial=s,sku=k,uuid=00112233-4455-6677-8899-aabbccddeeff"), "");
    EXPECT_EQ(f.add("type=1,serial=t"), "");
    EXPECT_EQ(f.add("type=2,asset=a,location=l"), "");
    EXPECT_EQ(f.add("type=3,sku=c"), "");
    EXPECT_EQ(f.add("type=4,sock_pfx=S,max-speed=3000,processor-id=0x1122334455667788"), "");
    EXPECT_EQ(f.add("type=8,external_reference=e,connector_type=2,port_type=3"), "");
    EXPECT_EQ(f.add("type=17,bank=b,speed=3200"), "");
    const SmbiosConfig& config = f.all.config;
    EXPECT_EQ(config.bios->vendor, "v");
    EXPECT_EQ(config.bios->release, (std::array<uint8_t, 2>{2, 7}));
    EXPECT_TRUE(config.bios->uefi);
    EXPECT_EQ(config.system.serial, "t");
    EXPECT_EQ(config.system.sku, "k");
    EXPECT_EQ(config.system.manufacturer, "QEMU");
    EXPECT_EQ(to_string(*f.all.uuid), "00112233-4455-6677-8899-aabbccddeeff");
    EXPECT_EQ(config.board->location, "l");
    EXPECT_EQ(config.chassis.sku, "c");
    EXPECT_EQ(config.processor.max_speed, 3000);
    EXPECT_EQ(config.processor.id, 0x1122334455667788u);
    EXPECT_EQ(config.ports.at(0).port_type, 3);
    EXPECT_EQ(config.memory.speed, 3200);
}

TEST(SmbiosOptions, oem_strings_keep_their_order) {
    Fixture f;
    f.files["/f"] = "from the file";
    EXPECT_EQ(f.add("type=11,value=one,path=/f,value=two"), "");
    EXPECT_EQ(f.all.config.oem_strings, (std::vector<std::string>{"one", "from the file", "two"}));
    f.files["/zero"] = std::string("a\0b", 3);
    EXPECT_NE(f.add("type=11,path=/zero"), "");
    EXPECT_NE(f.add("type=11,value="), "");
    EXPECT_NE(f.add("type=11,other=x"), "");
}

TEST(SmbiosOptions, file_s_structure_is_taken_whole) {
    Fixture f;
    f.files["/bare"] = std::string("\x0c\x05\x00\x0c\x01", 5);
    f.files["/texts"] = std::string("\x0d\x05\x00\x0d\x01text\0", 10);
    EXPECT_EQ(f.add("file=/bare"), "");
    EXPECT_EQ(f.add("file=/texts"), "");
    EXPECT_EQ(f.all.config.structures.find(12)->second.size(), 7u);
    EXPECT_EQ(f.all.config.structures.find(13)->second.size(), 11u);
}

TEST(SmbiosOptions, wrong_ones_are_refused) {
    Fixture f;
    f.files["/short"] = "abc";
    f.files["/long"] = std::string("\x01\x20\0\0", 4);
    f.files["/end"] = std::string("\x7f\x04\0\0", 4);
    f.files["/chassis"] = std::string("\x03\x04\0\0", 4);
    f.files["/system"] = std::string("\x01\x04\0\0", 4);
    for (const char* option :
         {"vendor=x", "type=5", "type=300", "type=1,vendor=x", "type=0,release=1",
          "type=0,release=1.256", "type=0,release=1.2x", "type=0,uefi=maybe", "type=1,uuid=1",
          "type=4,max-speed=65536", "type=8,port_type=256", "type=17,speed=x", "file=/none",
          "file=/short", "file=/long", "file=/end", "file=/chassis,type=3"}) {
        EXPECT_NE(f.add(option), "") << option;
    }
    EXPECT_EQ(f.add("type=1,sku=x"), "");
    EXPECT_NE(f.add("file=/system"), "") << "there are fields already";
    EXPECT_EQ(f.add("file=/chassis"), "");
    EXPECT_NE(f.add("type=3,sku=x"), "") << "there is a file already";
}

}  // namespace
}  // namespace qc::hw
