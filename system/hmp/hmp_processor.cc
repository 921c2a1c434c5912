// SPDX-License-Identifier: GPL-2.0-or-later
//
// Human monitor: processors, their registers and their page tables.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "system/hmp/guest_view.h"
#include "system/hmp/tables.h"
#include "system/machine.h"
#include "target/i386/page_walk.h"

namespace qc::system {

namespace {

using monitor::HmpArgs;
using monitor::HmpCommand;
using monitor::HmpParameter;
using monitor::MonitorContext;
using Kind = HmpParameter::Kind;

// A guest can have more pages than anybody reads.
constexpr uint64_t kMaxEntries = uint64_t{1} << 22;
constexpr size_t kMaxLines = 20'000;
constexpr std::string_view kCut = "(there is more)\n";

Result<std::string> run_cpu(MonitorContext& context, const HmpArgs& args) {
    const int64_t index = args.number("index");
    if (index < 0 || index >= context.machine->vcpu_count()) return fail("invalid CPU index");
    context.human->cpu = static_cast<uint32_t>(index);
    return std::string();
}

Result<std::string> registers_of(Machine& machine, uint32_t cpu) {
    return fmt::format("\nCPU#{}\n{}", cpu,
                       i386::dump_registers(TRY(GuestView::registers(machine, cpu))));
}

Result<std::string> info_registers(MonitorContext& context, const HmpArgs& args) {
    Machine& machine = *context.machine;
    if (!args.on("all")) {
        const int64_t wanted = args.has("vcpu") ? args.number("vcpu") : context.human->cpu;
        if (wanted < 0 || wanted >= machine.vcpu_count()) {
            return fmt::format("CPU#{} not available\n", wanted);
        }
        return registers_of(machine, static_cast<uint32_t>(wanted));
    }
    std::string text;
    for (uint32_t cpu = 0; cpu < machine.vcpu_count(); ++cpu)
        text += TRY(registers_of(machine, cpu));
    return text;
}

std::string flags_of(uint64_t entry) {
    constexpr struct {
        uint64_t bit;
        char letter;
    } kFlags[] = {
        {i386::pte::kNoExecute, 'X'},    {i386::pte::kGlobal, 'G'},
        {i386::pte::kLarge, 'P'},        {i386::pte::kDirty, 'D'},
        {i386::pte::kAccessed, 'A'},     {i386::pte::kCacheDisable, 'C'},
        {i386::pte::kWriteThrough, 'T'}, {i386::pte::kUser, 'U'},
        {i386::pte::kWritable, 'W'},
    };
    std::string text;
    for (const auto& flag : kFlags)
        text += (entry & flag.bit) != 0 ? flag.letter : '-';
    return text;
}

// Calls `visit` for each page until it answers false; the text behind what it made.
Result<std::string> walk(MonitorContext& context,
                         const std::function<bool(const i386::PageMapping&)>& visit) {
    const GuestView view = TRY(GuestView::create(context));
    if (!i386::paging_enabled(view.cpu())) return std::string("PG disabled\n");
    const auto read = [&](uint64_t address, unsigned size) {
        return view.read_entry(address, size);
    };
    const bool all = i386::for_each_page(view.cpu(), read, kMaxEntries, visit);
    return std::string(all ? "" : kCut);
}

Result<std::string> info_tlb(MonitorContext& context, const HmpArgs&) {
    std::string text;
    size_t lines = 0;
    const std::string end = TRY(walk(context, [&](const i386::PageMapping& page) {
        text +=
            fmt::format("{:016x}: {:016x} {}\n", page.linear, page.physical, flags_of(page.entry));
        return ++lines < kMaxLines;
    }));
    return text + end;
}

// Ranges of pages with the same rights.
class Ranges {
 public:
    bool add(const i386::PageMapping& page) {
        const uint64_t rights = page.entry & (i386::pte::kUser | i386::pte::kWritable);
        if (size_ != 0 && page.linear == start_ + size_ && rights == rights_) {
            size_ += page.size;
            return true;
        }
        finish();
        start_ = page.linear;
        size_ = page.size;
        rights_ = rights;
        return lines_ < kMaxLines;
    }
    std::string take() {
        finish();
        return std::move(text_);
    }

 private:
    void finish() {
        if (size_ == 0) return;
        text_ += fmt::format("{:016x}-{:016x} {:016x} {}r{}\n", start_, start_ + size_, size_,
                             (rights_ & i386::pte::kUser) != 0 ? 'u' : '-',
                             (rights_ & i386::pte::kWritable) != 0 ? 'w' : '-');
        size_ = 0;
        ++lines_;
    }

    std::string text_;
    size_t lines_ = 0;
    uint64_t start_ = 0;
    uint64_t size_ = 0;
    uint64_t rights_ = 0;
};

Result<std::string> info_mem(MonitorContext& context, const HmpArgs&) {
    Ranges ranges;
    const std::string end =
        TRY(walk(context, [&](const i386::PageMapping& page) { return ranges.add(page); }));
    return ranges.take() + end;
}

constexpr std::string_view kLongNames[] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                           "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
constexpr std::string_view kSegmentNames[] = {"es", "cs", "ss", "ds", "fs", "gs"};

std::optional<uint64_t> register_value(const i386::CpuState& cpu, std::string_view name) {
    // "eax" means all of it, too.
    std::string full(name);
    if (name.size() == 3 && name[0] == 'e') full[0] = 'r';
    for (size_t i = 0; i < i386::kGprCount; ++i)
        if (full == kLongNames[i]) return cpu.gpr[i];
    for (size_t i = 0; i < i386::kSegmentCount; ++i)
        if (name == kSegmentNames[i]) return cpu.segments[i].selector;
    const struct {
        std::string_view name;
        uint64_t value;
    } others[] = {
        {"rip", cpu.rip},
        {"pc", cpu.segments[i386::kCs].base + cpu.rip},
        {"eflags", cpu.rflags},
        {"rflags", cpu.rflags},
        {"sp", cpu.gpr[i386::kRsp]},
        {"fp", cpu.gpr[i386::kRbp]},
        {"ds.base", cpu.segments[i386::kDs].base},
        {"fs.base", cpu.segments[i386::kFs].base},
        {"gs.base", cpu.segments[i386::kGs].base},
        {"cr0", cpu.cr0},
        {"cr2", cpu.cr2},
        {"cr3", cpu.cr3},
        {"cr4", cpu.cr4},
        {"cr8", cpu.cr8},
        {"efer", cpu.efer},
    };
    for (const auto& other : others)
        if (full == other.name || name == other.name) return other.value;
    return std::nullopt;
}

constexpr HmpParameter kIndex[] = {{.name = "index", .kind = Kind::kNumber}};
constexpr HmpParameter kRegisters[] = {{.name = "all", .kind = Kind::kFlag, .letter = 'a'},
                                       {.name = "vcpu", .kind = Kind::kNumber, .optional = true}};

constexpr HmpCommand kCommands[] = {
    {.names = "cpu",
     .parameters = kIndex,
     .usage = "index",
     .help = "choose the processor that registers and virtual addresses are of",
     .run = run_cpu},
};
constexpr HmpCommand kInfo[] = {
    {.names = "mem",
     .parameters = {},
     .usage = "",
     .help = "show which ranges of virtual addresses have memory",
     .run = info_mem},
    {.names = "registers",
     .parameters = kRegisters,
     .usage = "[-a|vcpu]",
     .help = "show a processor's registers; -a: all processors'",
     .run = info_registers},
    {.names = "tlb",
     .parameters = {},
     .usage = "",
     .help = "show every page of virtual memory",
     .run = info_tlb},
};

}  // namespace

Result<int64_t> read_register(MonitorContext& context, std::string_view name) {
    const GuestView view = TRY(GuestView::create(context));
    const std::optional<uint64_t> value = register_value(view.cpu(), name);
    if (!value) return fail("unknown register");
    return static_cast<int64_t>(*value);
}

std::span<const HmpCommand> hmp_processor_commands() {
    return kCommands;
}
std::span<const HmpCommand> hmp_processor_info() {
    return kInfo;
}

}  // namespace qc::system
