// SPDX-License-Identifier: GPL-2.0-or-later
//
// The frames (FIS) that an AHCI controller and its device exchange, and the
// structures in memory that hold them. Source: Serial ATA AHCI 1.3.1, chapter 4;
// Serial ATA revision 2.6, section 10.3.
//
// Threading: plain functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace qc::hw::ahci {

inline constexpr unsigned kPorts = 6;
inline constexpr unsigned kSlots = 32;

// Offsets in the received FIS structure.
inline constexpr unsigned kPioSetupOffset = 0x20;
inline constexpr unsigned kRegisterOffset = 0x40;
inline constexpr unsigned kDeviceBitsOffset = 0x58;

// The command list and its tables.
inline constexpr unsigned kHeaderSize = 32;
inline constexpr unsigned kMaxCommandFis = 64;
inline constexpr unsigned kPacketOffset = 0x40;
inline constexpr unsigned kRegionTable = 0x80;
inline constexpr unsigned kRegionEntrySize = 16;

inline constexpr uint8_t kHostToDevice = 0x27;
inline constexpr uint8_t kCommandFlag = 0x80;  // in byte 1
inline constexpr uint8_t kInterruptFlag = 0x40;
inline constexpr uint8_t kControlReset = 0x04;  // SRST, in byte 15

// What a device's registers hold when it sends a frame.
struct TaskFile {
    uint8_t status = 0;
    uint8_t error = 0;
    uint8_t device = 0;
    std::array<uint8_t, 6> lba{};  // low, mid, high, then the high-order bytes
    std::array<uint8_t, 2> count{};
};

using RegisterFis = std::array<uint8_t, 20>;
using DeviceBitsFis = std::array<uint8_t, 8>;

// Register, device to host.
inline RegisterFis register_fis(const TaskFile& file, bool interrupt) {
    RegisterFis fis{0x34, interrupt ? kInterruptFlag : uint8_t{0}, file.status, file.error};
    for (unsigned i = 0; i < 3; ++i) {
        fis[4 + i] = file.lba[i];
        fis[8 + i] = file.lba[3 + i];
    }
    fis[7] = file.device;
    fis[12] = file.count[0];
    fis[13] = file.count[1];
    return fis;
}

// PIO setup: `file.status` is the status now, `end_status` the one after `bytes`.
inline RegisterFis pio_setup_fis(const TaskFile& file, bool to_host, bool interrupt,
                                 uint8_t end_status, uint32_t bytes) {
    RegisterFis fis = register_fis(file, interrupt);
    fis[0] = 0x5f;
    if (to_host) fis[1] |= 0x20;
    fis[15] = end_status;
    fis[16] = static_cast<uint8_t>(bytes);
    fis[17] = static_cast<uint8_t>(bytes >> 8);
    return fis;
}

// Set device bits: queued commands are done.
inline DeviceBitsFis device_bits_fis(uint8_t status, uint8_t error, uint32_t done) {
    DeviceBitsFis fis{0xa1, kInterruptFlag, static_cast<uint8_t>(status & 0x77), error};
    for (unsigned i = 0; i < 4; ++i)
        fis[4 + i] = static_cast<uint8_t>(done >> (8 * i));
    return fis;
}

}  // namespace qc::hw::ahci
