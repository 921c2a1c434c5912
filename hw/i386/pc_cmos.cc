// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/pc_cmos.h"
#include "hw/i386/pc_addresses.h"
#include "util/little_endian.h"

#include <algorithm>

namespace qc::hw {

namespace {

constexpr uint64_t kKiB = 1024;

constexpr unsigned kDiskTypes = 0x12;
constexpr unsigned kEquipment = 0x14;
constexpr unsigned kBaseMemory = 0x15;      // KiB
constexpr unsigned kExtendedMemory = 0x17;  // KiB above 1 MiB
constexpr unsigned kFirstDiskType = 0x19;
constexpr unsigned kFirstDiskGeometry = 0x1b;
constexpr unsigned kExtendedMemoryAgain = 0x30;
constexpr unsigned kMemoryAbove16m = 0x34;  // 64 KiB
constexpr unsigned kDiskTranslation = 0x39;
constexpr unsigned kMemoryAbove4g = 0x5b;  // 64 KiB, three bytes
constexpr unsigned kExtraCpus = 0x5f;

constexpr uint8_t kEquipmentFpuAndMouse = 0x06;
constexpr uint8_t kUserDefinedType = 47;

void put_memory(CmosBytes& cmos, const PcCmosConfig& config) {
    const uint64_t below = config.ram_below_4g;
    put_le(cmos, kBaseMemory, 2, std::min<uint64_t>(below / kKiB, 640));
    const uint64_t extended = std::min<uint64_t>((below - kMiB) / kKiB, 65535);
    put_le(cmos, kExtendedMemory, 2, extended);
    put_le(cmos, kExtendedMemoryAgain, 2, extended);
    const uint64_t above_16m = below > 16 * kMiB ? (below - 16 * kMiB) / (64 * kKiB) : 0;
    put_le(cmos, kMemoryAbove16m, 2, std::min<uint64_t>(above_16m, 65535));
    put_le(cmos, kMemoryAbove4g, 3, config.ram_above_4g / (64 * kKiB));
}

// The first two disks have a type and a geometry here, the first four a translation.
void put_disks(CmosBytes& cmos, const IdeDisks& disks) {
    for (unsigned index = 0; index < 2; ++index) {
        const IdeDisk* disk = disks.at(0, index);
        if (disk == nullptr || disk->cdrom) continue;
        const AtaDriveConfig& geometry = disk->config;
        cmos[kDiskTypes] |= static_cast<uint8_t>(index == 0 ? 0xf0 : 0x0f);
        cmos[kFirstDiskType + index] = kUserDefinedType;
        const unsigned base = kFirstDiskGeometry + 9 * index;
        put_le(cmos, base, 2, geometry.cylinders);
        cmos[base + 2] = geometry.heads;
        put_le(cmos, base + 3, 2, 0xffff);  // no write precompensation
        cmos[base + 5] = static_cast<uint8_t>(0xc0 | (geometry.heads > 8 ? 0x08 : 0));
        put_le(cmos, base + 6, 2, geometry.cylinders);  // landing zone
        cmos[base + 8] = geometry.sectors_per_track;
    }
    constexpr uint8_t kTranslationLba = 1;
    for (const IdeDisk& disk : disks.disks()) {
        if (disk.cdrom) continue;
        const AtaDriveConfig& geometry = disk.config;
        const bool small = geometry.cylinders <= 1024 && geometry.sectors_per_track <= 63;
        const unsigned shift = 2 * (2 * disk.channel + disk.unit);
        if (small || shift >= 8) continue;
        cmos[kDiskTranslation] |= static_cast<uint8_t>(kTranslationLba << shift);
    }
}

}  // namespace

Result<BootOrderBytes> boot_order_bytes(std::string_view order) {
    std::array<uint8_t, 3> devices{};
    if (order.size() > devices.size()) {
        return fail("boot order '{}' has more than {} devices", order, devices.size());
    }
    for (size_t i = 0; i < order.size(); ++i) {
        constexpr std::string_view kKnown = " acdn";
        constexpr uint8_t kCodes[] = {0, 1, 2, 3, 4};
        const size_t known = kKnown.find(order[i]);
        if (known == std::string_view::npos || known == 0) {
            return fail("Invalid boot device '{}'", order[i]);
        }
        devices[i] = kCodes[known];
    }
    // Bit 0 of the third's byte: boot sectors of floppies need no signature.
    return BootOrderBytes{.third = static_cast<uint8_t>(devices[2] << 4),
                          .first = static_cast<uint8_t>(devices[1] << 4 | devices[0])};
}

Result<CmosBytes> make_cmos(const PcCmosConfig& config) {
    CmosBytes cmos{};
    cmos[kEquipment] = kEquipmentFpuAndMouse;
    cmos[kExtraCpus] = static_cast<uint8_t>(config.cpus - 1);
    put_memory(cmos, config);
    put_disks(cmos, *config.disks);
    const BootOrderBytes order = TRY(boot_order_bytes(config.boot_order));
    cmos[kCmosBootThird] = order.third;
    cmos[kCmosBootFirst] = order.first;
    return cmos;
}

}  // namespace qc::hw
