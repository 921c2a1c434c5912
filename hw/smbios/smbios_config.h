// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the SMBIOS tables say that a user may choose (`-smbios`), under the names of
// SMBIOS 2.8 (DSP0134), chapter 7. An empty text means "not specified".
//
// Threading: plain data.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace qc::hw {

struct SmbiosBios {  // type 0
    std::string vendor, version, date;
    std::optional<std::array<uint8_t, 2>> release;  // major, minor
    bool uefi = false;
};

struct SmbiosSystem {  // type 1
    std::string manufacturer, product, version, serial, sku, family;
};

struct SmbiosBoard {  // type 2
    std::string manufacturer, product, version, serial, asset, location;
};

struct SmbiosChassis {  // type 3
    std::string manufacturer, version, serial, asset, sku;
};

struct SmbiosProcessor {  // type 4
    std::string socket_prefix, manufacturer, version, serial, asset, part;
    uint16_t max_speed = 2000;  // MHz
    uint16_t current_speed = 2000;
    std::optional<uint64_t> id;
};

struct SmbiosPort {  // type 8
    std::string internal_reference, external_reference;
    uint8_t connector_type = 0;
    uint8_t port_type = 0;
};

struct SmbiosMemory {  // type 17
    std::string locator_prefix, bank, manufacturer, serial, asset, part;
    uint16_t speed = 0;  // MT/s
};

struct SmbiosConfig {
    std::optional<SmbiosBios> bios;  // else the firmware's own
    SmbiosSystem system;
    std::optional<SmbiosBoard> board;
    SmbiosChassis chassis;
    SmbiosProcessor processor;
    std::vector<SmbiosPort> ports;
    std::vector<std::string> oem_strings;  // type 11
    SmbiosMemory memory;
    // Whole structures out of files, by their type: instead of ours.
    std::multimap<uint8_t, std::vector<std::byte>> structures;
};

}  // namespace qc::hw
