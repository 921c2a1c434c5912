// SPDX-License-Identifier: GPL-2.0-or-later
//
// The numbers of the migration stream: docs/devel/migration-stream.rst.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace qc::migration {

inline constexpr uint32_t kStreamMagic = 0x5145564d;  // "QEVM"
inline constexpr uint32_t kStreamVersion = 3;

enum class StreamItem : uint8_t {
    kEof = 0x00,
    kSectionStart = 0x01,
    kSectionPart = 0x02,
    kSectionEnd = 0x03,
    kSectionFull = 0x04,
    kSubsection = 0x05,
    kVmDescription = 0x06,
    kConfiguration = 0x07,
    kCommand = 0x08,
    kFooter = 0x7e,
};

enum class StreamCommand : uint16_t {
    kOpenReturnPath = 1,
    kEnableColo = 10,
    kGo = 0x101,
    kWantSwitchoverAck = 0x102,
    kMultifd = 0x103,
    kMappedRam = 0x104,
};

enum class ReturnMessage : uint16_t {
    kShut = 1,
    kSwitchoverAck = 7,
    kLoaded = 0x101,
};

// Data of the command multifd: session, channels, compression.
inline constexpr uint16_t kMultifdCommandSize = 16 + 4 + 4;

// Data of the command mapped-ram: version, page size.
inline constexpr uint16_t kMappedRamCommandSize = 4 + 4;

inline constexpr uint32_t kRamSectionVersion = 5;

// Flags in the low bits of a RAM record's first word.
inline constexpr uint64_t kRamZero = 0x002;
inline constexpr uint64_t kRamMemSize = 0x004;
inline constexpr uint64_t kRamPage = 0x008;
inline constexpr uint64_t kRamEos = 0x010;
inline constexpr uint64_t kRamContinue = 0x020;
inline constexpr uint64_t kRamXbzrle = 0x040;
// Leads the data of such a record.
inline constexpr uint8_t kXbzrleEncoding = 0x01;
inline constexpr uint64_t kRamMultifdFlush = 0x200;
// With PAGE or ZERO: of that many neighbours, whose number follows.
inline constexpr uint64_t kRamRun = 0x400;
inline constexpr uint64_t kMaxRamRun = 65536;
// With mapped-ram: where the stream goes on; in the last section, what the bitmaps are.
inline constexpr uint64_t kRamMapped = 0x800;
inline constexpr uint64_t kRamFlagsMask = 0xfff;

// Follows the machine type: the source's UUID, 16 bytes.
inline constexpr std::string_view kUuidSubsection = "configuration/uuid";
inline constexpr uint32_t kUuidSubsectionVersion = 1;

// The source's processors, if it has more than one or places for more: how many there are,
// sockets, cores of a socket, threads of a core, 32 bits each.
inline constexpr std::string_view kProcessorsSubsection = "configuration/processors";
inline constexpr uint32_t kProcessorsSubsectionVersion = 1;

// The source's capabilities on which the stream's form depends: a 32-bit number of them,
// then their names, counted.
inline constexpr std::string_view kCapabilitiesSubsection = "configuration/capabilities";
inline constexpr uint32_t kCapabilitiesSubsectionVersion = 1;
inline constexpr uint32_t kMaxCapabilities = 64;

// In the low bits of a RAM block's address, with x-ignore-shared: its pages do not come.
inline constexpr uint64_t kBlockLeftOut = 0x001;

inline constexpr size_t kMaxDeviceState = 16 * 1024 * 1024;
inline constexpr size_t kMaxDescription = 16 * 1024 * 1024;
inline constexpr size_t kMaxConfiguration = 255;
inline constexpr size_t kMaxPeerText = 1024;

// How long the source waits for "loaded" and "shut", and the destination for "go".
inline constexpr int64_t kHandshakeDeadlineMs = 30'000;

}  // namespace qc::migration
