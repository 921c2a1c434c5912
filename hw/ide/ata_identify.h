// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <array>
#include <cstdint>

#include "hw/ide/ata_drive.h"
#include "hw/ide/atapi_drive.h"

namespace qc::hw {

// The 256 words of IDENTIFY DEVICE. Source: ATA/ATAPI-6, section 8.15.
std::array<uint16_t, 256> identify_words(const AtaDriveConfig& config, const AtaDriveState& state);
// Those of IDENTIFY PACKET DEVICE. Source: the same, section 8.16.
std::array<uint16_t, 256> identify_packet_words(const AtapiDriveConfig& config,
                                                const AtaDriveState& state);

}  // namespace qc::hw
