// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/command_line.h"

#include <string_view>

#include "system/cli/handlers.h"
#include "system/cli/option_table.h"
#include "system/monitor_option.h"
#include "system/option_help.h"

namespace qc::system {

namespace {

// A machine that starts its kernel itself has none of what only firmware does.
Result<void> check_direct_kernel(const Options& options) {
    if (!options.direct_kernel) return {};
    if (options.kernel.empty()) return fail("x-direct-kernel=on needs a kernel: -kernel FILE");
    if (options.firmware_given) {
        return fail("x-direct-kernel=on starts the kernel without firmware: not with -bios");
    }
    if (options.boot.menu) {
        return fail(
            "x-direct-kernel=on starts the kernel without firmware: not with -boot menu=on");
    }
    return {};
}

Result<void> check_background(const Options& options) {
    if (!options.process.background) return {};
    if (options.preconfig) {
        return fail("'preconfig' and 'daemonize' options are mutually exclusive");
    }
    if (options.nographic && options.default_devices && options.serials.empty()) {
        return fail("-nographic cannot be used with -daemonize");
    }
    if (options.process.ends_with_parent) {
        return fail("exit-with-parent is incompatible with daemonize");
    }
    return {};
}

}  // namespace

Result<CommandLine> parse_command_line(std::span<const char* const> arguments) {
    Parse parse;
    for (size_t i = 0; i < arguments.size(); ++i) {
        std::string written = arguments[i];
        if (written.empty() || written[0] != '-' || written == "-") {
            TRY(add_hard_disk<0>(parse, written, written).context("{}", written));
            continue;
        }
        std::string_view name = written;
        name.remove_prefix(name.starts_with("--") ? 2 : 1);
        const OptionEntry* entry = find_option(name);
        if (entry == nullptr) return fail("{}: invalid option", written);
        std::string value;
        std::string origin = fmt::format("-{}", entry->name);
        if (!entry->argument.empty()) {
            if (i + 1 == arguments.size()) return fail("{}: requires an argument", written);
            value = arguments[++i];
            origin += " " + value;
        }
        TRY(read_option(*entry, parse, value, origin, origin));
        if (parse.text) return CommandLine(PrintAndExit{*std::move(parse.text)});
    }
    TRY(check_background(parse.options));
    choose_default_monitor(parse.options);
    const Options& options = parse.options;
    TRY(check_cpu_count(options.smp, canonical_machine_type(options.machine_type),
                        find_machine_type(options.machine_type)->max_cpus));
    if (!options.qtest && !options.qtest_log.empty()) {
        return fail("-qtest-log only allowed with -qtest option");
    }
    if (options.kernel.empty() && !options.initrd.empty()) {
        return fail("-initrd only allowed with -kernel option");
    }
    if (options.kernel.empty() && !options.kernel_command_line.empty()) {
        return fail("-append only allowed with -kernel option");
    }
    TRY(check_direct_kernel(options).context("-machine"));
    if (options.preconfig && options.incoming && options.incoming->value != "defer") {
        return fail("'preconfig' supports '-incoming defer' only");
    }
    return CommandLine(std::move(parse.options));
}

}  // namespace qc::system
