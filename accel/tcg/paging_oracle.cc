// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/paging_oracle.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "accel/tcg/paging.h"
#include "accel/tcg/test_machine.h"
#include "target/i386/msr_values.h"

namespace qc::accel::tcg {

namespace {

constexpr uint64_t kTables = 0x100000;
constexpr uint64_t kTablePages = 8;
constexpr unsigned kAccesses = 48;
constexpr uint64_t kAddress = 0x000ffffffffff000;

// An endless stream of the input's bytes, other each time round.
class Stream {
 public:
    explicit Stream(std::span<const uint8_t> input) : input_(input) {}
    uint8_t byte() {
        if (at_ == input_.size()) {
            at_ = 0;
            ++round_;
        }
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        auto noise = static_cast<uint8_t>(round_ == 0 ? 0 : state_ >> 56);
        return static_cast<uint8_t>((input_.empty() ? 0 : input_[at_++]) ^ noise);
    }
    uint64_t word() {
        uint64_t value = 0;
        for (unsigned i = 0; i < 8; ++i)
            value |= uint64_t{byte()} << (8 * i);
        return value;
    }

 private:
    std::span<const uint8_t> input_;
    size_t at_ = 0;
    uint64_t round_ = 0;
    uint64_t state_ = 1;
};

struct Outcome {
    bool ok = false;
    uint64_t physical = 0;
    unsigned vector = 0;
    uint32_t error = 0;
    uint64_t cr2 = 0;
    bool operator==(const Outcome&) const = default;
};

struct Access1 {
    uint64_t linear;
    Access access;
    Privilege privilege;
};

// The walk as the manual tells it, on a copy of the tables.
class Oracle {
 public:
    Oracle(const Cpu& cpu, std::vector<uint8_t>& ram) : cpu_(cpu), ram_(ram) {}

    Outcome walk(const Access1& a) {
        entries_.clear();
        bool canonical = a.linear + 0x800000000000 < 0x1000000000000;
        if (!canonical) return {.vector = 13};
        bool pae = cpu_.cr4 >> 5 & 1;
        bool wide = cpu_.efer >> 10 & 1;
        uint64_t table = cpu_.cr3 & (pae ? kAddress : 0xfffff000);
        std::vector<unsigned> shifts = {39, 30, 21, 12};
        if (!wide) shifts = pae ? std::vector<unsigned>{21, 12} : std::vector<unsigned>{22, 12};
        if (pae && !wide) {
            uint64_t pointer = cpu_.pdpte[a.linear >> 30 & 3];
            if (!(pointer & 1)) return fault(a, 0);
            table = pointer & kAddress;
        }
        unsigned bytes = pae ? 8 : 4;
        uint64_t all = 7;
        bool execute = true;
        for (unsigned shift : shifts) {
            uint64_t index = a.linear >> shift & (pae ? 0x1ff : 0x3ff);
            uint64_t at = table + index * bytes;
            uint64_t entry = read(at, bytes);
            if (!(entry & 1)) return fault(a, 0);
            bool large = is_large(entry, shift, pae, wide);
            if (entry & reserved(entry, shift, pae, wide, large)) return fault(a, 1 | 8);
            all &= entry;
            if (pae && entry >> 63) execute = false;
            bool leaf = large || shift == 12;
            entries_.push_back({at, bytes, leaf});
            if (leaf) {
                if (!allowed(a, all, execute)) return fault(a, 1);
                for (const Entry& used : entries_)
                    ram_[used.at - kTables] |=
                        0x20 | (used.leaf && a.access == Access::kWrite ? 0x40 : 0);
                uint64_t inside = (uint64_t{1} << shift) - 1;
                uint64_t frame = entry & (pae ? kAddress : 0xfffff000) & ~inside;
                if (!pae && large) frame |= (entry >> 13 & 0xff) << 32;
                return {.ok = true, .physical = frame | (a.linear & inside)};
            }
            table = entry & (pae ? kAddress : 0xfffff000);
        }
        return {};
    }

 private:
    struct Entry {
        uint64_t at;
        unsigned bytes;
        bool leaf;
    };

    uint64_t read(uint64_t at, unsigned bytes) const {
        // The rest of memory is empty.
        if (at < kTables || at >= kTables + ram_.size()) return 0;
        uint64_t value = 0;
        for (unsigned i = 0; i < bytes; ++i)
            value |= uint64_t{ram_[at - kTables + i]} << (8 * i);
        return value;
    }
    bool is_large(uint64_t entry, unsigned shift, bool pae, bool wide) const {
        if (!(entry >> 7 & 1)) return false;
        if (shift == 30) return wide && cpu_.env.model.has("pdpe1gb");
        if (shift == 21) return true;
        return shift == 22 && !pae && (cpu_.cr4 >> 4 & 1);
    }
    uint64_t reserved(uint64_t entry, unsigned shift, bool pae, bool wide, bool large) const {
        unsigned width = cpu_.env.model.physical_bits;
        if (!pae) {
            if (!large) return 0;
            uint64_t mask = 1u << 21;
            for (unsigned bit = 13; bit < 21; ++bit) {
                bool address = cpu_.env.model.has("pse36") && bit - 13 + 32 < width;
                if (!address) mask |= 1u << bit;
            }
            return mask;
        }
        uint64_t mask = 0;
        for (unsigned bit = width; bit < 52; ++bit)
            mask |= uint64_t{1} << bit;
        if (!(cpu_.efer >> 11 & 1)) mask |= uint64_t{1} << 63;
        if (!wide) mask |= 0x7ff0000000000000;
        bool size_bit = entry >> 7 & 1;
        if (size_bit && (shift == 39 || (shift == 30 && !large))) mask |= 0x80;
        if (large) mask |= ((uint64_t{1} << shift) - 1) & ~uint64_t{0x1fff};
        return mask;
    }
    bool allowed(const Access1& a, uint64_t all, bool execute) const {
        bool user = a.privilege == Privilege::kUser;
        if (user && !(all & 4)) return false;
        if (a.access == Access::kFetch) return execute;
        if (a.access == Access::kRead) return true;
        return (all & 2) || (!user && !(cpu_.cr0 >> 16 & 1));
    }
    Outcome fault(const Access1& a, uint32_t error) const {
        if (a.access == Access::kWrite) error |= 2;
        if (a.privilege == Privilege::kUser) error |= 4;
        bool pae = cpu_.cr4 >> 5 & 1;
        if (a.access == Access::kFetch && pae && (cpu_.efer >> 11 & 1)) error |= 16;
        return {.vector = 14, .error = error, .cr2 = a.linear};
    }

    const Cpu& cpu_;
    std::vector<uint8_t>& ram_;
    std::vector<Entry> entries_;
};

// Any bits, but an address that leads to another table more often than not, and no
// accident in the bits that are reserved most of the time. `far` is an address bit that
// is beyond the width.
uint64_t random_entry(Stream& stream, unsigned bytes, uint64_t far) {
    uint64_t entry = stream.word();
    uint8_t how = stream.byte();
    uint64_t target = kTables + (entry >> 12) % kTablePages * 4096;
    if (how & 0xc0) entry |= 1;
    if (bytes == 4) {
        if (how & 0x0c) entry = (entry & 0xfff) | target;
        return entry & 0xffffff;
    }
    if (how & 0x0c) entry = (entry & 0xfff) | (entry & (uint64_t{1} << 63)) | target;
    if (how & 0x20) entry &= ~(uint64_t{1} << 63);
    if (how & 0x10) entry &= ~uint64_t{0x80};
    if (how & 0x02) entry |= 6;
    // Nothing may lead out of RAM to tables that the two would read differently.
    if (!(how & 0x0c)) {
        entry &= ~kAddress | 0xfff000;
        if (how & 1) entry |= far;
    }
    return entry;
}

void set_controls(Cpu& cpu, uint8_t mode, uint8_t bits) {
    cpu.cr0 = i386::cr0::kPe | i386::cr0::kPg | (bits & 1 ? i386::cr0::kWp : 0);
    cpu.cr4 = bits & 2 ? i386::cr4::kPse : 0;
    cpu.efer = bits & 4 ? i386::efer::kNxe : 0;
    if (mode > 0) cpu.cr4 |= i386::cr4::kPae;
    if (mode > 1) cpu.efer |= i386::efer::kLme | i386::efer::kLma;
}

std::string_view model_of(uint8_t bits) {
    switch (bits >> 3 & 3) {
        case 0: return "max";
        case 1: return "max,-pse36,-pdpe1gb";
        case 2: return "max,phys-bits=36";
        default: return "max,phys-bits=52,-pdpe1gb";
    }
}

Access1 random_access(Stream& stream, bool wide) {
    uint64_t linear = stream.word();
    // Few tables have few entries: low indexes often.
    uint8_t how = stream.byte();
    if (how & 1) linear &= ~uint64_t{0x1e03fc07f8000};
    if (!wide) {
        linear &= 0xffffffff;
    } else if (how & 0x7e) {
        linear = static_cast<uint64_t>(static_cast<int64_t>(linear << 16) >> 16);
    }
    constexpr std::array kKinds = {Access::kRead, Access::kWrite, Access::kFetch};
    uint8_t kind = stream.byte();
    return {linear, kKinds[kind % 3], kind & 0x80 ? Privilege::kUser : Privilege::kSupervisor};
}

// Levels that a walk passed before it faulted may have been marked as accessed, or not.
bool same_tables(std::span<const uint8_t> expected, std::span<const uint8_t> found, bool faulted) {
    for (size_t i = 0; i < expected.size(); ++i) {
        uint8_t difference = expected[i] ^ found[i];
        if (difference != 0 && !(faulted && difference == 0x20 && (found[i] & 0x20))) return false;
    }
    return true;
}

std::string describe(const Outcome& o) {
    return fmt::format("ok {} physical {:x} vector {} error {:x} cr2 {:x}", o.ok, o.physical,
                       o.vector, o.error, o.cr2);
}

}  // namespace

std::string compare_page_walks(std::span<const uint8_t> input) {
    if (input.size() < 4) return {};
    const uint8_t mode = input[0] % 3;  // 32-bit, PAE, long
    const uint8_t bits = input[1];
    Stream stream(input.subspan(2));
    TestMachine machine(model_of(bits));
    Mutex split_access;
    Cpu cpu(Environment{.lock = machine.lock,
                        .memory = machine.memory,
                        .io = machine.io,
                        .machine = machine.machine,
                        .clock = machine.clock,
                        .model = machine.model,
                        .split_access = split_access});
    cpu.view = machine.memory.view();
    set_controls(cpu, mode, bits);
    const unsigned bytes = mode == 0 ? 4 : 8;
    const uint64_t far = machine.model.physical_bits < 46 ? uint64_t{1} << 45 : 0;
    auto* host = reinterpret_cast<uint8_t*>(machine.ram->host()) + kTables;
    const std::span tables(host, kTablePages * 4096);
    for (size_t at = 0; at < tables.size(); at += bytes) {
        uint64_t entry = random_entry(stream, bytes, far);
        // Directory pointers have few bits that may be set.
        if (mode == 1 && at < 32) entry &= 0xfffe19;
        std::memcpy(host + at, &entry, bytes);
    }
    cpu.cr3 = kTables;
    if (mode == 1 && !load_pdptes(cpu, cpu.cr3)) return "the directory pointers were refused";
    std::vector<uint8_t> expected_tables(tables.begin(), tables.end());
    for (unsigned i = 0; i < kAccesses; ++i) {
        const Access1 access = random_access(stream, mode == 2);
        cpu.cr2 = 0;
        cpu.exception = {};
        Outcome found;
        found.ok = translate(cpu, access.linear, access.access, access.privilege, found.physical);
        if (!found.ok) {
            found.physical = 0;
            found.vector = cpu.exception.vector;
            found.error = cpu.exception.error;
            found.cr2 = cpu.cr2;
        }
        const Outcome expected = Oracle(cpu, expected_tables).walk(access);
        const bool same = same_tables(expected_tables, tables, !expected.ok);
        if (!(found == expected) || !same) {
            return fmt::format(
                "mode {} bits {:x}: {:x} access {} user {}: expected {}, found {}, tables {}", mode,
                bits, access.linear, static_cast<int>(access.access),
                access.privilege == Privilege::kUser, describe(expected), describe(found),
                same ? "same" : "differ");
        }
        std::ranges::copy(tables, expected_tables.begin());
    }
    return {};
}

}  // namespace qc::accel::tcg
