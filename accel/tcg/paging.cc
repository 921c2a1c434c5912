// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/paging.h"

#include <atomic>

#include "target/i386/msr_values.h"

namespace qc::accel::tcg {

namespace {

namespace cr0 = i386::cr0;
namespace cr4 = i386::cr4;
namespace efer = i386::efer;
namespace page_fault = i386::page_fault;

enum EntryBit : uint64_t {
    kPresent = 1u << 0,
    kWritable = 1u << 1,
    kUser = 1u << 2,
    kAccessed = 1u << 5,
    kDirty = 1u << 6,
    kLarge = 1u << 7,
    kGlobal = 1u << 8,
    kNoExecute = uint64_t{1} << 63,
};
constexpr uint64_t kAddressBits = 0x000ffffffffff000u;

// One walk in progress.
struct Walk {
    Cpu& cpu;
    uint64_t linear;
    Access access;
    Privilege privilege;
    // What all levels so far allow.
    bool writable = true;
    bool user = true;
    bool executable = true;

    bool fault(uint32_t bits) const {
        bool tells_fetch = (cpu.cr4 & cr4::kPae) != 0 && (cpu.efer & efer::kNxe) != 0;
        if (access == Access::kWrite) bits |= page_fault::kWrite;
        if (privilege == Privilege::kUser) bits |= page_fault::kUser;
        if (access == Access::kFetch && tells_fetch) bits |= page_fault::kFetch;
        cpu.cr2 = linear;
        return raise(cpu, i386::kPageFault, bits);
    }
    void add_rights(uint64_t entry) {
        writable &= (entry & kWritable) != 0;
        user &= (entry & kUser) != 0;
        executable &= (entry & kNoExecute) == 0;
    }
    bool allowed() const {
        if (privilege == Privilege::kUser && !user) return false;
        if (access == Access::kFetch) return executable;
        if (access == Access::kRead || writable) return true;
        return privilege == Privilege::kSupervisor && (cpu.cr0 & cr0::kWp) == 0;
    }
};

template <typename T>
T load_entry(Cpu& cpu, uint64_t address) {
    return static_cast<T>(load_physical(cpu, address & cpu.a20_mask, sizeof(T)));
}

// Sets bits in a table entry unless it has changed since it was read as `seen`;
// false then.
template <typename T>
bool set_entry_bits(Cpu& cpu, uint64_t address, T seen, T bits) {
    if ((seen & bits) == bits) return true;
    address &= cpu.a20_mask;
    const memory::FlatRange* range = cpu.view->find(memory::PhysAddr(address));
    // Tables in ROM or in a device keep their bits; entries do not cross pages.
    if (range == nullptr || range->block == nullptr || range->read_only ||
        address + sizeof(T) - 1 > range->last) {
        return true;
    }
    uint64_t offset = range->offset + (address - range->start);
    auto* entry = reinterpret_cast<T*>(range->block->host() + offset);
    range->block->before_write(offset, sizeof(T));
    bool done = __atomic_compare_exchange_n(entry, &seen, static_cast<T>(seen | bits), false,
                                            __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
    if (done) range->block->note_write(offset, sizeof(T));
    return done;
}

enum class Step : uint8_t { kDone, kFault, kAgain };

// Checks the rights gathered and sets the accessed and dirty bits of a leaf.
template <typename T>
Step finish(Walk& walk, uint64_t entry_address, T entry) {
    if (!walk.allowed()) {
        walk.fault(page_fault::kPresent);
        return Step::kFault;
    }
    T bits = kAccessed;
    if (walk.access == Access::kWrite) bits |= kDirty;
    walk.cpu.page_global = (entry & kGlobal) != 0 && (walk.cpu.cr4 & cr4::kPge) != 0;
    return set_entry_bits<T>(walk.cpu, entry_address, entry, bits) ? Step::kDone : Step::kAgain;
}

// Of a four-byte entry for 4 MiB: bits 20 to 13 are physical address bits 39 to 32, as
// far as there are any.
uint32_t reserved_large_bits(const Cpu& cpu) {
    constexpr uint32_t kHighAddress = 0x1fe000;
    constexpr uint32_t kAlways = 1u << 21;
    if (!cpu.env.model.has(i386::FeatureWord::k1Edx, 17)) return kAlways | kHighAddress;
    uint64_t beyond = reserved_address_bits(cpu) >> 32;
    return kAlways | (static_cast<uint32_t>(beyond << 13) & kHighAddress);
}

Step walk_32(Walk& walk, uint64_t& physical) {
    Cpu& cpu = walk.cpu;
    uint64_t pde_address = (cpu.cr3 & 0xfffff000u) + ((walk.linear >> 22) & 0x3ff) * 4;
    auto pde = load_entry<uint32_t>(cpu, pde_address);
    if ((pde & kPresent) == 0) {
        walk.fault(0);
        return Step::kFault;
    }
    walk.add_rights(pde);
    if ((pde & kLarge) != 0 && (cpu.cr4 & cr4::kPse) != 0) {
        if ((pde & reserved_large_bits(cpu)) != 0) {
            walk.fault(page_fault::kPresent | page_fault::kReserved);
            return Step::kFault;
        }
        physical =
            (pde & 0xffc00000u) | (uint64_t{(pde >> 13) & 0xff} << 32) | (walk.linear & 0x3fffff);
        return finish<uint32_t>(walk, pde_address, pde);
    }
    uint64_t pte_address = (pde & 0xfffff000u) + ((walk.linear >> 12) & 0x3ff) * 4;
    auto pte = load_entry<uint32_t>(cpu, pte_address);
    if ((pte & kPresent) == 0) {
        walk.fault(0);
        return Step::kFault;
    }
    walk.add_rights(pte);
    if (!set_entry_bits<uint32_t>(cpu, pde_address, pde, kAccessed)) return Step::kAgain;
    physical = (pte & 0xfffff000u) | (walk.linear & 0xfff);
    return finish<uint32_t>(walk, pte_address, pte);
}

// The bits that must be zero in an eight-byte entry at `level` (1: the leaf table).
uint64_t reserved_bits(const Cpu& cpu, uint64_t entry, unsigned level) {
    uint64_t reserved = reserved_address_bits(cpu);
    if ((cpu.efer & efer::kNxe) == 0) reserved |= kNoExecute;
    if (!cpu.long_mode()) reserved |= 0x7ff0000000000000u;
    if (level == 4) reserved |= kLarge;
    if (level == 3 && cpu.long_mode() && (entry & kLarge) != 0) {
        reserved |= cpu.env.model.has(i386::FeatureWord::k80000001Edx, 26) ? uint64_t{0x3fffe000}
                                                                           : uint64_t{kLarge};
    }
    if (level == 2 && (entry & kLarge) != 0) reserved |= 0x1fe000;
    return reserved;
}

Step walk_64(Walk& walk, uint64_t& physical) {
    Cpu& cpu = walk.cpu;
    unsigned level = 4;
    uint64_t table = cpu.cr3 & kAddressBits;
    if (!cpu.long_mode()) {
        level = 2;
        uint64_t pdpte = cpu.pdpte[(walk.linear >> 30) & 3];
        if ((pdpte & kPresent) == 0) {
            walk.fault(0);
            return Step::kFault;
        }
        table = pdpte & kAddressBits;
    }
    for (;; --level) {
        unsigned shift = 12 + 9 * (level - 1);
        uint64_t address = table + ((walk.linear >> shift) & 0x1ff) * 8;
        auto entry = load_entry<uint64_t>(cpu, address);
        if ((entry & kPresent) == 0) {
            walk.fault(0);
            return Step::kFault;
        }
        if ((entry & reserved_bits(cpu, entry, level)) != 0) {
            walk.fault(page_fault::kPresent | page_fault::kReserved);
            return Step::kFault;
        }
        walk.add_rights(entry);
        if (level == 1 || (entry & kLarge) != 0) {
            uint64_t inside = (uint64_t{1} << shift) - 1;
            physical = (entry & kAddressBits & ~inside) | (walk.linear & inside);
            return finish<uint64_t>(walk, address, entry);
        }
        if (!set_entry_bits<uint64_t>(cpu, address, entry, kAccessed)) return Step::kAgain;
        table = entry & kAddressBits;
    }
}

}  // namespace

uint64_t reserved_address_bits(const Cpu& cpu) {
    return kAddressBits & ~((uint64_t{1} << cpu.env.model.physical_bits) - 1);
}

bool translate(Cpu& cpu, uint64_t linear, Access access, Privilege privilege, uint64_t& physical) {
    if ((cpu.cr0 & cr0::kPg) == 0) {
        physical = linear & cpu.a20_mask;
        cpu.page_global = false;
        return true;
    }
    // What goes through a segment was looked at before; tables, stacks of handlers and
    // code that ran over the edge were not.
    if (!i386::is_canonical(linear)) return raise(cpu, i386::kGeneralProtection, 0);
    for (;;) {
        Walk walk{.cpu = cpu, .linear = linear, .access = access, .privilege = privilege};
        Step step = (cpu.cr4 & cr4::kPae) != 0 ? walk_64(walk, physical) : walk_32(walk, physical);
        if (step == Step::kAgain) continue;
        physical &= cpu.a20_mask;
        return step == Step::kDone;
    }
}

void reload_pdptes(Cpu& cpu) {
    bool pae = (cpu.cr0 & cr0::kPg) != 0 && (cpu.cr4 & cr4::kPae) != 0 && !cpu.long_mode();
    for (size_t i = 0; i < cpu.pdpte.size(); ++i) {
        uint64_t address = (cpu.cr3 & 0xffffffe0u) + i * 8;
        const memory::FlatRange* range = cpu.view->find(memory::PhysAddr(address));
        cpu.pdpte[i] = 0;
        if (!pae || range == nullptr || range->block == nullptr || address + 7 > range->last) {
            continue;
        }
        std::memcpy(&cpu.pdpte[i], range->block->host() + range->offset + (address - range->start),
                    8);
    }
}

bool load_pdptes(Cpu& cpu, uint64_t cr3) {
    constexpr uint64_t kReserved = 0xfff00000000001e6u;
    std::array<uint64_t, 4> entries{};
    for (size_t i = 0; i < entries.size(); ++i) {
        entries[i] = load_entry<uint64_t>(cpu, (cr3 & 0xffffffe0u) + i * 8);
        if ((entries[i] & kPresent) != 0 &&
            (entries[i] & (kReserved | reserved_address_bits(cpu))) != 0) {
            return raise(cpu, i386::kGeneralProtection, 0);
        }
    }
    cpu.pdpte = entries;
    return true;
}

}  // namespace qc::accel::tcg
