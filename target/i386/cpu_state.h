// SPDX-License-Identifier: GPL-2.0-or-later
//
// The migratable architectural state of one x86-64 processor, whoever runs it.
// Each accelerator fills it in when the state is saved and takes it over when it
// is loaded, so that a machine may change its accelerator on the way.
//
// Sources: Intel SDM vol. 3, chapters 2 (system registers), 3.4 (hidden parts of
// segment registers), 10.1 (state after reset) and 11.11 (MTRRs); vol. 1, 10.5.1
// and 13.4 (FXSAVE and XSAVE images); AMD APM vol. 2, 3.1 (EFER), 10 (SMM).
//
// Threading: plain values.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "util/result.h"

namespace qc::i386 {

struct CpuModel;

// Indices in the order in which instructions encode them.
enum Gpr : uint8_t {
    kRax,
    kRcx,
    kRdx,
    kRbx,
    kRsp,
    kRbp,
    kRsi,
    kRdi,
    kR8,
    kR9,
    kR10,
    kR11,
    kR12,
    kR13,
    kR14,
    kR15,
};
enum SegmentIndex : uint8_t { kEs, kCs, kSs, kDs, kFs, kGs };

inline constexpr size_t kGprCount = 16;
inline constexpr size_t kSegmentCount = 6;
inline constexpr size_t kFxsaveSize = 512;
inline constexpr size_t kFixedMtrrCount = 11;
inline constexpr size_t kVariableMtrrCount = 8;
inline constexpr uint32_t kMaxXsaveExtension = 16384 - kFxsaveSize;
inline constexpr uint32_t kMaxExtraMsrs = 512;

// A segment register with its hidden part. `base` of FS and GS is the MSR's.
struct Segment {
    // Bits of `attributes`: bytes 5 and 6 of a descriptor without the limit's four
    // bits, and "unusable" (loaded with a null selector), as VMX' access rights.
    static constexpr uint32_t kTypeMask = 0xf;
    static constexpr uint32_t kNonSystem = 1u << 4;  // S
    static constexpr unsigned kDplShift = 5;
    static constexpr uint32_t kPresent = 1u << 7;
    static constexpr uint32_t kAvailable = 1u << 12;
    static constexpr uint32_t kLong = 1u << 13;
    static constexpr uint32_t kDefaultBig = 1u << 14;  // D/B
    static constexpr uint32_t kGranularity = 1u << 15;
    static constexpr uint32_t kUnusable = 1u << 16;
    static constexpr uint32_t kAttributesMask = 0x1f0ff;

    uint16_t selector = 0;
    uint64_t base = 0;
    uint32_t limit = 0;  // in bytes, granularity already applied
    uint32_t attributes = 0;

    unsigned dpl() const { return (attributes >> kDplShift) & 3; }
    bool operator==(const Segment&) const = default;
    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("selector", s.selector);
        v("base", s.base);
        v("limit", s.limit);
        v("attributes", s.attributes);
    }
};

// GDTR, IDTR.
struct TableRegister {
    uint64_t base = 0;
    uint16_t limit = 0;
    bool operator==(const TableRegister&) const = default;
    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("base", s.base);
        v("limit", s.limit);
    }
};

struct VariableMtrr {
    uint64_t base = 0;
    uint64_t mask = 0;
    bool operator==(const VariableMtrr&) const = default;
    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("base", s.base);
        v("mask", s.mask);
    }
};

struct MsrValue {
    uint32_t index = 0;
    uint64_t value = 0;
    bool operator==(const MsrValue&) const = default;
    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("index", s.index);
        v("value", s.value);
    }
};

// Machine-specific registers that are not kept elsewhere (segment bases, EFER).
struct MsrState {
    uint64_t tsc = 0;  // the reading at the moment of the save; it goes on from there
    uint64_t tsc_adjust = 0;
    uint64_t tsc_aux = 0;
    uint64_t tsc_deadline = 0;
    uint64_t apic_base = 0;
    uint64_t misc_enable = 0;
    uint64_t sysenter_cs = 0, sysenter_esp = 0, sysenter_eip = 0;
    uint64_t star = 0, lstar = 0, cstar = 0, fmask = 0;
    uint64_t kernel_gs_base = 0;
    uint64_t pat = 0;
    uint64_t mtrr_def_type = 0;
    // 250h, 258h, 259h, 268h-26fh.
    std::array<uint64_t, kFixedMtrrCount> mtrr_fixed{};
    std::array<VariableMtrr, kVariableMtrrCount> mtrr_variable{};
    uint64_t debugctl = 0;
    uint64_t spec_ctrl = 0;
    uint64_t xss = 0;
    uint64_t mcg_status = 0, mcg_ctl = 0;
    uint64_t smbase = 0;
    // KVM's paravirtual registers (4b564d00h and up).
    uint64_t kvm_wall_clock = 0, kvm_system_time = 0;
    uint64_t kvm_async_pf = 0, kvm_async_pf_int = 0, kvm_steal_time = 0, kvm_pv_eoi = 0;
    // Whatever else an accelerator keeps, by rising index, each index once.
    std::vector<MsrValue> extra;

    bool operator==(const MsrState&) const = default;
    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("tsc", s.tsc);
        v("tsc_adjust", s.tsc_adjust);
        v("tsc_aux", s.tsc_aux);
        v("tsc_deadline", s.tsc_deadline);
        v("apic_base", s.apic_base);
        v("misc_enable", s.misc_enable);
        v("sysenter_cs", s.sysenter_cs);
        v("sysenter_esp", s.sysenter_esp);
        v("sysenter_eip", s.sysenter_eip);
        v("star", s.star);
        v("lstar", s.lstar);
        v("cstar", s.cstar);
        v("fmask", s.fmask);
        v("kernel_gs_base", s.kernel_gs_base);
        v("pat", s.pat);
        v("mtrr_def_type", s.mtrr_def_type);
        v("mtrr_fixed", s.mtrr_fixed);
        v("mtrr_variable", s.mtrr_variable);
        v("debugctl", s.debugctl);
        v("spec_ctrl", s.spec_ctrl);
        v("xss", s.xss);
        v("mcg_status", s.mcg_status);
        v("mcg_ctl", s.mcg_ctl);
        v("smbase", s.smbase);
        v("kvm_wall_clock", s.kvm_wall_clock);
        v("kvm_system_time", s.kvm_system_time);
        v("kvm_async_pf", s.kvm_async_pf);
        v("kvm_async_pf_int", s.kvm_async_pf_int);
        v("kvm_steal_time", s.kvm_steal_time);
        v("kvm_pv_eoi", s.kvm_pv_eoi);
        v.counted("extra", s.extra, kMaxExtraMsrs);
    }
};

enum class MpState : uint8_t {
    kRunning,
    kHalted,       // by HLT, until an interrupt
    kWaitForSipi,  // after INIT, or an application processor after RESET
    kShutdown,     // after a triple fault, until RESET
};

// What is between two instructions, invisible in registers.
struct EventState {
    // An exception that was recognised; `injected` once its delivery has begun.
    bool exception_pending = false;
    bool exception_injected = false;
    uint8_t exception_vector = 0;
    bool exception_has_error_code = false;
    uint32_t exception_error_code = 0;
    // A vector that was acknowledged at the APIC and not yet delivered.
    bool interrupt_injected = false;
    uint8_t interrupt_vector = 0;
    bool interrupt_soft = false;  // by INT n
    // No interrupt before the next instruction has run, after STI and MOV SS.
    bool shadow_sti = false;
    bool shadow_mov_ss = false;
    bool nmi_pending = false;
    bool nmi_injected = false;
    bool nmi_masked = false;  // until IRET
    bool smi_pending = false;
    bool in_smm = false;
    bool smm_inside_nmi = false;
    bool init_pending = false;
    bool sipi_pending = false;
    uint8_t sipi_vector = 0;
    // TF was set when the last instruction began and #DB is still to come.
    bool single_step = false;

    bool operator==(const EventState&) const = default;
    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("exception_pending", s.exception_pending);
        v("exception_injected", s.exception_injected);
        v("exception_vector", s.exception_vector);
        v("exception_has_error_code", s.exception_has_error_code);
        v("exception_error_code", s.exception_error_code);
        v("interrupt_injected", s.interrupt_injected);
        v("interrupt_vector", s.interrupt_vector);
        v("interrupt_soft", s.interrupt_soft);
        v("shadow_sti", s.shadow_sti);
        v("shadow_mov_ss", s.shadow_mov_ss);
        v("nmi_pending", s.nmi_pending);
        v("nmi_injected", s.nmi_injected);
        v("nmi_masked", s.nmi_masked);
        v("smi_pending", s.smi_pending);
        v("in_smm", s.in_smm);
        v("smm_inside_nmi", s.smm_inside_nmi);
        v("init_pending", s.init_pending);
        v("sipi_pending", s.sipi_pending);
        v("sipi_vector", s.sipi_vector);
        v("single_step", s.single_step);
    }
};

struct CpuState {
    std::array<uint64_t, kGprCount> gpr{};
    uint64_t rip = 0;
    uint64_t rflags = 0;
    std::array<Segment, kSegmentCount> segments{};
    Segment ldtr, tr;
    TableRegister gdtr, idtr;
    uint64_t cr0 = 0, cr2 = 0, cr3 = 0, cr4 = 0;
    uint64_t cr8 = 0;  // the APIC's task priority class, as the CPU sees it
    uint64_t efer = 0;
    uint64_t xcr0 = 0;
    std::array<uint64_t, 4> dr{};
    uint64_t dr6 = 0, dr7 = 0;
    // The 64-bit form of FXSAVE: x87, MMX, XMM0-15, MXCSR.
    std::array<uint8_t, kFxsaveSize> fxsave{};
    // Bytes 512 and up of the standard (not compacted) XSAVE image. Empty: every
    // component beyond x87 and SSE is in its initial configuration.
    std::vector<uint8_t> xsave_extension;
    MsrState msr;
    EventState events;
    MpState mp_state = MpState::kRunning;
    bool a20_enabled = true;

    bool operator==(const CpuState&) const = default;
    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("gpr", s.gpr);
        v("rip", s.rip);
        v("rflags", s.rflags);
        v("segments", s.segments);
        v("ldtr", s.ldtr);
        v("tr", s.tr);
        v("gdtr", s.gdtr);
        v("idtr", s.idtr);
        v("cr0", s.cr0);
        v("cr2", s.cr2);
        v("cr3", s.cr3);
        v("cr4", s.cr4);
        v("cr8", s.cr8);
        v("efer", s.efer);
        v("xcr0", s.xcr0);
        v("dr", s.dr);
        v("dr6", s.dr6);
        v("dr7", s.dr7);
        v("fxsave", s.fxsave);
        v.counted("xsave_extension", s.xsave_extension, kMaxXsaveExtension);
        v("msr", s.msr);
        v("events", s.events);
        v("mp_state", s.mp_state);
        v("a20_enabled", s.a20_enabled);
    }
};

// The state after RESET. The bootstrap processor starts at FFFFFFF0h, the others
// wait for a start-up IPI.
CpuState reset_state(const CpuModel& model, bool bootstrap);

// What INIT does to a processor: as RESET, but the x87 and SSE state, the MTRRs,
// the PAT, the TSC, CR0.CD, CR0.NW and the other MSRs keep their values.
void apply_init(CpuState& state, const CpuModel& model);

// What a start-up IPI does to a processor that waits for it: CS = vector * 256.
void apply_startup(CpuState& state, uint8_t vector);

// Whether a processor could be in this state. Whatever passes may be given to an
// accelerator; features that the CPU model lacks are that accelerator's matter.
Result<void> validate(const CpuState& state);

// Registers in the form people know from a crash: "RAX=... RBX=...", several lines.
std::string dump_registers(const CpuState& state);

}  // namespace qc::i386
