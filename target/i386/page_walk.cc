// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/i386/page_walk.h"

#include <array>
#include <span>

#include "target/i386/registers.h"

namespace qc::i386 {

namespace {

constexpr uint64_t kCr4La57 = 1u << 12;
constexpr uint64_t kRights = pte::kWritable | pte::kUser;

struct Level {
    unsigned shift;  // of the bits of a linear address that choose an entry
    unsigned bits;
    bool pages;  // an entry may be a page, by kLarge
};

// From the root to the smallest pages.
struct Layout {
    std::span<const Level> levels;
    unsigned entry_size;
    uint64_t root;
};

constexpr std::array<Level, 2> kTwoLevels = {{{22, 10, true}, {12, 10, false}}};
constexpr std::array<Level, 2> kTwoLevelsSmall = {{{22, 10, false}, {12, 10, false}}};
constexpr std::array<Level, 3> kPae = {{{30, 2, false}, {21, 9, true}, {12, 9, false}}};
constexpr std::array<Level, 5> kFiveLevels = {
    {{48, 9, false}, {39, 9, false}, {30, 9, true}, {21, 9, true}, {12, 9, false}}};

constexpr uint64_t kLongAddress = 0x000f'ffff'ffff'f000;

Layout layout_of(const CpuState& cpu) {
    if ((cpu.efer & efer::kLma) != 0) {
        const bool five = (cpu.cr4 & kCr4La57) != 0;
        return {std::span(kFiveLevels).subspan(five ? 0 : 1), 8, cpu.cr3 & kLongAddress};
    }
    if ((cpu.cr4 & cr4::kPae) != 0) return {kPae, 8, cpu.cr3 & 0xffff'ffe0};
    const bool large = (cpu.cr4 & cr4::kPse) != 0;
    return {large ? std::span<const Level>(kTwoLevels) : kTwoLevelsSmall, 4, cpu.cr3 & 0xffff'f000};
}

// Where a page begins that `entry` says is there.
uint64_t page_address(const Layout& layout, const Level& level, uint64_t entry) {
    const uint64_t inside = (uint64_t{1} << level.shift) - 1;
    if (layout.entry_size == 8) return entry & kLongAddress & ~inside;
    const uint64_t low = entry & 0xffff'f000 & ~inside;
    // A 4 MiB page has the address's bits 32 to 39 in 13 to 20.
    return level.shift == 22 ? low | (entry >> 13 & 0xff) << 32 : low;
}

uint64_t table_address(const Layout& layout, uint64_t entry) {
    return layout.entry_size == 8 ? entry & kLongAddress : entry & 0xffff'f000;
}

bool is_page(const Level& level, uint64_t entry) {
    return level.shift == 12 || (level.pages && (entry & pte::kLarge) != 0);
}

// The four entries of PAE's root have no rights of their own.
uint64_t rights_of(const Layout& layout, size_t level, uint64_t entry) {
    const bool root_of_pae = layout.levels.size() == kPae.size() && level == 0;
    return root_of_pae ? kRights : entry & kRights;
}

class Visitor {
 public:
    Visitor(const Layout& layout, const ReadEntry& read, uint64_t limit,
            const std::function<bool(const PageMapping&)>& visit)
        : layout_(layout), read_(read), left_(limit), visit_(visit) {}

    bool table(size_t depth, uint64_t address, uint64_t base, uint64_t rights) {
        const Level& level = layout_.levels[depth];
        for (uint64_t index = 0; index < uint64_t{1} << level.bits; ++index) {
            if (left_-- == 0) return false;
            const uint64_t entry = read_(address + index * layout_.entry_size, layout_.entry_size);
            if ((entry & pte::kPresent) == 0) continue;
            const uint64_t linear = base | index << level.shift;
            const uint64_t both = rights & rights_of(layout_, depth, entry);
            const bool more = is_page(level, entry)
                                  ? page(level, linear, entry, both)
                                  : table(depth + 1, table_address(layout_, entry), linear, both);
            if (!more) return false;
        }
        return true;
    }

 private:
    bool page(const Level& level, uint64_t linear, uint64_t entry, uint64_t rights) {
        // The upper half of a long address repeats its highest bit.
        const Level& root = layout_.levels.front();
        const unsigned width = root.shift + root.bits;
        if (width > 32 && (linear >> (width - 1) & 1) != 0) linear |= ~uint64_t{0} << width;
        return visit_({.linear = linear,
                       .physical = page_address(layout_, level, entry),
                       .size = uint64_t{1} << level.shift,
                       .entry = (entry & ~kRights) | rights});
    }

    const Layout& layout_;
    const ReadEntry& read_;
    uint64_t left_;
    const std::function<bool(const PageMapping&)>& visit_;
};

}  // namespace

bool paging_enabled(const CpuState& cpu) {
    return (cpu.cr0 & cr0::kPg) != 0;
}

std::optional<uint64_t> translate(const CpuState& cpu, uint64_t linear, const ReadEntry& read) {
    if (!paging_enabled(cpu)) return linear & 0xffff'ffff;
    const Layout layout = layout_of(cpu);
    uint64_t table = layout.root;
    for (const Level& level : layout.levels) {
        const uint64_t index = linear >> level.shift & ((uint64_t{1} << level.bits) - 1);
        const uint64_t entry = read(table + index * layout.entry_size, layout.entry_size);
        if ((entry & pte::kPresent) == 0) return std::nullopt;
        const uint64_t inside = (uint64_t{1} << level.shift) - 1;
        if (is_page(level, entry)) return page_address(layout, level, entry) | (linear & inside);
        table = table_address(layout, entry);
    }
    return std::nullopt;
}

bool for_each_page(const CpuState& cpu, const ReadEntry& read, uint64_t limit,
                   const std::function<bool(const PageMapping&)>& visit) {
    const Layout layout = layout_of(cpu);
    return Visitor(layout, read, limit, visit).table(0, layout.root, 0, kRights);
}

}  // namespace qc::i386
