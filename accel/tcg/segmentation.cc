// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/segmentation.h"

#include <algorithm>

namespace qc::accel::tcg {

namespace {

using i386::Descriptor;

constexpr uint32_t kV86Attributes = 0xf3;  // present, DPL 3, writable data, accessed

}  // namespace

bool segment_holds(const Segment& segment, uint64_t offset, unsigned size, bool typed) {
    uint64_t last = offset + size - 1;
    if (typed && (segment.attributes & 0xc) == 4) {
        return offset > segment.limit && last <= (segment.big() ? 0xffffffffu : 0xffffu);
    }
    return last <= segment.limit || segment.limit == 0xffffffff;
}

bool descriptor_address(const Cpu& cpu, uint16_t selector, uint64_t& linear) {
    bool local = (selector & 4) != 0;
    if (local && (cpu.ldtr.attributes & i386::Segment::kUnusable) != 0) return false;
    uint64_t base = local ? cpu.ldtr.base : cpu.gdtr.base;
    uint32_t limit = local ? cpu.ldtr.limit : cpu.gdtr.limit;
    if ((selector | 7u) > limit) return false;
    linear = base + (selector & 0xfff8u);
    return true;
}

bool read_descriptor(Cpu& cpu, uint16_t selector, uint8_t vector, uint32_t error_bits,
                     Descriptor& descriptor) {
    uint64_t linear = 0;
    if (!descriptor_address(cpu, selector, linear)) {
        return raise(cpu, vector, selector_error(selector) | error_bits);
    }
    return load_system(cpu, linear, descriptor.raw);
}

bool mark_accessed(Cpu& cpu, uint16_t selector, Descriptor& descriptor) {
    if (descriptor.accessed()) return true;
    uint64_t linear = 0;
    if (!descriptor_address(cpu, selector, linear)) return true;
    descriptor.raw |= uint64_t{1} << 40;
    return store_system(cpu, linear + 5, static_cast<uint8_t>(descriptor.raw >> 40));
}

bool mark_tss_busy(Cpu& cpu, uint16_t selector, bool busy) {
    uint64_t linear = 0;
    uint8_t rights = 0;
    if (!descriptor_address(cpu, selector, linear)) return true;
    if (!load_system(cpu, linear + 5, rights)) return false;
    rights = static_cast<uint8_t>(busy ? rights | 2 : rights & ~2);
    return store_system(cpu, linear + 5, rights);
}

Segment make_segment(const Cpu& cpu, uint16_t selector, const Descriptor& source) {
    Segment segment{.base = source.base(),
                    .limit = source.limit(),
                    .attributes = source.attributes(),
                    .selector = selector};
    update_segment_ends(cpu, segment);
    return segment;
}

void set_segment(Cpu& cpu, unsigned segment, uint16_t selector, const Descriptor& source) {
    cpu.seg[segment] = make_segment(cpu, selector, source);
    if (segment == i386::kSs) update_mode(cpu);
}

void set_null_segment(Cpu& cpu, unsigned segment, uint16_t selector) {
    Segment& s = cpu.seg[segment];
    s.selector = selector;
    s.attributes |= i386::Segment::kUnusable;
    update_segment_ends(cpu, s);
}

Segment v86_segment(uint16_t selector) {
    return {.base = uint64_t{selector} << 4,
            .read_end = 0x10000,
            .write_end = 0x10000,
            .limit = 0xffff,
            .attributes = kV86Attributes,
            .selector = selector};
}

void set_paragraph_segment(Cpu& cpu, unsigned segment, uint16_t selector) {
    Segment& s = cpu.seg[segment];
    if (cpu.v86()) {
        s = v86_segment(selector);
    } else {
        s.selector = selector;
        s.base = uint64_t{selector} << 4;
        s.attributes &= ~i386::Segment::kUnusable;
    }
    update_segment_ends(cpu, s);
}

i386::Segment system_segment(uint16_t selector, const Descriptor& source) {
    i386::Segment segment;
    segment.selector = selector;
    segment.base = source.base();
    segment.limit = source.limit();
    segment.attributes = source.attributes();
    return segment;
}

bool load_segment(Cpu& cpu, unsigned segment, uint16_t selector) {
    if (cpu.paragraph_mode()) {
        set_paragraph_segment(cpu, segment, selector);
        if (segment == i386::kSs) update_mode(cpu);
        return true;
    }
    Descriptor descriptor;
    if (segment == i386::kSs) {
        if (is_null(selector)) return raise(cpu, i386::kGeneralProtection, 0);
        if (rpl_of(selector) != cpu.cpl) {
            return raise(cpu, i386::kGeneralProtection, selector_error(selector));
        }
        if (!read_stack_descriptor(cpu, selector, cpu.cpl, i386::kGeneralProtection, 0,
                                   descriptor)) {
            return false;
        }
        if (!mark_accessed(cpu, selector, descriptor)) return false;
        set_segment(cpu, segment, selector, descriptor);
        return true;
    }
    if (is_null(selector)) {
        set_null_segment(cpu, segment, selector);
        return true;
    }
    if (!read_descriptor(cpu, selector, i386::kGeneralProtection, 0, descriptor)) return false;
    bool conforming = descriptor.is_code() && descriptor.conforming();
    unsigned level = std::max<unsigned>(cpu.cpl, rpl_of(selector));
    if (!descriptor.non_system() || !descriptor.readable() ||
        (!conforming && level > descriptor.dpl())) {
        return raise(cpu, i386::kGeneralProtection, selector_error(selector));
    }
    if (!descriptor.present()) {
        return raise(cpu, i386::kSegmentNotPresent, selector_error(selector));
    }
    if (!mark_accessed(cpu, selector, descriptor)) return false;
    set_segment(cpu, segment, selector, descriptor);
    return true;
}

bool read_stack_descriptor(Cpu& cpu, uint16_t selector, unsigned cpl, uint8_t vector,
                           uint32_t error_bits, Descriptor& descriptor) {
    uint32_t error = selector_error(selector) | error_bits;
    if (is_null(selector) || rpl_of(selector) != cpl) return raise(cpu, vector, error);
    if (!read_descriptor(cpu, selector, vector, error_bits, descriptor)) return false;
    if (!descriptor.is_data() || !descriptor.writable() || descriptor.dpl() != cpl) {
        return raise(cpu, vector, error);
    }
    if (!descriptor.present()) return raise(cpu, i386::kStackFault, error);
    return true;
}

void set_code_segment(Cpu& cpu, uint16_t selector, const Descriptor& source, unsigned cpl) {
    cpu.cpl = static_cast<uint8_t>(cpl);
    cpu.seg[i386::kCs] =
        make_segment(cpu, static_cast<uint16_t>((selector & 0xfffc) | cpl), source);
    update_mode(cpu);
}

bool check_code_offset(Cpu& cpu, const Descriptor& code, uint32_t offset) {
    if (offset > code.limit()) return raise(cpu, i386::kGeneralProtection, 0);
    return true;
}

void drop_inner_segments(Cpu& cpu) {
    for (unsigned i : {i386::kEs, i386::kDs, i386::kFs, i386::kGs}) {
        const Segment& s = cpu.seg[i];
        bool conforming_code = (s.attributes & 0xc) == 0xc;
        if (s.unusable() || (!conforming_code && s.dpl() < cpu.cpl)) set_null_segment(cpu, i, 0);
    }
}

bool Stack::push(unsigned size, uint32_t value) {
    uint64_t pointer = (pointer_ - size) & mask_;
    if (!segment_holds(ss_, pointer, size, typed_)) {
        return raise(cpu_, i386::kStackFault, error_);
    }
    uint64_t linear = (ss_.base + pointer) & cpu_.linear_mask;
    if (!store_linear(cpu_, linear, &value, size, privilege_)) return false;
    pointer_ = (pointer_ & ~mask_) | pointer;
    return true;
}

bool Stack::peek(unsigned size, uint32_t distance, uint32_t& value) {
    uint64_t pointer = (pointer_ + distance) & mask_;
    if (!segment_holds(ss_, pointer, size, typed_)) {
        return raise(cpu_, i386::kStackFault, error_);
    }
    uint64_t linear = (ss_.base + pointer) & cpu_.linear_mask;
    value = 0;
    return load_linear(cpu_, linear, &value, size, privilege_);
}

bool Stack::pop(unsigned size, uint32_t& value) {
    if (!peek(size, 0, value)) return false;
    skip(size);
    return true;
}

void Stack::commit() const {
    if (mask_ == 0xffff) {
        set_gpr<uint16_t>(cpu_, i386::kRsp, static_cast<uint16_t>(pointer_));
    } else {
        set_gpr<uint32_t>(cpu_, i386::kRsp, static_cast<uint32_t>(pointer_));
    }
}

}  // namespace qc::accel::tcg
