// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/smbios/smbios_tables.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "util/assert.h"
#include "util/bytes.h"
#include "util/little_endian.h"

namespace qc::hw {

namespace {

constexpr uint64_t kKib = 1024;
constexpr uint64_t kMib = kKib * 1024;
constexpr uint64_t kGib = kMib * 1024;

enum Type : uint8_t {
    kBios = 0,
    kSystem = 1,
    kBoard = 2,
    kChassis = 3,
    kProcessor = 4,
    kPort = 8,
    kOemStrings = 11,
    kMemoryArray = 16,
    kMemoryDevice = 17,
    kMemoryRange = 19,
    kBootStatus = 32,
    kEnd = 127,
};

// The first handle of each type's structures.
constexpr uint16_t first_handle(uint8_t type) {
    return static_cast<uint16_t>(type << 8);
}
constexpr uint16_t kArrayHandle = first_handle(kMemoryArray);
constexpr uint16_t kNoHandle = 0xffff;
constexpr uint16_t kNoErrorInformation = 0xfffe;
constexpr uint64_t kMaxModule = 16 * kGib;

// One structure: a formatted area, then its texts, numbered from 1.
class Structure {
 public:
    Structure(uint8_t type, uint16_t handle) {
        area_.u8(type);
        area_.u8(0);  // the length
        area_.le16(handle);
    }
    void u8(uint8_t value) { area_.u8(value); }
    void le16(uint16_t value) { area_.le16(value); }
    void le32(uint32_t value) { area_.le32(value); }
    void le64(uint64_t value) { area_.le64(value); }
    void bytes(std::span<const uint8_t> data) { area_.bytes(std::as_bytes(data)); }
    void text(std::string_view text) { area_.u8(add_text(text)); }
    // Texts that no field of the area names.
    uint8_t add_text(std::string_view text) {
        if (text.empty()) return 0;
        texts_.append(text);
        texts_.push_back('\0');
        return ++count_;
    }

    std::vector<std::byte> finish() {
        std::vector<std::byte> out = area_.take();
        out[1] = static_cast<std::byte>(out.size());
        if (count_ == 0) texts_.push_back('\0');
        texts_.push_back('\0');
        std::ranges::copy(std::as_bytes(std::span(texts_)), std::back_inserter(out));
        return out;
    }

 private:
    ByteWriter area_;
    std::string texts_;
    uint8_t count_ = 0;
};

class Tables {
 public:
    Tables(const SmbiosConfig& config, const SmbiosMachine& machine)
        : config_(config), machine_(machine) {}

    void make() {
        bios();
        system();
        board();
        chassis();
        processors();
        ports();
        oem_strings();
        memory();
        add(Structure(kBootStatus, first_handle(kBootStatus)), [](Structure& s) {
            for (int i = 0; i < 7; ++i)
                s.u8(0);  // reserved, and: no errors
        });
        for (const auto& [type, structure] : config_.structures)
            append(structure);
        append(Structure(kEnd, first_handle(kEnd)).finish());
    }

    std::vector<std::byte> bytes;
    unsigned count = 0;
    size_t largest = 0;

 private:
    template <typename Fill>
    void add(Structure structure, Fill fill) {
        fill(structure);
        append(structure.finish());
    }
    void append(std::span<const std::byte> structure) {
        std::ranges::copy(structure, std::back_inserter(bytes));
        ++count;
        largest = std::max(largest, structure.size());
    }
    bool from_file(uint8_t type) const { return config_.structures.contains(type); }

    void bios();
    void system();
    void board();
    void chassis();
    void processors();
    void ports();
    void oem_strings();
    void memory();
    void memory_device(unsigned index, uint64_t size);
    void memory_range(unsigned index, uint64_t start, uint64_t size);

    const SmbiosConfig& config_;
    const SmbiosMachine& machine_;
};

void Tables::bios() {
    if (!config_.bios || from_file(kBios)) return;
    const SmbiosBios& bios = *config_.bios;
    constexpr uint64_t kCharacteristicsUnsupported = 1 << 3;
    constexpr uint8_t kTargetedContent = 1 << 2, kUefi = 1 << 3, kVirtualMachine = 1 << 4;
    add(Structure(kBios, first_handle(kBios)), [&](Structure& s) {
        s.text(bios.vendor);
        s.text(bios.version);
        s.le16(0xe800);  // the segment where it begins
        s.text(bios.date);
        s.u8(0);  // 64 KiB
        s.le64(kCharacteristicsUnsupported);
        s.u8(0);
        s.u8(static_cast<uint8_t>(kTargetedContent | kVirtualMachine | (bios.uefi ? kUefi : 0)));
        s.u8(bios.release ? (*bios.release)[0] : 0);
        s.u8(bios.release ? (*bios.release)[1] : 0);
        s.u8(0xff);  // no embedded controller
        s.u8(0xff);
    });
}

void Tables::system() {
    if (from_file(kSystem)) return;
    const SmbiosSystem& system = config_.system;
    const auto& uuid = machine_.uuid;
    constexpr uint8_t kPowerSwitch = 6;
    add(Structure(kSystem, first_handle(kSystem)), [&](Structure& s) {
        s.text(system.manufacturer);
        s.text(system.product);
        s.text(system.version);
        s.text(system.serial);
        // Its first three parts are little-endian numbers here.
        s.bytes(std::array{uuid[3], uuid[2], uuid[1], uuid[0], uuid[5], uuid[4], uuid[7], uuid[6]});
        s.bytes(std::span(uuid).subspan(8));
        s.u8(kPowerSwitch);
        s.text(system.sku);
        s.text(system.family);
    });
}

void Tables::board() {
    if (!config_.board || from_file(kBoard)) return;
    const SmbiosBoard& board = *config_.board;
    constexpr uint8_t kHosting = 1, kMotherboard = 0x0a;
    add(Structure(kBoard, first_handle(kBoard)), [&](Structure& s) {
        s.text(board.manufacturer);
        s.text(board.product);
        s.text(board.version);
        s.text(board.serial);
        s.text(board.asset);
        s.u8(kHosting);
        s.text(board.location);
        s.le16(first_handle(kChassis));
        s.u8(kMotherboard);
        s.u8(0);  // contains nothing
    });
}

void Tables::chassis() {
    if (from_file(kChassis)) return;
    const SmbiosChassis& chassis = config_.chassis;
    constexpr uint8_t kOther = 1, kUnknown = 2, kSafe = 3;
    add(Structure(kChassis, first_handle(kChassis)), [&](Structure& s) {
        s.text(chassis.manufacturer);
        s.u8(kOther);
        s.text(chassis.version);
        s.text(chassis.serial);
        s.text(chassis.asset);
        s.u8(kSafe);     // when it was started
        s.u8(kSafe);     // power supply
        s.u8(kSafe);     // temperature
        s.u8(kUnknown);  // security
        s.le32(0);
        s.u8(0);  // height, power cords: not said
        s.u8(0);
        s.u8(0);  // contains nothing
        s.u8(0);
        s.text(chassis.sku);
    });
}

void Tables::processors() {
    if (from_file(kProcessor)) return;
    const SmbiosProcessor& processor = config_.processor;
    constexpr uint8_t kCentral = 3, kOtherFamily = 1, kPopulatedEnabled = 0x41, kOtherUpgrade = 1;
    constexpr uint16_t kUnknownCharacteristics = 2;
    const unsigned cores = machine_.cores_per_socket;
    const unsigned threads = cores * machine_.threads_per_core;
    // Byte-sized counts end at 255; 255 itself means "more".
    const auto in_byte = [](unsigned value) { return static_cast<uint8_t>(std::min(value, 255u)); };
    for (unsigned socket = 0; socket < machine_.sockets; ++socket) {
        const auto handle = static_cast<uint16_t>(first_handle(kProcessor) + socket);
        add(Structure(kProcessor, handle), [&](Structure& s) {
            s.text(fmt::format("{}{}", processor.socket_prefix, socket));
            s.u8(kCentral);
            s.u8(kOtherFamily);
            s.text(processor.manufacturer);
            s.le64(processor.id.value_or(machine_.processor_id));
            s.text(processor.version);
            s.u8(0);    // voltage: not said
            s.le16(0);  // external clock: not said
            s.le16(processor.max_speed);
            s.le16(processor.current_speed);
            s.u8(kPopulatedEnabled);
            s.u8(kOtherUpgrade);
            for (int cache = 0; cache < 3; ++cache)
                s.le16(kNoHandle);
            s.text(processor.serial);
            s.text(processor.asset);
            s.text(processor.part);
            s.u8(in_byte(cores));
            s.u8(in_byte(cores));
            s.u8(in_byte(threads));
            s.le16(kUnknownCharacteristics);
            s.le16(kOtherFamily);
        });
    }
}

void Tables::ports() {
    if (from_file(kPort)) return;
    for (size_t index = 0; index < config_.ports.size(); ++index) {
        const SmbiosPort& port = config_.ports[index];
        const auto handle = static_cast<uint16_t>(first_handle(kPort) + index);
        add(Structure(kPort, handle), [&](Structure& s) {
            s.text(port.internal_reference);
            s.u8(0);  // no connector inside
            s.text(port.external_reference);
            s.u8(port.connector_type);
            s.u8(port.port_type);
        });
    }
}

void Tables::oem_strings() {
    if (config_.oem_strings.empty() || from_file(kOemStrings)) return;
    add(Structure(kOemStrings, first_handle(kOemStrings)), [&](Structure& s) {
        s.u8(static_cast<uint8_t>(config_.oem_strings.size()));
        for (const std::string& text : config_.oem_strings)
            s.add_text(text);
    });
}

void Tables::memory() {
    const uint64_t total = machine_.ram_below_4g + machine_.ram_above_4g;
    const auto modules = static_cast<unsigned>((total + kMaxModule - 1) / kMaxModule);
    if (!from_file(kMemoryArray)) {
        constexpr uint8_t kOther = 1, kSystemMemory = 3, kMultiBitEcc = 6;
        constexpr uint32_t kInExtended = 0x80000000;
        const bool extended = total / kKib >= kInExtended;
        add(Structure(kMemoryArray, kArrayHandle), [&](Structure& s) {
            s.u8(kOther);
            s.u8(kSystemMemory);
            s.u8(kMultiBitEcc);
            s.le32(extended ? kInExtended : static_cast<uint32_t>(total / kKib));
            s.le16(kNoErrorInformation);
            s.le16(static_cast<uint16_t>(modules));
            s.le64(extended ? total : 0);
        });
    }
    for (unsigned i = 0; i < modules && !from_file(kMemoryDevice); ++i)
        memory_device(i, std::min(kMaxModule, total - i * kMaxModule));
    if (from_file(kMemoryRange)) return;
    memory_range(0, 0, machine_.ram_below_4g);
    if (machine_.ram_above_4g != 0) memory_range(1, 4 * kGib, machine_.ram_above_4g);
}

void Tables::memory_device(unsigned index, uint64_t size) {
    const SmbiosMemory& memory = config_.memory;
    constexpr uint8_t kDimm = 9, kRam = 7;
    constexpr uint16_t kOtherDetail = 2, kUnknown = 0xffff;
    const auto handle = static_cast<uint16_t>(first_handle(kMemoryDevice) + index);
    add(Structure(kMemoryDevice, handle), [&](Structure& s) {
        s.le16(kArrayHandle);
        s.le16(kNoErrorInformation);
        s.le16(kUnknown);                            // total width
        s.le16(kUnknown);                            // data width
        s.le16(static_cast<uint16_t>(size / kMib));  // below 7fffh, as kMaxModule is
        s.u8(kDimm);
        s.u8(0);  // of no set
        s.text(fmt::format("{}{}", memory.locator_prefix, index));
        s.text(memory.bank);
        s.u8(kRam);
        s.le16(kOtherDetail);
        s.le16(memory.speed);
        s.text(memory.manufacturer);
        s.text(memory.serial);
        s.text(memory.asset);
        s.text(memory.part);
        s.u8(0);    // rank: not said
        s.le32(0);  // extended size: not needed
        s.le16(memory.speed);
        for (int voltage = 0; voltage < 3; ++voltage)
            s.le16(0);
    });
}

void Tables::memory_range(unsigned index, uint64_t start, uint64_t size) {
    const auto handle = static_cast<uint16_t>(first_handle(kMemoryRange) + index);
    const uint64_t last = start + size - 1;
    constexpr uint32_t kInExtended = 0xffffffff;
    const bool extended = last / kKib >= kInExtended;
    add(Structure(kMemoryRange, handle), [&](Structure& s) {
        s.le32(extended ? kInExtended : static_cast<uint32_t>(start / kKib));
        s.le32(extended ? kInExtended : static_cast<uint32_t>(last / kKib));
        s.le16(kArrayHandle);
        s.u8(1);  // one module in a row
        s.le64(extended ? start : 0);
        s.le64(extended ? last : 0);
    });
}

// The 32-bit entry point, section 5.2.1. The firmware corrects both checksums when it
// fills in the address.
std::vector<std::byte> make_anchor(const Tables& tables) {
    constexpr size_t kSize = 0x1f, kChecksum = 4, kDmi = 0x10, kDmiChecksum = 5;
    const auto put = [](ByteWriter& out, std::string_view text) {
        out.bytes(std::as_bytes(std::span(text)));
    };
    ByteWriter out;
    put(out, "_SM_");
    out.u8(0);
    out.u8(kSize);
    out.u8(2);  // version 2.8
    out.u8(8);
    out.le16(static_cast<uint16_t>(tables.largest));
    out.u8(0);  // revision of the entry point
    for (int i = 0; i < 5; ++i)
        out.u8(0);
    put(out, "_DMI_");
    out.u8(0);
    out.le16(static_cast<uint16_t>(tables.bytes.size()));
    out.le32(0);  // the address
    out.le16(static_cast<uint16_t>(tables.count));
    out.u8(0x28);  // version 2.8, BCD
    std::vector<std::byte> anchor = out.take();
    QC_ASSERT(anchor.size() == kSize);
    set_checksum(std::span(anchor).subspan(kDmi), kDmiChecksum);
    set_checksum(anchor, kChecksum);
    return anchor;
}

}  // namespace

Result<SmbiosFiles> make_smbios(const SmbiosConfig& config, const SmbiosMachine& machine) {
    if (config.oem_strings.size() > 255) {
        return fail("{} texts of type 11, there is room for 255", config.oem_strings.size());
    }
    Tables tables(config, machine);
    tables.make();
    constexpr size_t kMax = std::numeric_limits<uint16_t>::max();
    if (tables.bytes.size() > kMax) {
        return fail("SMBIOS 2.1 table length {} exceeds {}", tables.bytes.size(), kMax);
    }
    std::vector<std::byte> anchor = make_anchor(tables);
    return SmbiosFiles{.tables = std::move(tables.bytes), .anchor = std::move(anchor)};
}

}  // namespace qc::hw
