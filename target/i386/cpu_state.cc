// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/i386/cpu_state.h"

#include "target/i386/cpu_model.h"
#include "target/i386/msr_values.h"
#include "util/little_endian.h"

namespace qc::i386 {

namespace {

constexpr uint64_t kCr0Pe = 1u << 0;
constexpr uint64_t kCr0Et = 1u << 4;
constexpr uint64_t kCr0Nw = 1u << 29;
constexpr uint64_t kCr0Cd = 1u << 30;
constexpr uint64_t kCr0Pg = 1u << 31;
// PE MP EM TS ET NE, WP, AM, NW CD PG.
constexpr uint64_t kCr0Defined = 0xe005003f;
constexpr uint64_t kCr4Pae = 1u << 5;
constexpr uint64_t kCr4La57 = 1u << 12;
constexpr uint64_t kCr4Pcide = 1u << 17;
// VME to UMIP, LA57, FSGSBASE, PCIDE, OSXSAVE, SMEP, SMAP, PKE, CET, PKS.
constexpr uint64_t kCr4Defined = 0x1f71fff;
constexpr uint64_t kEferLme = 1u << 8;
constexpr uint64_t kEferLma = 1u << 10;
// SCE, LME, LMA, NXE, SVME, LMSLE, FFXSR, TCE, AIBRSE.
constexpr uint64_t kEferDefined = 0x20fd01;
constexpr uint64_t kRflagsFixed = 1u << 1;
constexpr uint64_t kRflagsVm = 1u << 17;
constexpr uint64_t kRflagsReserved = ~uint64_t{0x3f7fd7};
constexpr uint64_t kCr3AddressBits = uint64_t{1} << 52;
constexpr uint64_t kApicBaseBootstrap = 1u << 8;
constexpr uint64_t kApicBaseEnable = 1u << 11;

constexpr size_t kFxsaveFcw = 0;
constexpr size_t kFxsaveTags = 4;
constexpr size_t kFxsaveMxcsr = 24;
constexpr size_t kFxsaveMxcsrMask = 28;
constexpr uint32_t kMxcsrDefined = 0xffff;

// Descriptor types: read/write data, execute/read code, LDT, busy 32-bit TSS.
constexpr uint32_t kData = Segment::kPresent | Segment::kNonSystem | 3;
constexpr uint32_t kCode = Segment::kPresent | Segment::kNonSystem | 0xb;
constexpr uint32_t kLdt = Segment::kPresent | 2;
constexpr uint32_t kBusyTss = Segment::kPresent | 0xb;

void reset_fpu(CpuState& state) {
    state.fxsave.fill(0);
    state.fxsave[kFxsaveFcw] = 0x40;
    state.fxsave[kFxsaveTags] = 0xff;  // every register holds a valid +0.0
    put_le(state.fxsave, kFxsaveMxcsr, 4, 0x1f80);
    put_le(state.fxsave, kFxsaveMxcsrMask, 4, kMxcsrDefined);
    state.xsave_extension.clear();
}

// What RESET and INIT have in common.
void reset_registers(CpuState& state, const CpuModel& model) {
    state.gpr.fill(0);
    state.gpr[kRdx] = model.signature();
    state.rip = 0xfff0;
    state.rflags = kRflagsFixed;
    state.segments.fill(Segment{0, 0, 0xffff, kData});
    state.segments[kCs] = Segment{0xf000, 0xffff0000, 0xffff, kCode};
    state.ldtr = Segment{0, 0, 0xffff, kLdt};
    state.tr = Segment{0, 0, 0xffff, kBusyTss};
    state.gdtr = state.idtr = TableRegister{0, 0xffff};
    state.cr2 = state.cr3 = state.cr4 = state.cr8 = 0;
    state.efer = 0;
    state.dr.fill(0);
    state.dr6 = 0xffff0ff0;
    state.dr7 = 0x400;
    state.events = EventState{};
}

Result<void> validate_control_registers(const CpuState& s) {
    if (s.cr0 & ~kCr0Defined) return fail("CR0 has reserved bits: {:#x}", s.cr0);
    if ((s.cr0 & kCr0Pg) && !(s.cr0 & kCr0Pe)) return fail("CR0 {:#x} has PG without PE", s.cr0);
    if ((s.cr0 & kCr0Nw) && !(s.cr0 & kCr0Cd)) return fail("CR0 {:#x} has NW without CD", s.cr0);
    if (s.cr4 & ~kCr4Defined) return fail("CR4 has reserved bits: {:#x}", s.cr4);
    if (s.efer & ~kEferDefined) return fail("EFER has reserved bits: {:#x}", s.efer);
    bool long_mode = (s.efer & kEferLme) && (s.cr0 & kCr0Pg);
    if (long_mode != bool(s.efer & kEferLma)) {
        return fail("EFER {:#x} does not agree with CR0 {:#x} about long mode", s.efer, s.cr0);
    }
    if (long_mode && !(s.cr4 & kCr4Pae)) return fail("long mode without CR4.PAE");
    if ((s.cr4 & kCr4Pcide) && !long_mode) return fail("CR4.PCIDE outside of long mode");
    if (s.cr3 >= kCr3AddressBits) return fail("CR3 has reserved bits: {:#x}", s.cr3);
    if (s.cr8 > 15) return fail("CR8 is {:#x}", s.cr8);
    if (s.xcr0 != 0 && !(s.xcr0 & 1)) return fail("XCR0 {:#x} lacks x87", s.xcr0);
    if ((s.xcr0 & 4) && !(s.xcr0 & 2)) return fail("XCR0 {:#x} has AVX without SSE", s.xcr0);
    if (s.dr6 >> 32) return fail("DR6 has reserved bits: {:#x}", s.dr6);
    if (s.dr7 >> 32) return fail("DR7 has reserved bits: {:#x}", s.dr7);
    return {};
}

Result<void> validate_segments(const CpuState& s) {
    static constexpr std::string_view kNames[] = {"ES", "CS", "SS", "DS", "FS", "GS"};
    bool long_mode = s.efer & kEferLma;
    unsigned bits = (s.cr4 & kCr4La57) ? 57 : 48;
    for (size_t i = 0; i < kSegmentCount; ++i) {
        const Segment& segment = s.segments[i];
        if (segment.attributes & ~Segment::kAttributesMask) {
            return fail("{} has reserved attributes: {:#x}", kNames[i], segment.attributes);
        }
        // Long mode's bases stay when it is left.
        bool wide = i == kFs || i == kGs;
        if (wide ? !is_canonical(segment.base, bits) : segment.base >> 32 != 0) {
            return fail("{} has base {:#x}", kNames[i], segment.base);
        }
    }
    for (const Segment* segment : {&s.ldtr, &s.tr}) {
        if (segment->attributes & ~Segment::kAttributesMask) {
            return fail("LDTR or TR has reserved attributes: {:#x}", segment->attributes);
        }
        if (!is_canonical(segment->base, bits)) {
            return fail("LDTR or TR has base {:#x}", segment->base);
        }
    }
    for (const TableRegister* table : {&s.gdtr, &s.idtr})
        if (!is_canonical(table->base, bits))
            return fail("GDTR or IDTR has base {:#x}", table->base);
    uint32_t cs = s.segments[kCs].attributes;
    if (long_mode && (cs & Segment::kLong) && (cs & Segment::kDefaultBig)) {
        return fail("CS is both a 64-bit and a 32-bit segment");
    }
    bool code64 = long_mode && (cs & Segment::kLong);
    // One bit more: execution may run over the canonical edge before it faults.
    if (code64 ? !is_canonical(s.rip, bits + 1) : s.rip >> 32 != 0) {
        return fail("RIP is {:#x}", s.rip);
    }
    return {};
}

Result<void> validate_msrs(const CpuState& s) {
    const MsrState& msr = s.msr;
    unsigned bits = (s.cr4 & kCr4La57) ? 57 : 48;
    for (uint64_t address :
         {msr.sysenter_esp, msr.sysenter_eip, msr.lstar, msr.cstar, msr.kernel_gs_base}) {
        if (!is_canonical(address, bits)) return fail("an MSR holds the address {:#x}", address);
    }
    if (!is_pat(msr.pat)) return fail("PAT is {:#x}", msr.pat);
    for (uint64_t value : msr.mtrr_fixed)
        if (!is_fixed_mtrr(value)) return fail("a fixed MTRR is {:#x}", value);
    for (const VariableMtrr& range : msr.mtrr_variable) {
        if (!is_variable_mtrr_base(range.base) || !is_variable_mtrr_mask(range.mask)) {
            return fail("a variable MTRR is {:#x}, {:#x}", range.base, range.mask);
        }
    }
    if (!is_mtrr_def_type(msr.mtrr_def_type)) {
        return fail("MTRR_DEF_TYPE is {:#x}", msr.mtrr_def_type);
    }
    // Bits 8 (BSP), 10 (x2APIC), 11 (enable) and the address.
    if ((msr.apic_base & 0x2ff) || msr.apic_base >> 52 || (msr.apic_base & 0xc00) == 0x400) {
        return fail("APIC_BASE is {:#x}", msr.apic_base);
    }
    if (msr.smbase >> 32) return fail("SMBASE is {:#x}", msr.smbase);
    for (size_t i = 1; i < msr.extra.size(); ++i) {
        if (msr.extra[i].index <= msr.extra[i - 1].index) {
            return fail("MSR {:#x} is out of order", msr.extra[i].index);
        }
    }
    return {};
}

Result<void> validate_events(const CpuState& s) {
    const EventState& e = s.events;
    if (e.exception_vector > 31) return fail("exception vector {}", e.exception_vector);
    if ((e.exception_pending || e.exception_injected) && e.exception_vector == 2) {
        return fail("an NMI is no exception");
    }
    if (e.exception_pending && e.exception_injected) {
        return fail("an exception cannot be both pending and injected");
    }
    if (int{e.exception_injected} + int{e.interrupt_injected} + int{e.nmi_injected} > 1) {
        return fail("more than one event is being delivered");
    }
    if (e.smm_inside_nmi && !e.in_smm) return fail("inside NMI of an SMM that is not entered");
    if (s.mp_state > MpState::kShutdown) {
        return fail("processor activity state {}", static_cast<unsigned>(s.mp_state));
    }
    return {};
}

std::string segment_line(std::string_view name, const Segment& segment) {
    return fmt::format("{:<4}={:04x} {:016x} {:08x} {:05x}\n", name, segment.selector, segment.base,
                       segment.limit, segment.attributes);
}

}  // namespace

CpuState reset_state(const CpuModel& model, bool bootstrap) {
    CpuState state;
    reset_registers(state, model);
    reset_fpu(state);
    state.cr0 = kCr0Cd | kCr0Nw | kCr0Et;
    state.xcr0 = 1;
    state.msr.apic_base =
        0xfee00000 | kApicBaseEnable | (bootstrap ? kApicBaseBootstrap : uint64_t{0});
    state.msr.misc_enable = 1;  // fast strings
    state.msr.pat = 0x0007040600070406;
    state.msr.mcg_ctl = ~uint64_t{0};
    state.msr.smbase = 0x30000;
    state.mp_state = bootstrap ? MpState::kRunning : MpState::kWaitForSipi;
    return state;
}

void apply_init(CpuState& state, const CpuModel& model) {
    bool smi_pending = state.events.smi_pending;
    uint64_t cr0 = kCr0Et | (state.cr0 & (kCr0Cd | kCr0Nw));
    reset_registers(state, model);
    state.cr0 = cr0;
    state.events.smi_pending = smi_pending;
    bool bootstrap = state.msr.apic_base & kApicBaseBootstrap;
    state.mp_state = bootstrap ? MpState::kRunning : MpState::kWaitForSipi;
}

void apply_startup(CpuState& state, uint8_t vector) {
    state.segments[kCs].selector = static_cast<uint16_t>(vector << 8);
    state.segments[kCs].base = uint64_t{vector} << 12;
    state.rip = 0;
    state.mp_state = MpState::kRunning;
}

Result<void> validate(const CpuState& state) {
    if (!(state.rflags & kRflagsFixed) || (state.rflags & kRflagsReserved)) {
        return fail("RFLAGS is {:#x}", state.rflags);
    }
    if ((state.rflags & kRflagsVm) && (!(state.cr0 & kCr0Pe) || (state.efer & kEferLma))) {
        return fail("virtual-8086 mode outside of protected mode");
    }
    TRY(validate_control_registers(state));
    TRY(validate_segments(state));
    TRY(validate_msrs(state));
    TRY(validate_events(state));
    uint32_t mxcsr = get_le<uint32_t>(state.fxsave, kFxsaveMxcsr);
    if (mxcsr & ~kMxcsrDefined) return fail("MXCSR is {:#x}", mxcsr);
    if (state.xsave_extension.size() > kMaxXsaveExtension) {
        return fail("the XSAVE image has {} bytes", state.xsave_extension.size() + kFxsaveSize);
    }
    return {};
}

std::string dump_registers(const CpuState& s) {
    static constexpr std::string_view kGprNames[] = {"RAX", "RCX", "RDX", "RBX", "RSP", "RBP",
                                                     "RSI", "RDI", "R8",  "R9",  "R10", "R11",
                                                     "R12", "R13", "R14", "R15"};
    static constexpr std::string_view kSegmentNames[] = {"ES", "CS", "SS", "DS", "FS", "GS"};
    std::string text;
    for (size_t i = 0; i < kGprCount; ++i)
        text += fmt::format("{:<3}={:016x}{}", kGprNames[i], s.gpr[i], i % 4 == 3 ? "\n" : " ");
    text += fmt::format("RIP={:016x} RFL={:08x} SMM={} HLT={}\n", s.rip, s.rflags,
                        int{s.events.in_smm}, int{s.mp_state == MpState::kHalted});
    for (size_t i = 0; i < kSegmentCount; ++i)
        text += segment_line(kSegmentNames[i], s.segments[i]);
    text += segment_line("LDT", s.ldtr);
    text += segment_line("TR", s.tr);
    text += fmt::format("GDT = {:016x} {:04x}\nIDT = {:016x} {:04x}\n", s.gdtr.base, s.gdtr.limit,
                        s.idtr.base, s.idtr.limit);
    text +=
        fmt::format("CR0={:08x} CR2={:016x} CR3={:016x} CR4={:08x}\n", s.cr0, s.cr2, s.cr3, s.cr4);
    text += fmt::format("DR6={:08x} DR7={:08x} EFER={:x}\n", s.dr6, s.dr7, s.efer);
    return text;
}

}  // namespace qc::i386
