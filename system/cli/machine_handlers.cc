// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/cli/handlers.h"
#include "system/option_help.h"

namespace qc::system {

namespace {

Result<void> add_accelerators(Parse& parse, std::string_view names, const std::string& origin) {
    while (true) {
        size_t colon = names.find(':');
        auto options = TRY(OptionString::parse(names.substr(0, colon), "accel"));
        parse.options.accelerators.push_back({std::move(options), origin});
        if (colon == std::string_view::npos) return {};
        names.remove_prefix(colon + 1);
    }
}

}  // namespace

Result<void> set_accelerator(Parse& parse, const std::string& value, const std::string& origin) {
    if (value == "help" || value == "?") {
        parse.text = accelerator_help();
        return {};
    }
    auto options = TRY(OptionString::parse(value, "accel"));
    parse.options.accelerators.push_back({std::move(options), origin});
    return {};
}

Result<void> enable_kvm(Parse& parse, const std::string&, const std::string& origin) {
    return add_accelerators(parse, "kvm", origin);
}

Result<void> set_machine(Parse& parse, const std::string& value, const std::string& origin) {
    if (value == "help" || value == "?") {
        parse.text = machine_help();
        return {};
    }
    auto options = TRY(OptionString::parse(value, "type"));
    if (auto type = options.take("type")) {
        if (find_machine_type(*type) == nullptr) {
            return Failure(Error(fmt::format("unsupported machine type '{}'", *type))
                               .set_hint("Use -machine help to list supported machines"));
        }
        parse.options.machine_type = *type;
    }
    if (auto accelerators = options.take("accel")) {
        TRY(add_accelerators(parse, *accelerators, origin));
    }
    if (auto hpet = TRY(options.take_bool("hpet"))) {
        parse.options.hpet = *hpet;
        parse.options.needs_board.push_back(origin);
    }
    if (auto direct = TRY(options.take_bool("x-direct-kernel"))) {
        parse.options.direct_kernel = *direct;
        parse.options.needs_board.push_back(origin);
    }
    if (auto backend = options.take("memory-backend")) {
        parse.options.memory.backend = std::move(backend);
    }
    if (!options.options().empty()) {
        return fail("Property '{}-machine.{}' not found",
                    canonical_machine_type(parse.options.machine_type),
                    options.options().front().key);
    }
    return {};
}

Result<void> set_memory(Parse& parse, const std::string& value, const std::string&) {
    constexpr uint64_t kMebibyte = uint64_t{1} << 20;
    auto options = TRY(OptionString::parse(value, "size"));
    std::string text = TRY(options.take_required("size"));
    uint64_t bytes = TRY(parse_size("size", text, kMebibyte));
    TRY(options.expect_empty());
    if (bytes < kMebibyte) return fail("a machine has at least 1 MiB of memory");
    // Firmware and guests count memory in megabytes; QEMU rounds up likewise.
    parse.options.ram_bytes = (bytes + 8191) / 8192 * 8192;
    parse.options.memory.size_given = true;
    return {};
}

Result<void> set_memory_path(Parse& parse, const std::string& value, const std::string&) {
    if (value.empty()) return fail("a path is missing");
    parse.options.memory.path = value;
    return {};
}

Result<void> set_memory_prealloc(Parse& parse, const std::string&, const std::string&) {
    parse.options.memory.prealloc = true;
    return {};
}

Result<void> set_cpus(Parse& parse, const std::string& value, const std::string&) {
    parse.options.smp = TRY(parse_smp(value));
    return {};
}

Result<void> add_numa(Parse& parse, const std::string& value, const std::string& origin) {
    parse.options.numa.push_back({TRY(OptionString::parse(value, "type")), origin});
    return {};
}

Result<void> add_smbios(Parse& parse, const std::string& value, const std::string& origin) {
    parse.options.smbios.push_back({TRY(OptionString::parse(value, "")), origin});
    return {};
}

Result<void> set_firmware(Parse& parse, const std::string& value, const std::string&) {
    parse.options.firmware = value;
    parse.options.firmware_given = true;
    return {};
}

Result<void> add_data_dir(Parse& parse, const std::string& value, const std::string&) {
    parse.options.data_dirs.push_back(value);
    return {};
}

}  // namespace qc::system
