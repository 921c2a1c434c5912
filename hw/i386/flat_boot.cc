// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/flat_boot.h"

#include <algorithm>
#include <array>
#include <limits>

#include "hw/i386/boot_files.h"
#include "hw/i386/pc_addresses.h"
#include "pc-bios/flatboot.hex"
#include "util/assert.h"
#include "util/bytes.h"
#include "util/checked.h"

namespace qc::hw {

namespace {

// Below are the interrupt vectors and the BIOS's data; its extended data end conventional memory.
constexpr uint64_t kLowStart = 0x1000;
constexpr uint64_t kLowEnd = 0x9f000;
// The plan, and the ROM's stack.
constexpr uint64_t kPlanAreaEnd = 0x10000;

// Places in the plan.
constexpr size_t kGdtAt = 0x28;
constexpr uint16_t kUnwantedAt = 0x50;
constexpr size_t kRecordAt = FlatBoot::kRecordAddress - FlatBoot::kPlanAddress;
constexpr size_t kMapFillerAt = FlatBoot::kMapAddress - FlatBoot::kPlanAddress - 4;
constexpr size_t kTransfersAt = 0x1000;
constexpr size_t kPlanMost = 0x7000;

// None, code, data, and the task that PVH wants in TR: base 0, limit 67h.
constexpr std::array<uint64_t, 4> kGdt = {0, 0x00cf9a000000ffff, 0x00cf92000000ffff,
                                          0x0000890000000067};

constexpr uint32_t kDmaRead = 1u << 1;
constexpr uint32_t kDmaSelect = 1u << 3;
// What is read from an item without bytes is zeros, so much at once.
constexpr uint16_t kNoItem = 0x1fff;
constexpr uint64_t kMostZeros = 1 << 20;

void pad(ByteWriter& out, size_t size) {
    QC_ASSERT(out.size() <= size);
    out.bytes(std::vector<std::byte>(size - out.size()));
}

void put_transfer(ByteWriter& out, uint32_t control, uint32_t length, uint64_t address) {
    out.be32(control);
    out.be32(length);
    out.be64(address);
}

}  // namespace

Result<void> FlatBoot::load(uint64_t address, std::span<const std::byte> bytes,
                            uint64_t memory_size) {
    QC_ASSERT(bytes.size() <= memory_size);
    if (memory_size == 0) return {};
    const auto end = checked_add(address, memory_size);
    const bool low = address >= kLowStart && end && *end <= kLowEnd;
    const bool high = address >= kMiB && end && *end + kFirmwareReserve <= ram_below_4g_;
    if (!low && !high) {
        return fail("{:#x} bytes at {:#x} do not fit into memory", memory_size, address);
    }
    if (address < kPlanAreaEnd && *end > kPlanAddress) {
        return fail("{:#x} bytes at {:#x} would overwrite the boot loader", memory_size, address);
    }
    for (const Range& range : taken_) {
        if (address < range.start + range.size && range.start < *end) {
            return fail("{:#x} bytes at {:#x} overlap what is there already", memory_size, address);
        }
    }
    taken_.push_back({address, memory_size});
    pieces_.push_back({static_cast<uint32_t>(address), static_cast<uint32_t>(bytes.size()),
                       memory_size - bytes.size()});
    data_.insert(data_.end(), bytes.begin(), bytes.end());
    return {};
}

uint64_t FlatBoot::end() const {
    uint64_t end = kMiB;
    for (const Range& range : taken_)
        end = std::max(end, range.start + range.size);
    return (end + kPage - 1) / kPage * kPage;
}

Result<uint64_t> FlatBoot::place_high(size_t size) const {
    const uint64_t last = ram_below_4g_ - std::min(ram_below_4g_, kFirmwareReserve);
    if (last < size || (last - size) / kPage * kPage < end()) {
        return fail("{} bytes do not fit into memory behind the kernel", size);
    }
    return (last - size) / kPage * kPage;
}

std::vector<std::byte> FlatBoot::transfers() const {
    ByteWriter out;
    uint32_t control = uint32_t{fw_cfg::kKernelData} << 16 | kDmaSelect | kDmaRead;
    for (const Piece& piece : pieces_) {
        if (piece.bytes == 0) continue;
        put_transfer(out, control, piece.bytes, piece.address);
        control = kDmaRead;  // goes on behind the bytes before
    }
    for (const Piece& piece : pieces_) {
        const uint64_t first = uint64_t{piece.address} + piece.bytes;
        for (uint64_t done = 0; done < piece.zeros; done += kMostZeros) {
            put_transfer(out, uint32_t{kNoItem} << 16 | kDmaSelect | kDmaRead,
                         static_cast<uint32_t>(std::min(piece.zeros - done, kMostZeros)),
                         first + done);
        }
    }
    return out.take();
}

Result<FlatBoot::Items> FlatBoot::finish(const Entry& entry) && {
    if (data_.size() > std::numeric_limits<uint32_t>::max()) {
        return fail("kernel and modules have {} bytes", data_.size());
    }
    const std::vector<std::byte> pieces = transfers();
    if (kTransfersAt + pieces.size() > kPlanMost) {
        return fail("there are too many pieces to load");
    }
    auto place = [](uint16_t at) {
        return at == 0 ? kUnwantedAt : static_cast<uint16_t>(kRecordAt + at);
    };
    ByteWriter plan;
    plan.le32(entry.address);
    plan.le32(entry.eax);
    plan.le32(kRecordAddress);
    plan.le32(entry.between_map_entries);
    QC_ASSERT(plan.size() == flat_plan::kTransfers);
    plan.le16(kTransfersAt);
    plan.le16(static_cast<uint16_t>(kTransfersAt + pieces.size()));
    plan.le16(place(entry.places.map_entries));
    plan.le16(place(entry.places.map_bytes));
    plan.le16(place(entry.places.lower_kib));
    plan.le16(place(entry.places.upper_kib));
    plan.le16(place(entry.places.rsdp));
    pad(plan, flat_plan::kGdtPointer);
    plan.le16(kGdt.size() * sizeof(uint64_t) - 1);
    plan.le32(kPlanAddress + kGdtAt);
    pad(plan, kGdtAt);
    for (uint64_t descriptor : kGdt)
        plan.le64(descriptor);
    pad(plan, kRecordAt);
    plan.bytes(entry.record);
    pad(plan, kMapFillerAt);
    plan.le32(entry.between_map_entries);
    pad(plan, kTransfersAt);
    plan.bytes(pieces);
    return Items{plan.take(), std::move(data_)};
}

void add_flat_boot(FwCfg& fw_cfg, FlatBoot::Items items) {
    fw_cfg.add(fw_cfg::kSetupData, std::move(items.plan));
    fw_cfg.add(fw_cfg::kKernelData, std::move(items.data));
    const auto rom = std::as_bytes(std::span(flatboot_rom));
    fw_cfg.add_file("genroms/flatboot.bin", {rom.begin(), rom.end()});
}

}  // namespace qc::hw
