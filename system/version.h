// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <string_view>

namespace qc::system {

// The QEMU release whose command line and QMP this program speaks; clients choose
// their features by it.
inline constexpr int kQemuMajor = 9;
inline constexpr int kQemuMinor = 0;
inline constexpr int kQemuMicro = 0;

// This program's own version.
inline constexpr std::string_view kPackageVersion = "qemu-colo 0.1.0";
// Month, day, year, as SMBIOS has it.
inline constexpr std::string_view kPackageDate = "11/22/2026";

}  // namespace qc::system
