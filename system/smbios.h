// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the SMBIOS tables of the machine that was asked for say: the machine type's
// names, and what `-smbios` changes.
//
// Threading: plain function.
#pragma once

#include "hw/smbios/smbios_options.h"
#include "system/options.h"

namespace qc::system {

Result<hw::SmbiosOptions> choose_smbios(const Options& options);

}  // namespace qc::system
