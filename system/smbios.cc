// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/smbios.h"

#include <algorithm>

#include "system/firmware.h"
#include "system/option_help.h"
#include "system/version.h"

namespace qc::system {

Result<hw::SmbiosOptions> choose_smbios(const Options& options) {
    const std::string_view name = canonical_machine_type(options.machine_type);
    const auto type = std::ranges::find(machine_types(), name, &MachineType::name);
    hw::SmbiosOptions smbios{.config = hw::default_smbios(type->description, name)};
    const auto read = [](const std::string& path) { return load_boot_file(path, "SMBIOS file"); };
    for (const ParsedOption& option : options.smbios)
        TRY(hw::add_smbios(smbios, option.options, read).context("{}", option.origin));
    // Else firmware would say who it is.
    if (options.direct_kernel && !smbios.config.bios) {
        smbios.config.bios = hw::SmbiosBios{.vendor = "qemu-colo",
                                            .version = std::string(kPackageVersion),
                                            .date = std::string(kPackageDate)};
    }
    return smbios;
}

}  // namespace qc::system
