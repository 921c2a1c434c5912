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

bool descriptor_address(const Cpu& cpu, uint16_t selector, uint64_t& linear, unsigned bytes) {
    bool local = (selector & 4) != 0;
    if (local && (cpu.ldtr.attributes & i386::Segment::kUnusable) != 0) return false;
    uint64_t base = local ? cpu.ldtr.base : cpu.gdtr.base;
    uint32_t limit = local ? cpu.ldtr.limit : cpu.gdtr.limit;
    if ((selector & 0xfff8u) + bytes - 1 > limit) return false;
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

bool read_system_descriptor(Cpu& cpu, uint16_t selector, uint8_t vector, uint32_t error_bits,
                            i386::WideDescriptor& descriptor) {
    uint64_t linear = 0;
    uint32_t error = selector_error(selector) | error_bits;
    if (!cpu.long_mode()) {
        return read_descriptor(cpu, selector, vector, error_bits, descriptor.lower);
    }
    if (!descriptor_address(cpu, selector, linear, 16)) return raise(cpu, vector, error);
    if (!load_system(cpu, linear, descriptor.lower.raw) ||
        !load_system(cpu, linear + 8, descriptor.upper)) {
        return false;
    }
    return descriptor.well_formed() || raise(cpu, vector, error);
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

Segment make_segment(uint16_t selector, const Descriptor& source) {
    return {.base = source.base(),
            .loaded_base = source.base(),
            .limit = source.limit(),
            .attributes = source.attributes(),
            .selector = selector};
}

void set_segment(Cpu& cpu, unsigned segment, uint16_t selector, const Descriptor& source) {
    cpu.seg[segment] = make_segment(selector, source);
    if (segment == i386::kSs) {
        update_mode_by(cpu, segment);
    } else {
        update_segment(cpu, segment);
    }
}

// The base stays, as processors with our vendor's name have it.
void set_null_segment(Cpu& cpu, unsigned segment, uint16_t selector) {
    Segment& s = cpu.seg[segment];
    s.selector = selector;
    s.attributes |= i386::Segment::kUnusable;
    update_segment(cpu, segment);
}

void set_null_stack(Cpu& cpu, uint16_t selector, unsigned cpl) {
    // The privilege level is SS' DPL, with a descriptor or without.
    cpu.seg[i386::kSs] = {
        .attributes = i386::Segment::kUnusable | (cpl << i386::Segment::kDplShift),
        .selector = selector};
    update_mode(cpu);
}

Segment v86_segment(uint16_t selector) {
    return {.base = uint64_t{selector} << 4,
            .loaded_base = uint64_t{selector} << 4,
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
        s.loaded_base = uint64_t{selector} << 4;
        s.attributes &= ~i386::Segment::kUnusable;
    }
    update_segment(cpu, segment);
}

i386::Segment system_segment(uint16_t selector, const i386::WideDescriptor& source) {
    i386::Segment segment;
    segment.selector = selector;
    segment.base = source.base();
    segment.limit = source.lower.limit();
    segment.attributes = source.lower.attributes();
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
        if (is_null(selector) && cpu.code64() && cpu.cpl != 3 && rpl_of(selector) == cpu.cpl) {
            set_null_stack(cpu, selector, cpu.cpl);
            return true;
        }
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
    cpu.seg[i386::kCs] = make_segment(static_cast<uint16_t>((selector & 0xfffc) | cpl), source);
    update_mode_by(cpu, i386::kCs);
}

bool check_code_size(Cpu& cpu, uint16_t selector, const Descriptor& code) {
    if (!cpu.long_mode() || !code.long_code() || !code.big()) return true;
    return raise(cpu, i386::kGeneralProtection, selector_error(selector));
}

bool check_code_offset(Cpu& cpu, const Descriptor& code, uint64_t offset) {
    if (cpu.long_mode() && code.long_code()) return check_canonical(cpu, offset);
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

bool pop_outer_stack(Cpu& cpu, Stack& stack, unsigned size, unsigned level, bool null_allowed,
                     OuterStack& outer) {
    uint64_t ss = 0;
    if (!stack.pop(size, outer.rsp) || !stack.pop(size, ss)) return false;
    outer.ss = static_cast<uint16_t>(ss);
    if (is_null(outer.ss)) {
        bool fits = null_allowed && rpl_of(outer.ss) == level;
        return fits || raise(cpu, i386::kGeneralProtection, 0);
    }
    return read_stack_descriptor(cpu, outer.ss, level, i386::kGeneralProtection, 0,
                                 outer.descriptor) &&
           mark_accessed(cpu, outer.ss, outer.descriptor);
}

void set_outer_stack(Cpu& cpu, const OuterStack& outer, unsigned level) {
    if (is_null(outer.ss)) {
        set_null_stack(cpu, outer.ss, level);
    } else {
        set_segment(cpu, i386::kSs, outer.ss, outer.descriptor);
    }
    // As much of the pointer as the new stack uses.
    if (cpu.code64()) {
        cpu.gpr[i386::kRsp] = outer.rsp;
    } else if (cpu.seg[i386::kSs].big()) {
        set_gpr<uint32_t>(cpu, i386::kRsp, static_cast<uint32_t>(outer.rsp));
    } else {
        set_gpr<uint16_t>(cpu, i386::kRsp, static_cast<uint16_t>(outer.rsp));
    }
}

bool Stack::reach(uint64_t pointer, unsigned size, uint64_t& linear) {
    bool wide = mask_ == ~uint64_t{0};
    linear = wide ? pointer : (ss_.base + pointer) & cpu_.linear_mask;
    bool within = wide ? i386::is_canonical(linear) && i386::is_canonical(linear + size - 1)
                       : segment_holds(ss_, pointer, size, typed_);
    return within || raise(cpu_, i386::kStackFault, error_);
}

bool Stack::push(unsigned size, uint64_t value) {
    uint64_t pointer = (pointer_ - size) & mask_;
    uint64_t linear = 0;
    if (!reach(pointer, size, linear)) return false;
    if (!store_linear(cpu_, linear, &value, size, privilege_)) return false;
    pointer_ = (pointer_ & ~mask_) | pointer;
    return true;
}

bool Stack::peek(unsigned size, uint32_t distance, uint64_t& value) {
    uint64_t pointer = (pointer_ + distance) & mask_;
    uint64_t linear = 0;
    if (!reach(pointer, size, linear)) return false;
    value = 0;
    return load_linear(cpu_, linear, &value, size, privilege_);
}

bool Stack::pop(unsigned size, uint64_t& value) {
    if (!peek(size, 0, value)) return false;
    skip(size);
    return true;
}

void Stack::commit() const {
    if (mask_ == 0xffff) {
        set_gpr<uint16_t>(cpu_, i386::kRsp, static_cast<uint16_t>(pointer_));
    } else if (mask_ == 0xffffffff) {
        set_gpr<uint32_t>(cpu_, i386::kRsp, static_cast<uint32_t>(pointer_));
    } else {
        cpu_.gpr[i386::kRsp] = pointer_;
    }
}

}  // namespace qc::accel::tcg
