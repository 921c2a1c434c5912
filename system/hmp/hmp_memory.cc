// SPDX-License-Identifier: GPL-2.0-or-later
//
// Human monitor: memory and I/O ports.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "qapi/json_writer.h"
#include "system/hmp/guest_view.h"
#include "system/hmp/tables.h"
#include "system/machine.h"
#include "target/i386/disassembly.h"

namespace qc::system {

namespace {

using monitor::do_qmp;
using monitor::HmpArgs;
using monitor::HmpCommand;
using monitor::HmpFormat;
using monitor::HmpParameter;
using monitor::MonitorContext;
using Kind = HmpParameter::Kind;

constexpr uint64_t kPiece = uint64_t{64} << 10;

std::string dump_code(const GuestView& view, uint32_t count, uint64_t address,
                      const monitor::HmpMemory& memory) {
    std::string text;
    for (uint32_t done = 0; done < count; ++done) {
        std::array<std::byte, i386::kMaxInstruction> bytes{};
        // The last page may end behind the instruction.
        size_t size = bytes.size();
        while (size > 0 && !memory(address, std::span(bytes).first(size)))
            --size;
        const auto code = std::span(bytes).first(size);
        const auto instruction = i386::disassemble(view.cpu(), address, code);
        if (instruction.length == 0) {
            return text + fmt::format("{:#010x}: unable to read memory\n", address);
        }
        std::string hex;
        for (const std::byte byte : code.first(instruction.length))
            hex += fmt::format(" {:02x}", std::to_integer<unsigned>(byte));
        text += fmt::format("{:#010x}: {:<25} {}\n", address, hex, instruction.text);
        address += instruction.length;
    }
    return text;
}

Result<std::string> dump(MonitorContext& context, const HmpArgs& args, bool physical) {
    const GuestView view = TRY(GuestView::create(context));
    const auto memory = [&](uint64_t address, std::span<std::byte> data) {
        if (!physical) return view.read_linear(address, data);
        view.read_physical(address, data);
        return true;
    };
    const auto address = static_cast<uint64_t>(args.number("addr"));
    const HmpFormat& format = args.format();
    if (format.letter == 'i') return dump_code(view, format.count, address, memory);
    return monitor::dump_memory(format, address, memory);
}

Result<std::string> run_x(MonitorContext& context, const HmpArgs& args) {
    return dump(context, args, false);
}

Result<std::string> run_xp(MonitorContext& context, const HmpArgs& args) {
    return dump(context, args, true);
}

Result<std::string> run_print(MonitorContext&, const HmpArgs& args) {
    return monitor::show_number(args.format(), args.number("expr")) + "\n";
}

struct Port {
    uint16_t address;
    uint32_t size;
    char suffix;
};

Result<Port> port_of(const HmpArgs& args) {
    const uint32_t size = args.format().size_or(4);
    if (size > 4) return fail("a port is of 1, 2 or 4 bytes");
    return Port{.address = static_cast<uint16_t>(args.number("addr")),
                .size = size,
                .suffix = size == 1   ? 'b'
                          : size == 2 ? 'w'
                                      : 'l'};
}

Result<std::string> run_in(MonitorContext& context, const HmpArgs& args) {
    const Port port = TRY(port_of(args));
    MachineLockGuard guard(*context.machine_lock);
    const uint64_t value =
        context.machine->core().io.load(memory::PhysAddr(port.address), port.size);
    return fmt::format("port{}[{:#06x}] = 0x{:0{}x}\n", port.suffix, port.address, value,
                       port.size * 2);
}

Result<std::string> run_out(MonitorContext& context, const HmpArgs& args) {
    const Port port = TRY(port_of(args));
    MachineLockGuard guard(*context.machine_lock);
    context.machine->core().io.store(memory::PhysAddr(port.address), port.size,
                                     static_cast<uint64_t>(args.number("value")));
    return std::string();
}

// The checksum of BSD's sum.
Result<std::string> run_sum(MonitorContext& context, const HmpArgs& args) {
    const GuestView view = TRY(GuestView::create(context));
    auto address = static_cast<uint64_t>(args.number("start"));
    auto left = static_cast<uint64_t>(args.number("size"));
    if (left > context.machine->core().ram.total_bytes()) {
        return fail("size is at most that of the guest's memory");
    }
    std::vector<std::byte> piece(kPiece);
    uint16_t sum = 0;
    while (left > 0) {
        const auto part = std::span(piece).first(std::min<uint64_t>(left, kPiece));
        view.read_physical(address, part);
        for (const std::byte byte : part) {
            sum = static_cast<uint16_t>(sum >> 1 | sum << 15);
            sum = static_cast<uint16_t>(sum + std::to_integer<uint16_t>(byte));
        }
        address += part.size();
        left -= part.size();
    }
    return fmt::format("{:05}\n", sum);
}

Result<std::string> run_gva2gpa(MonitorContext& context, const HmpArgs& args) {
    const GuestView view = TRY(GuestView::create(context));
    const auto address = view.translate(static_cast<uint64_t>(args.number("addr")));
    if (!address) return std::string("Unmapped\n");
    return fmt::format("gpa: {:#x}\n", *address);
}

Result<std::string> run_gpa2hva(MonitorContext& context, const HmpArgs& args) {
    const auto address = static_cast<uint64_t>(args.number("addr"));
    const auto flat = context.machine->core().memory.view();
    const memory::FlatRange* const range = flat->find(memory::PhysAddr(address));
    if (range == nullptr) return fail("No memory is mapped at address {:#x}", address);
    if (range->block == nullptr) return fail("Memory at address {:#x} is not RAM", address);
    const std::byte* const host = range->block->host() + range->offset + (address - range->start);
    return fmt::format("Host virtual address for {:#x} ({}) is {}\n", address, range->block->id(),
                       fmt::ptr(host));
}

Result<std::string> save(MonitorContext& context, const HmpArgs& args, const char* command) {
    qapi::Object arguments;
    arguments.append("val", args.number("val"));
    arguments.append("size", args.number("size"));
    arguments.append("filename", args.get("filename"));
    if (std::string_view(command) == "memsave") {
        arguments.append("cpu-index", context.human->cpu);
    }
    return do_qmp(context, command, arguments);
}

Result<std::string> run_memsave(MonitorContext& context, const HmpArgs& args) {
    return save(context, args, "memsave");
}

Result<std::string> run_pmemsave(MonitorContext& context, const HmpArgs& args) {
    return save(context, args, "pmemsave");
}

constexpr HmpParameter kFormat = {.name = "fmt", .kind = Kind::kFormat};
constexpr HmpParameter kAddress = {.name = "addr", .kind = Kind::kNumber};
constexpr HmpParameter kFormatAndAddress[] = {kFormat, kAddress};
constexpr HmpParameter kFormatAndExpression[] = {kFormat, {.name = "expr", .kind = Kind::kNumber}};
constexpr HmpParameter kOut[] = {kFormat, kAddress, {.name = "value", .kind = Kind::kNumber}};
constexpr HmpParameter kAddressOnly[] = {kAddress};
constexpr HmpParameter kSum[] = {{.name = "start", .kind = Kind::kNumber},
                                 {.name = "size", .kind = Kind::kNumber}};
constexpr HmpParameter kSave[] = {{.name = "val", .kind = Kind::kNumber},
                                  {.name = "size", .kind = Kind::kNumber},
                                  {.name = "filename"}};

constexpr HmpCommand kCommands[] = {
    {.names = "gpa2hva",
     .parameters = kAddressOnly,
     .usage = "addr",
     .help = "show where the host has the guest's physical address",
     .run = run_gpa2hva},
    {.names = "gva2gpa",
     .parameters = kAddressOnly,
     .usage = "addr",
     .help = "show the physical address behind a virtual one",
     .run = run_gva2gpa},
    {.names = "i",
     .parameters = kFormatAndAddress,
     .usage = "/fmt addr",
     .help = "read an I/O port; /b, /h or /w say its size",
     .run = run_in},
    {.names = "memsave",
     .parameters = kSave,
     .usage = "addr size file",
     .help = "write virtual memory to a file",
     .run = run_memsave},
    {.names = "o",
     .parameters = kOut,
     .usage = "/fmt addr value",
     .help = "write to an I/O port; /b, /h or /w say its size",
     .run = run_out},
    {.names = "pmemsave",
     .parameters = kSave,
     .usage = "addr size file",
     .help = "write physical memory to a file",
     .run = run_pmemsave},
    {.names = "print|p",
     .parameters = kFormatAndExpression,
     .usage = "/fmt expr",
     .help = "compute an expression; $pc and its like are the processor's registers",
     .run = run_print},
    {.names = "sum",
     .parameters = kSum,
     .usage = "addr size",
     .help = "compute the checksum of physical memory",
     .run = run_sum},
    {.names = "x",
     .parameters = kFormatAndAddress,
     .usage = "/fmt addr",
     .help = "show virtual memory; fmt is how many, o d u x c or i (code), b h w or g",
     .run = run_x},
    {.names = "xp",
     .parameters = kFormatAndAddress,
     .usage = "/fmt addr",
     .help = "show physical memory; fmt as of x",
     .run = run_xp},
};

}  // namespace

std::span<const HmpCommand> hmp_memory_commands() {
    return kCommands;
}

}  // namespace qc::system
