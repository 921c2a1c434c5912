// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/pci/msix.h"

#include <algorithm>
#include <bit>

namespace qc::hw {

namespace {

constexpr uint16_t kEnable = 0x8000;
constexpr uint16_t kFunctionMask = 0x4000;
constexpr unsigned kEntrySize = 16;
constexpr uint32_t kMinBarSize = 4096;

// The pending bits begin in the middle of a page, unless the table needs more.
uint32_t pending_offset(unsigned vectors) {
    return std::max(kMinBarSize / 2, vectors * kEntrySize);
}

}  // namespace

uint32_t Msix::bar_size(unsigned vectors) {
    const uint32_t pending_bytes = (vectors + 63) / 64 * 8;
    return std::bit_ceil(std::max(kMinBarSize, pending_offset(vectors) + pending_bytes));
}

std::array<PciRegister, 3> Msix::registers(const Config& how) {
    const uint32_t head = (how.vectors - 1) << 16 | uint32_t{how.next} << 8 | 0x11;
    const uint32_t control = uint32_t{kEnable | kFunctionMask} << 16;
    const auto at = [&](unsigned offset) { return static_cast<uint8_t>(how.capability + offset); };
    return {{{at(0), 4, "MSIXID,MC", head, control},
             {at(4), 4, "TABLE", how.bar},
             {at(8), 4, "PBA", pending_offset(how.vectors) | how.bar}}};
}

Msix::Msix(const Config& how, const PciConfig& config, MsiPort& port)
    : how_(how),
      config_(config),
      port_(port),
      entries_(how.vectors),
      region_(memory::MemoryRegion::io("msix", bar_size(how.vectors), *this)) {}

bool Msix::enabled() const {
    return (config_.word(static_cast<uint8_t>(how_.capability + 2)) & kEnable) != 0;
}

bool Msix::may_send() const {
    const uint16_t control = config_.word(static_cast<uint8_t>(how_.capability + 2));
    return (control & (kEnable | kFunctionMask)) == kEnable && config_.command(pci::kCommandMaster);
}

void Msix::send(MsixEntry& entry) {
    entry.pending = false;
    // The guest may have addressed the message to this very table.
    sending_ = true;
    port_.send_msi({.address = entry.address, .data = static_cast<uint16_t>(entry.data)});
    sending_ = false;
}

void Msix::raise(unsigned vector) {
    if (vector >= entries_.size() || !enabled()) return;
    MsixEntry& entry = entries_[vector];
    if (sending_ || entry.masked || !may_send()) {
        entry.pending = true;
    } else {
        send(entry);
    }
}

void Msix::clear(unsigned vector) {
    if (vector < entries_.size()) entries_[vector].pending = false;
}

void Msix::send_pending() {
    if (sending_ || !may_send()) return;
    for (MsixEntry& entry : entries_) {
        if (entry.pending && !entry.masked) send(entry);
    }
}

void Msix::reset() {
    std::ranges::fill(entries_, MsixEntry{});
}

Result<void> Msix::validate(const std::vector<MsixEntry>& state) const {
    if (state.size() == entries_.size()) return {};
    return fail("{} MSI-X vectors, this device has {}", state.size(), entries_.size());
}

uint64_t Msix::io_read(uint64_t offset, unsigned) {
    const uint64_t index = offset / kEntrySize;
    if (index < entries_.size()) {
        const MsixEntry& entry = entries_[index];
        switch (offset % kEntrySize / 4) {
            case 0: return static_cast<uint32_t>(entry.address);
            case 1: return entry.address >> 32;
            case 2: return entry.data;
            default: return entry.masked ? 1 : 0;
        }
    }
    const uint64_t base = pending_offset(vectors());
    uint32_t bits = 0;
    for (unsigned bit = 0; offset >= base && bit < 32; ++bit) {
        const uint64_t vector = (offset - base) * 8 + bit;
        if (vector < entries_.size() && entries_[vector].pending) bits |= 1u << bit;
    }
    return bits;
}

void Msix::io_write(uint64_t offset, unsigned size, uint64_t value) {
    const uint64_t index = offset / kEntrySize;
    // Entries are written in doublewords; anything else is undefined, here nothing.
    if (sending_ || index >= entries_.size() || offset % 4 != 0 || size != 4) return;
    MsixEntry& entry = entries_[index];
    switch (offset % kEntrySize / 4) {
        case 0: entry.address = (entry.address >> 32 << 32) | (value & 0xfffffffc); break;
        case 1: entry.address = (value << 32) | static_cast<uint32_t>(entry.address); break;
        case 2: entry.data = static_cast<uint32_t>(value); break;
        default: entry.masked = (value & 1) != 0; break;
    }
    if (entry.pending) send_pending();
}

}  // namespace qc::hw
