// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/kernel_files.h"

#include "hw/i386/kernel_boot.h"
#include "system/firmware.h"

namespace qc::system {

namespace {

std::vector<std::string> split_modules(std::string_view text) {
    std::vector<std::string> modules(1);
    for (size_t at = 0; at < text.size(); ++at) {
        if (text[at] != ',') {
            modules.back() += text[at];
        } else if (text.substr(at).starts_with(",,")) {
            modules.back() += text[at++];
        } else {
            modules.emplace_back();
        }
    }
    return modules;
}

Result<std::vector<hw::BootModule>> load_modules(const std::string& initrd) {
    std::vector<hw::BootModule> modules;
    for (const std::string& text : split_modules(initrd)) {
        auto bytes = TRY(load_boot_file(text.substr(0, text.find(' ')), "module"));
        modules.push_back({text, std::move(bytes)});
    }
    return modules;
}

Result<hw::BootModule> load_initrd(const std::string& initrd) {
    auto bytes = load_boot_file(initrd, "initrd");
    if (!bytes && initrd.find(',') != std::string::npos) {
        bytes.error().set_hint("Only a Multiboot kernel has several modules");
    }
    return hw::BootModule{initrd, TRY(std::move(bytes))};
}

}  // namespace

Result<hw::KernelFiles> load_kernel_files(const Options& options) {
    hw::KernelFiles files{.kernel_name = options.kernel,
                          .kernel = TRY(load_boot_file(options.kernel, "kernel")),
                          .modules = {},
                          .command_line = options.kernel_command_line};
    const hw::KernelKind kind =
        TRY(hw::kernel_kind(files.kernel).context("could not load kernel '{}'", options.kernel));
    if (options.initrd.empty()) return files;
    if (kind == hw::KernelKind::kMultiboot) {
        files.modules = TRY(load_modules(options.initrd));
    } else {
        files.modules.push_back(TRY(load_initrd(options.initrd)));
    }
    return files;
}

}  // namespace qc::system
