// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/shadow_ram.h"

#include "hw/i386/trace.h"

namespace qc::hw {

namespace {
constexpr uint32_t kSmramStart = 0xa0000;
constexpr uint32_t kSmramSize = 0x20000;
}  // namespace

ShadowRam::ShadowRam(memory::MemoryRegion& memory_root, memory::MemoryRegion& ram)
    : memory_root_(memory_root),
      smram_(memory::MemoryRegion::alias("smram", ram, kSmramStart, kSmramSize)) {
    const std::array<uint8_t, kPamRegisterCount> reset_values{};
    segments_.reserve(kPamSegmentCount);  // parents keep pointers to the regions
    for (const PamSegment& part : decode_pam(reset_values)) {
        Segment& segment = segments_.emplace_back(
            Segment{memory::MemoryRegion::alias("pam", ram, part.start, part.size)});
        segment.ram.set_enabled(false);
        memory_root_.add_child(part.start, segment.ram, 1);
    }
    smram_.set_enabled(false);
    memory_root_.add_child(kSmramStart, smram_, 1);
}

ShadowRam::~ShadowRam() {
    for (Segment& segment : segments_)
        memory_root_.remove_child(segment.ram);
    memory_root_.remove_child(smram_);
}

bool ShadowRam::apply(std::span<const uint8_t, kPamRegisterCount> pam, uint8_t smram_control) {
    bool changed = apply_smram(smram_control);
    auto parts = decode_pam(pam);
    for (unsigned i = 0; i < kPamSegmentCount; ++i) {
        Segment& segment = segments_[i];
        if (segment.target == parts[i].target) continue;
        segment.target = parts[i].target;
        trace::shadow_ram(parts[i].start, static_cast<unsigned>(segment.target));
        segment.ram.set_enabled(segment.target != PamTarget::kPci);
        segment.ram.set_read_only(segment.target == PamTarget::kRamReadOnly);
        changed = true;
    }
    return changed;
}

bool ShadowRam::apply_smram(uint8_t smram_control) {
    bool open = smram_open(smram_control);
    if (smram_.enabled() == open) return false;
    smram_.set_enabled(open);
    trace::shadow_smram(open);
    return true;
}

std::array<uint8_t, kPamRegisterCount> pam_registers(const PciConfig& config, uint8_t first) {
    std::array<uint8_t, kPamRegisterCount> pam{};
    for (unsigned i = 0; i < pam.size(); ++i)
        pam[i] = config.byte(static_cast<uint8_t>(first + i));
    return pam;
}

}  // namespace qc::hw
