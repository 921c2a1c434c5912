// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/kernel_boot.h"

#include "hw/i386/elf_image.h"
#include "hw/i386/multiboot_image.h"
#include "hw/i386/pvh_image.h"

namespace qc::hw {

Result<KernelKind> kernel_kind(std::span<const std::byte> kernel) {
    if (has_linux_header(kernel)) return KernelKind::kLinux;
    if (has_multiboot_header(kernel)) return KernelKind::kMultiboot;
    if (!is_elf(kernel)) {
        return fail(
            "it is neither a Linux kernel that a boot loader can start (bzImage), nor a "
            "Multiboot kernel, nor an ELF image with a PVH entry point");
    }
    const ElfImage image = TRY(parse_elf(kernel));
    if (!has_pvh_entry(image)) {
        return fail(
            "it is an ELF image with neither a PVH entry point nor a Multiboot header "
            "(Linux has the former with CONFIG_PVH)");
    }
    return KernelKind::kPvh;
}

Result<PreparedKernel> prepare_kernel(const KernelFiles& files, uint64_t ram_below_4g) {
    switch (TRY(kernel_kind(files.kernel))) {
        case KernelKind::kLinux: return TRY(prepare_linux(files, ram_below_4g));
        case KernelKind::kMultiboot: return TRY(prepare_multiboot(files, ram_below_4g));
        case KernelKind::kPvh: break;
    }
    return TRY(prepare_pvh(files, ram_below_4g));
}

Result<std::string_view> add_kernel(FwCfg& fw_cfg, const KernelFiles& files,
                                    uint64_t ram_below_4g) {
    PreparedKernel prepared = TRY(prepare_kernel(files, ram_below_4g));
    if (LinuxBoot* boot = std::get_if<LinuxBoot>(&prepared)) {
        add_linux_boot(fw_cfg, std::move(*boot));
        return kLinuxBootPath;
    }
    add_flat_boot(fw_cfg, std::get<FlatBoot::Items>(std::move(prepared)));
    return kFlatBootPath;
}

}  // namespace qc::hw
