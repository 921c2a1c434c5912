// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/direct/flat_start.h"

#include <algorithm>

#include "util/assert.h"
#include "util/little_endian.h"

namespace qc::hw {

namespace {

constexpr size_t kMapEntry = 24;
constexpr size_t kTransfer = 16;

// The plan, by the places that hw/i386/flat_boot.h has.
class Plan {
 public:
    explicit Plan(const std::vector<std::byte>& bytes) : bytes_(bytes) {}

    uint64_t number(size_t at, unsigned size) const { return get_le(bytes_, at, size); }
    uint16_t u16(size_t at) const { return static_cast<uint16_t>(number(at, 2)); }
    uint32_t u32(size_t at) const { return static_cast<uint32_t>(number(at, 4)); }
    void put(size_t at, unsigned size, uint64_t value) { put_le(bytes_, at, size, value); }
    // Fields of a transfer are big-endian.
    uint64_t big(size_t at, unsigned size) const {
        uint64_t value = 0;
        for (unsigned i = 0; i < size; ++i)
            value = value << 8 | std::to_integer<uint64_t>(bytes_.at(at + i));
        return value;
    }
    std::vector<std::byte> take() { return std::move(bytes_); }

 private:
    std::vector<std::byte> bytes_;
};

void fill_in(Plan& plan, const BootFacts& facts) {
    QC_ASSERT(facts.map.size() <= FlatBoot::kMostMapEntries);
    const uint32_t between = plan.u32(flat_plan::kBetween);
    size_t at = FlatBoot::kMapAddress - FlatBoot::kPlanAddress;
    for (const BootRange& range : facts.map) {
        plan.put(at, 8, range.start);
        plan.put(at + 8, 8, range.size);
        plan.put(at + 16, 4, range.type);
        plan.put(at + 20, 4, between);
        at += kMapEntry;
    }
    plan.put(plan.u16(flat_plan::kMapEntriesAt), 4, facts.map.size());
    plan.put(plan.u16(flat_plan::kMapBytesAt), 4, facts.map.size() * kMapEntry);
    plan.put(plan.u16(flat_plan::kLowerKibAt), 4, kConventionalKib);
    plan.put(plan.u16(flat_plan::kUpperKibAt), 4, upper_kib(facts.map));
    plan.put(plan.u16(flat_plan::kRsdpAt), 4, facts.rsdp);
}

// As fw_cfg's DMA takes them.
std::vector<BootPiece> transfers(const Plan& plan, const std::vector<std::byte>& data) {
    constexpr uint32_t kSelect = 1u << 3;
    std::vector<BootPiece> pieces;
    size_t read = 0;
    for (size_t at = plan.u16(flat_plan::kTransfers); at < plan.u16(flat_plan::kTransfersEnd);
         at += kTransfer) {
        const auto control = static_cast<uint32_t>(plan.big(at, 4));
        const auto length = static_cast<uint32_t>(plan.big(at + 4, 4));
        BootPiece piece{.address = plan.big(at + 8, 8), .bytes = {}};
        if ((control & kSelect) != 0 && control >> 16 != fw_cfg::kKernelData) {
            piece.zeros = length;
        } else {
            QC_ASSERT(length <= data.size() - read);
            const auto first = data.begin() + static_cast<ptrdiff_t>(read);
            piece.bytes.assign(first, first + static_cast<ptrdiff_t>(length));
            read += length;
        }
        pieces.push_back(std::move(piece));
    }
    return pieces;
}

}  // namespace

LoadedKernel start_flat(const FlatBoot::Items& items, const BootFacts& facts) {
    Plan plan(items.plan);
    fill_in(plan, facts);
    LoadedKernel loaded{.pieces = transfers(plan, items.data),
                        .entry = {.address = plan.u32(flat_plan::kEntry),
                                  .eax = plan.u32(flat_plan::kEax),
                                  .ebx = plan.u32(flat_plan::kEbx),
                                  .gdt_address = plan.u32(flat_plan::kGdtPointer + 2),
                                  .gdt_limit = plan.u16(flat_plan::kGdtPointer),
                                  .code_selector = flat_plan::kCode,
                                  .data_selector = flat_plan::kData,
                                  .task_selector = flat_plan::kTask}};
    loaded.pieces.push_back({FlatBoot::kPlanAddress, plan.take()});
    return loaded;
}

}  // namespace qc::hw
