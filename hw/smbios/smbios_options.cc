// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/smbios/smbios_options.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <span>

namespace qc::hw {

namespace {

// One option of one type: takes fields by their names.
class Fields {
 public:
    explicit Fields(OptionString& option) : option_(option) {}

    void text(std::string_view key, std::string& to) {
        if (auto value = option_.take(key)) to = std::move(*value);
    }
    template <typename T>
    Result<void> number(std::string_view key, T& to) {
        const auto value = TRY(option_.take_number(key));
        if (!value) return {};
        if (*value > std::numeric_limits<T>::max()) {
            return fail("Parameter '{}' is {}, at most {}", key, *value,
                        std::numeric_limits<T>::max());
        }
        to = static_cast<T>(*value);
        return {};
    }

 private:
    OptionString& option_;
};

// "MAJOR.MINOR".
Result<std::array<uint8_t, 2>> parse_release(std::string_view text) {
    std::array<uint8_t, 2> release{};
    const char* const end = text.data() + text.size();
    auto [dot, error] = std::from_chars(text.data(), end, release[0]);
    if (error == std::errc() && dot != end && *dot == '.') {
        const auto minor = std::from_chars(dot + 1, end, release[1]);
        if (minor.ec == std::errc() && minor.ptr == end) return release;
    }
    return fail("Invalid BIOS release '{}': MAJOR.MINOR, each at most 255", text);
}

Result<void> set_bios(SmbiosOptions& all, OptionString& option) {
    if (!all.config.bios) all.config.bios.emplace();
    SmbiosBios& bios = *all.config.bios;
    Fields fields(option);
    fields.text("vendor", bios.vendor);
    fields.text("version", bios.version);
    fields.text("date", bios.date);
    if (auto release = option.take("release")) bios.release = TRY(parse_release(*release));
    if (auto uefi = TRY(option.take_bool("uefi"))) bios.uefi = *uefi;
    return {};
}

Result<void> set_system(SmbiosOptions& all, OptionString& option) {
    SmbiosSystem& system = all.config.system;
    Fields fields(option);
    fields.text("manufacturer", system.manufacturer);
    fields.text("product", system.product);
    fields.text("version", system.version);
    fields.text("serial", system.serial);
    fields.text("sku", system.sku);
    fields.text("family", system.family);
    if (auto uuid = option.take("uuid")) all.uuid = TRY(parse_uuid(*uuid));
    return {};
}

Result<void> set_board(SmbiosOptions& all, OptionString& option) {
    if (!all.config.board) all.config.board.emplace();
    SmbiosBoard& board = *all.config.board;
    Fields fields(option);
    fields.text("manufacturer", board.manufacturer);
    fields.text("product", board.product);
    fields.text("version", board.version);
    fields.text("serial", board.serial);
    fields.text("asset", board.asset);
    fields.text("location", board.location);
    return {};
}

Result<void> set_chassis(SmbiosOptions& all, OptionString& option) {
    SmbiosChassis& chassis = all.config.chassis;
    Fields fields(option);
    fields.text("manufacturer", chassis.manufacturer);
    fields.text("version", chassis.version);
    fields.text("serial", chassis.serial);
    fields.text("asset", chassis.asset);
    fields.text("sku", chassis.sku);
    return {};
}

Result<void> set_processor(SmbiosOptions& all, OptionString& option) {
    SmbiosProcessor& processor = all.config.processor;
    Fields fields(option);
    fields.text("sock_pfx", processor.socket_prefix);
    fields.text("manufacturer", processor.manufacturer);
    fields.text("version", processor.version);
    fields.text("serial", processor.serial);
    fields.text("asset", processor.asset);
    fields.text("part", processor.part);
    TRY(fields.number("max-speed", processor.max_speed));
    TRY(fields.number("current-speed", processor.current_speed));
    if (auto id = TRY(option.take_number("processor-id"))) processor.id = *id;
    return {};
}

Result<void> add_port(SmbiosOptions& all, OptionString& option) {
    SmbiosPort port;
    Fields fields(option);
    fields.text("internal_reference", port.internal_reference);
    fields.text("external_reference", port.external_reference);
    TRY(fields.number("connector_type", port.connector_type));
    TRY(fields.number("port_type", port.port_type));
    all.config.ports.push_back(std::move(port));
    return {};
}

// In the order in which they were written: any number of values and files.
Result<void> add_oem_strings(SmbiosOptions& all, OptionString& option,
                             const SmbiosFileReader& read) {
    OptionString rest;
    for (const OptionString::Option& part : option.options()) {
        if (part.key == "value") {
            all.config.oem_strings.push_back(part.value);
        } else if (part.key == "path") {
            const auto content = TRY(read(part.value));
            const auto* text = reinterpret_cast<const char*>(content.data());
            all.config.oem_strings.emplace_back(text, content.size());
        } else {
            rest.set(part.key, part.value);
            continue;
        }
        const std::string& text = all.config.oem_strings.back();
        if (text.empty()) return fail("Parameter '{}' is empty", part.key);
        if (text.contains('\0')) return fail("{}: a text has no zero bytes", part.value);
    }
    option = std::move(rest);
    return {};
}

Result<void> set_memory(SmbiosOptions& all, OptionString& option) {
    SmbiosMemory& memory = all.config.memory;
    Fields fields(option);
    fields.text("loc_pfx", memory.locator_prefix);
    fields.text("bank", memory.bank);
    fields.text("manufacturer", memory.manufacturer);
    fields.text("serial", memory.serial);
    fields.text("asset", memory.asset);
    fields.text("part", memory.part);
    return fields.number("speed", memory.speed);
}

constexpr uint64_t kOemStrings = 11;

using Setter = Result<void> (*)(SmbiosOptions& all, OptionString& option);

Setter setter_of(uint64_t type) {
    switch (type) {
        case 0: return set_bios;
        case 1: return set_system;
        case 2: return set_board;
        case 3: return set_chassis;
        case 4: return set_processor;
        case 8: return add_port;
        case 17: return set_memory;
        default: return nullptr;
    }
}

// A structure as it lies in a table: its area, and its texts up to two zeros, which
// may be missing.
Result<void> add_file(SmbiosOptions& all, const std::string& path, const SmbiosFileReader& read) {
    constexpr size_t kHeader = 4;
    std::vector<std::byte> structure = TRY(read(path));
    if (structure.size() < kHeader) return fail("Cannot read SMBIOS file {}: no header", path);
    const auto type = static_cast<uint8_t>(structure[0]);
    const auto length = static_cast<size_t>(structure[1]);
    if (length < kHeader || length > structure.size()) {
        return fail("Cannot read SMBIOS file {}: {} bytes, the structure's length is {}", path,
                    structure.size(), length);
    }
    if (type == 127) return fail("Cannot read SMBIOS file {}: type 127 ends the table", path);
    if (all.described.contains(type)) {
        return fail("can't load type {} struct, fields already specified!", type);
    }
    const auto zeros_at_end = [&] {
        const auto texts = std::span(structure).subspan(length);
        return std::ranges::count(texts.last(std::min<size_t>(texts.size(), 2)), std::byte{0});
    };
    while (zeros_at_end() < 2)
        structure.push_back({});
    all.config.structures.emplace(type, std::move(structure));
    return {};
}

}  // namespace

SmbiosConfig default_smbios(std::string_view product, std::string_view version) {
    SmbiosConfig config;
    const std::string maker = "QEMU";
    config.system = {
        .manufacturer = maker, .product = std::string(product), .version = std::string(version)};
    config.chassis = {.manufacturer = maker, .version = std::string(version)};
    config.processor = {
        .socket_prefix = "CPU ", .manufacturer = maker, .version = std::string(version)};
    config.memory = {.locator_prefix = "DIMM ", .manufacturer = maker};
    return config;
}

Result<void> add_smbios(SmbiosOptions& all, OptionString option, const SmbiosFileReader& read) {
    if (auto file = option.take("file")) {
        TRY(option.expect_empty());
        return add_file(all, *file, read);
    }
    const auto type = TRY(option.take_number("type"));
    if (!type) return fail("'type' or 'file' is missing");
    const Setter set = setter_of(*type);
    if (set == nullptr && *type != kOemStrings)
        return fail("Don't know how to build fields for SMBIOS type {}", *type);
    const auto number = static_cast<uint8_t>(*type);
    if (all.config.structures.contains(number)) {
        return fail("can't process fields for type {}, a file is there already", number);
    }
    if (set != nullptr) {
        TRY(set(all, option));
    } else {
        TRY(add_oem_strings(all, option, read));
    }
    all.described.insert(number);
    return option.expect_empty();
}

}  // namespace qc::hw
