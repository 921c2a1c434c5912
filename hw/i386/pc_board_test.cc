// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/pc_board.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "block/drive_table.h"
#include "block/test_support.h"
#include "chardev/fake_chardev.h"
#include "hw/core/fake_machine.h"
#include "hw/pci/pci_config.h"
#include "util/bytes.h"

namespace qc::hw {
namespace {

struct FakeCpu final : CpuPort {
    void set_interrupt_line(bool level) override { interrupt = level; }
    void raise_nmi() override { ++nmis; }
    void raise_smi() override {}
    void raise_init() override {}
    void raise_startup(uint8_t) override {}
    void set_a20_enabled(bool enabled) override { a20 = enabled; }
    bool interrupt = false;
    bool a20 = false;
    int nmis = 0;
};

struct FakeIrqchip final : KernelIrqchip {
    void set_gsi_level(unsigned gsi, bool level) override { levels[gsi] = level; }
    void send_msi(uint64_t, uint16_t data) override { messages.push_back(data); }
    void reset() override { ++resets; }
    void set_up_pics(const PicSetup& setup) override { level_triggered = setup.level_triggered; }
    std::vector<state::StateComponent*> state_components() override { return {}; }
    void set_pit_channel2_gate(bool) override {}
    bool pit_channel2_output() override { return false; }
    void set_pit_replaced(bool value) override { replaced = value; }
    std::map<unsigned, bool> levels;
    std::vector<uint16_t> messages;
    int resets = 0;
    uint16_t level_triggered = 0;
    bool replaced = false;
};

struct Fixture {
    explicit Fixture(PcChipsetKind chipset = PcChipsetKind::kI440fx)
        : drives({.ide = pc_ide_layout(chipset)}, {*loop, machine.context.lock}) {
        config.chipset = chipset;
        config.ram_bytes = 16 << 20;
        config.firmware.assign(65536 * 4, std::byte{0xb1});
        types.add(*registered("ide-hd"));
    }
    ~Fixture() { board.reset(); }

    const qom::ObjectType* registered(std::string_view name) {
        if (types.find(name) == nullptr) register_pc_device_types(types);
        return types.find(name);
    }
    void request(std::string_view type, const std::string& options, std::string id = "") {
        const qom::ObjectType* found = registered(type);
        ASSERT_NE(found, nullptr);
        auto parsed = OptionString::parse(options, "").value();
        auto values = qom::PropertyValues::from_options(*found, parsed);
        ASSERT_TRUE(values) << values.error().message();
        config.devices.push_back({found, std::move(values).value(), std::move(id)});
    }
    Result<void> build(KernelIrqchip* irqchip = nullptr) {
        CpuPort* cpus[] = {&cpu};
        board = TRY(PcBoard::create(config, {.context = machine.context,
                                             .memory_root = machine.memory_root(),
                                             .ram = ram,
                                             .states = states,
                                             .machine = machine,
                                             .cpus = cpus,
                                             .kernel_irqchip = irqchip,
                                             .drives = drives,
                                             .find_chardev = [this](std::string_view id) {
                                                 return id == "c0" ? &chardev : nullptr;
                                             }}));
        board->reset();
        return {};
    }
    std::string error() {
        auto result = build();
        return result ? "built" : result.error().message();
    }
    void out(uint16_t port, uint32_t value, unsigned size = 1) {
        machine.context.io.store(memory::PhysAddr(port), size, value);
    }
    uint32_t in(uint16_t port, unsigned size = 1) {
        return static_cast<uint32_t>(machine.context.io.load(memory::PhysAddr(port), size));
    }
    uint32_t config_read(unsigned device, unsigned function, unsigned offset) {
        out(0xcf8, 0x80000000 | device << 11 | function << 8 | offset, 4);
        return in(0xcfc, 4);
    }
    void config_write(unsigned device, unsigned function, unsigned offset, uint32_t value,
                      unsigned size) {
        out(0xcf8, 0x80000000 | device << 11 | function << 8 | (offset & ~3u), 4);
        out(static_cast<uint16_t>(0xcfc + offset % 4), value, size);
    }
    uint8_t cmos(uint8_t index) {
        out(0x70, index);
        return static_cast<uint8_t>(in(0x71));
    }
    std::map<std::string, std::vector<std::byte>> save_all() {
        std::map<std::string, std::vector<std::byte>> all;
        for (state::StateComponent* component : states.components()) {
            auto id = component->state_id();
            all[fmt::format("{}/{}", id.name, id.instance)] = component->save_state().value();
        }
        return all;
    }
    void load_all(const std::map<std::string, std::vector<std::byte>>& all) {
        std::vector<std::unique_ptr<state::StagedState>> staged;
        for (state::StateComponent* component : states.components()) {
            auto id = component->state_id();
            auto one = component->stage_state(id.version,
                                              all.at(fmt::format("{}/{}", id.name, id.instance)));
            ASSERT_TRUE(one) << id.name << ": " << one.error().message();
            staged.push_back(std::move(one).value());
        }
        for (auto& one : staged)
            ASSERT_TRUE(one->commit());
    }
    // What firmware does first, roughly.
    void stir(unsigned seed) {
        config_write(1, 0, 0x60, 0x0a, 1);
        config_write(0, 0, 0x59, 0x30, 1);
        config_write(1, 1, 0x20, 0xc000 + 0x100 * seed, 4);
        config_write(1, 1, 4, 5, 2);
        config_write(1, 3, 0x40, 0x601, 4);
        config_write(1, 3, 0x80, 1, 1);
        out(0x21, 0xb8);
        out(0x43, 0x34);
        out(0x40, 0x10 + seed);
        out(0x40, 0x20);
        out(0x510, 0x19, 2);
        (void)in(0x511);
        out(0x3fb, 0x80);
        out(0x92, 0x02);
        machine.advance_ns(1'000'000 * seed);
    }

    FakeMachine machine;
    memory::RamList ram;
    state::Registry states;
    FakeCpu cpu;
    chardev::FakeChardev chardev;
    std::unique_ptr<EventLoop> loop = EventLoop::create().value();
    block::DriveTable drives;
    qom::TypeRegistry types;
    PcBoard::Config config;
    std::unique_ptr<PcBoard> board;
};

TEST(PcBoard, functions_are_in_qemu_s_slots) {
    Fixture f;
    ASSERT_EQ(f.error(), "built");
    EXPECT_EQ(f.config_read(0, 0, 0), 0x12378086u);
    EXPECT_EQ(f.config_read(1, 0, 0), 0x70008086u);
    EXPECT_EQ(f.config_read(1, 1, 0), 0x70108086u);
    EXPECT_EQ(f.config_read(1, 3, 0), 0x71138086u);
    EXPECT_EQ(f.config_read(2, 0, 0), 0xffffffffu);
    EXPECT_EQ(f.config_read(0, 0, 0x2c), 0x11001af4u) << "by which SeaBIOS knows the machine";
}

TEST(PcBoard, firmware_memory_and_cmos_are_there) {
    Fixture f;
    ASSERT_EQ(f.error(), "built");
    auto& memory = f.machine.context.memory;
    EXPECT_EQ(memory.load(memory::PhysAddr(0xfffffff0), 1), 0xb1u);
    EXPECT_EQ(memory.load(memory::PhysAddr(0xffff0), 1), 0xb1u);
    memory.store(memory::PhysAddr(0x1000), 1, 7);
    EXPECT_EQ(memory.load(memory::PhysAddr(0x1000), 1), 7u);
    EXPECT_EQ(f.cmos(0x15) | f.cmos(0x16) << 8, 640);
    EXPECT_EQ(f.cmos(0x17) | f.cmos(0x18) << 8, 15 * 1024);
    EXPECT_TRUE(f.cpu.a20);
}

TEST(PcBoard, drives_become_disks_and_interrupt) {
    Fixture f;
    block::TemporaryFile file(512 * 100, 'x');
    ASSERT_TRUE(f.drives.add(OptionString::parse("format=raw,file=" + file.path(), "").value()));
    ASSERT_EQ(f.error(), "built");
    EXPECT_EQ(f.cmos(0x12) & 0xf0, 0xf0);
    f.out(0x20, 0x11);
    f.out(0x21, 0x08);
    f.out(0x21, 0x04);
    f.out(0x21, 0x01);
    f.out(0xa0, 0x11);
    f.out(0xa1, 0x70);
    f.out(0xa1, 0x02);
    f.out(0xa1, 0x01);
    f.out(0x21, 0xfb);
    f.out(0xa1, 0xbf);
    {
        MachineLockGuard guard(f.machine.context.lock);
        f.out(0x1f6, 0xe0);
        f.out(0x1f2, 1);
        f.out(0x1f7, 0x20);
    }
    f.drives.drain();
    EXPECT_EQ(f.in(0x3f6), 0x58u);
    f.out(0xa0, 0x0a);
    EXPECT_EQ(f.in(0xa0), 0x40u) << "IRQ 14 is requested";
    EXPECT_EQ(f.board->apic(0)->acknowledge_interrupt(), 0x76);
    EXPECT_EQ(f.in(0x1f0, 2), 0x7878u);
}

TEST(PcBoard, devices_can_be_added) {
    Fixture f;
    block::TemporaryFile file(512 * 100);
    ASSERT_TRUE(f.drives.add(OptionString::parse("if=none,id=d,file=" + file.path(), "").value()));
    f.request("ide-hd", "drive=d,bus=ide.1,unit=0,serial=abc", "disk0");
    f.request("isa-debugcon", "chardev=c0,iobase=0x402", "dbg");
    f.request("isa-debug-exit", "iobase=0xf4,iosize=4");
    ASSERT_EQ(f.error(), "built");
    f.out(0x402, 'h');
    EXPECT_EQ(f.chardev.output, "h");
    f.out(0xf4, 3, 4);
    EXPECT_EQ(f.machine.exit_status, 7);
    EXPECT_EQ(f.in(0x177), 0x50u);
    EXPECT_EQ(f.board->find_device_id("dbg")->type_name(), "isa-debugcon");
    EXPECT_NE(f.board->find_device_id("disk0"), nullptr);
    EXPECT_EQ(f.board->find_device_id("x"), nullptr);
    EXPECT_NE(f.board->find_device("ioapic"), nullptr);
}

TEST(PcBoard, serial_port_s_output_reaches_its_back_end) {
    Fixture f;
    f.config.serials[0] = &f.chardev;
    ASSERT_EQ(f.error(), "built");
    f.out(0x3f8, 'A');
    EXPECT_EQ(f.chardev.output, "A");
    EXPECT_EQ(f.in(0x2fd), 0xffu) << "COM2 does not exist";
}

TEST(PcBoard, requests_that_cannot_be_are_refused_by_name) {
    const std::pair<const char*, std::pair<const char*, const char*>> cases[] = {
        {"-device isa-debugcon: Property 'chardev' can't find value 'zz'",
         {"isa-debugcon", "chardev=zz"}},
        {"-device isa-debugcon: 1 ports at iobase=0x10000 are not in the I/O space",
         {"isa-debugcon", "iobase=0x10000"}},
        {"-device isa-debug-exit: 0 ports at iobase=0x501 are not in the I/O space",
         {"isa-debug-exit", "iosize=0"}},
        {"-device isa-serial: a PC has 4 serial ports", {"isa-serial", "index=4"}},
        {"-device isa-serial: there is no ISA interrupt 16", {"isa-serial", "irq=16"}},
        {"-device ide-hd: Device needs media, but drive is empty", {"ide-hd", ""}},
        {"-device ide-hd: Property 'ide-hd.drive' can't find value 'q'", {"ide-hd", "drive=q"}},
        {"-device ide-hd: Bus 'ide.7' not found", {"ide-hd", "bus=ide.7"}},
        {"-device ide-hd: Can't create IDE unit 2, bus supports only 2 units",
         {"ide-hd", "unit=2"}},
    };
    for (const auto& [message, wish] : cases) {
        Fixture f;
        f.request(wish.first, wish.second);
        EXPECT_EQ(f.error(), message);
        EXPECT_TRUE(f.states.components().empty());
    }
}

TEST(PcBoard, unknown_size_of_ram_is_refused_and_nothing_stays_behind) {
    Fixture f;
    f.config.ram_bytes = 1000;
    EXPECT_NE(f.error(), "built");
    EXPECT_TRUE(f.machine.memory_root().children().empty());
    EXPECT_TRUE(f.machine.context.io_root.children().empty());
}

TEST(PcBoard, destroyed_board_takes_everything_along) {
    Fixture f;
    f.config.serials[0] = &f.chardev;
    ASSERT_EQ(f.error(), "built");
    f.stir(1);
    f.board.reset();
    EXPECT_TRUE(f.states.components().empty());
    EXPECT_TRUE(f.machine.memory_root().children().empty());
    EXPECT_TRUE(f.machine.context.io_root.children().empty());
    EXPECT_FALSE(f.chardev.claimed());
}

TEST(PcBoard, state_of_a_whole_machine_goes_over_again_and_again) {
    Fixture source;
    Fixture target;
    source.config.serials[0] = &source.chardev;
    target.config.serials[0] = &target.chardev;
    ASSERT_EQ(source.error(), "built");
    ASSERT_EQ(target.error(), "built");
    target.stir(3);
    for (unsigned round = 1; round < 5; ++round) {
        source.stir(round);
        target.machine.advance_ns(source.machine.now_ns() - target.machine.now_ns());
        auto state = source.save_all();
        target.load_all(state);
        EXPECT_EQ(target.save_all(), state) << "round " << round;
    }
    EXPECT_EQ(target.config_read(1, 1, 0x20), 0xc401u);
    EXPECT_EQ(target.in(0xc402), 0u) << "the bus master's BAR is mapped";
    EXPECT_EQ(target.in(0xc702), 0xffu);
}

TEST(PcBoard, load_of_the_same_state_leaves_the_address_spaces_alone) {
    Fixture f;
    ASSERT_EQ(f.error(), "built");
    f.stir(1);
    auto state = f.save_all();
    uint64_t memory = f.machine.context.memory.generation();
    uint64_t io = f.machine.context.io.generation();
    f.load_all(state);
    EXPECT_EQ(f.machine.context.memory.generation(), memory);
    EXPECT_EQ(f.machine.context.io.generation(), io);
}

TEST(PcBoard, reset_is_as_power_on) {
    Fixture f;
    ASSERT_EQ(f.error(), "built");
    auto power_on = f.save_all();
    f.stir(0);
    f.board->reset();
    auto again = f.save_all();
    for (const auto& [name, data] : power_on)
        EXPECT_EQ(again[name], data) << name;
}

TEST(PcBoard, nmi_goes_where_lint1_leads) {
    Fixture f;
    ASSERT_EQ(f.error(), "built");
    f.board->pulse_nmi();
    EXPECT_EQ(f.cpu.nmis, 0) << "LINT1 is masked after a reset";
    f.machine.store(0xfee000f0, 0x1ff);
    f.machine.store(0xfee00360, 0x400);
    f.board->pulse_nmi();
    EXPECT_EQ(f.cpu.nmis, 1);
}

// The firmware that was copied to RAM goes on, and is told why.
TEST(PcBoard, reset_after_sleep_keeps_the_shadow_and_tells_the_firmware) {
    Fixture f;
    ASSERT_EQ(f.error(), "built");
    f.config_write(0, 0, 0x59, 0x30, 1);
    f.machine.store(0xf0000, 0x12345678);
    f.machine.out(0x21, 0xa5);
    f.board->reset_after_sleep();
    EXPECT_EQ(f.machine.load(0xf0000), 0x12345678u);
    EXPECT_NE(f.machine.in(0x21), 0xa5);
    f.machine.out(0x70, 0x0f);
    EXPECT_EQ(f.machine.in(0x71), 0xfe);
}

TEST(PcBoard, kernel_irqchip_takes_the_wires) {
    Fixture f;
    FakeIrqchip irqchip;
    ASSERT_TRUE(f.build(&irqchip));
    EXPECT_EQ(irqchip.resets, 1);
    EXPECT_EQ(f.board->apic(0), nullptr);
    EXPECT_EQ(f.board->find_device("ioapic"), nullptr);
    f.out(0x64, 0x60);
    f.out(0x60, 0x41);
    f.out(0x64, 0xd2);
    f.out(0x60, 0x1c);
    f.machine.advance_ns(10'000'000);
    EXPECT_TRUE(irqchip.levels[1]) << "the keyboard controller's interrupt";
    f.board.reset();
}

TEST(PcBoard, q35_has_its_functions_in_qemu_s_slots) {
    Fixture f(PcChipsetKind::kQ35);
    ASSERT_EQ(f.error(), "built");
    EXPECT_EQ(f.config_read(0, 0, 0), 0x29c08086u);
    EXPECT_EQ(f.config_read(31, 0, 0), 0x29188086u);
    EXPECT_EQ(f.config_read(31, 2, 0), 0x29228086u);
    EXPECT_EQ(f.config_read(31, 3, 0), 0x29308086u);
    EXPECT_EQ(f.config_read(1, 0, 0), 0xffffffffu);
    EXPECT_EQ(f.config_read(0, 0, 0x2c), 0x11001af4u) << "by which SeaBIOS knows the machine";
    f.config_write(0, 0, 0x60, 0xb0000001, 4);
    EXPECT_EQ(f.machine.load(0xb0000000 + (31 << 15) + (2 << 12)), 0x29228086u);
}

TEST(PcBoard, q35_drives_go_to_ahci_ports) {
    Fixture f(PcChipsetKind::kQ35);
    block::TemporaryFile first(512 * 100), third(512 * 100);
    ASSERT_TRUE(f.drives.add(OptionString::parse("format=raw,file=" + first.path(), "").value()));
    ASSERT_TRUE(f.drives.add(OptionString::parse("if=none,id=d,file=" + third.path(), "").value()));
    f.request("ide-hd", "drive=d,bus=ide.5", "disk5");
    ASSERT_EQ(f.error(), "built");
    EXPECT_EQ(f.drives.drives()[0]->options.id, "ide0-hd0");
    EXPECT_EQ(f.board->find_device_id("disk5")->type_name(), "ich9-ahci");
    f.config_write(31, 2, 0x24, 0xfebf0000, 4);
    f.config_write(31, 2, 4, pci::kCommandMemory, 2);
    EXPECT_EQ(f.machine.load(0xfebf0128), 0x113u);
    EXPECT_EQ(f.machine.load(0xfebf01a8), 0u);
    EXPECT_EQ(f.machine.load(0xfebf03a8), 0x113u);
}

TEST(PcBoard, q35_disk_s_interrupt_reaches_both_controllers) {
    Fixture f(PcChipsetKind::kQ35);
    FakeIrqchip irqchip;
    ASSERT_TRUE(f.build(&irqchip));
    f.config_write(31, 0, 0x60, 10, 1);
    // The SMBus controller's pin is the easiest to raise: PIRQA#.
    f.config_write(31, 3, 0x20, 0xb100, 4);
    f.config_write(31, 3, 4, pci::kCommandIo, 2);
    f.config_write(31, 3, 0x40, 1, 1);
    f.out(0xb102, 0x41);
    EXPECT_TRUE(irqchip.levels[10]);
    EXPECT_TRUE(irqchip.levels[16]);
    f.board.reset();
}

TEST(PcBoard, hpet_is_there_unless_it_is_not_wanted) {
    for (PcChipsetKind kind : {PcChipsetKind::kI440fx, PcChipsetKind::kQ35}) {
        Fixture f(kind);
        ASSERT_EQ(f.error(), "built");
        EXPECT_EQ(f.machine.load(0xfed00000), 0x8086a201u);
        EXPECT_EQ(f.machine.load(0xfed00104), kind == PcChipsetKind::kQ35 ? 0x00ff0104u : 0x4u);
        Fixture without(kind);
        without.config.hpet = false;
        ASSERT_EQ(without.error(), "built");
        EXPECT_EQ(without.machine.load(0xfed00000), 0xffffffffu);
        EXPECT_EQ(without.board->find_device("hpet"), nullptr);
    }
}

TEST(PcBoard, hpet_quiets_the_kernel_s_timer) {
    Fixture f;
    FakeIrqchip irqchip;
    ASSERT_TRUE(f.build(&irqchip));
    f.machine.store(0xfed00010, 3);
    EXPECT_TRUE(irqchip.replaced);
    f.board->reset();
    EXPECT_FALSE(irqchip.replaced);
    f.board.reset();
}

TEST(PcBoard, q35_refuses_places_that_it_does_not_have) {
    const std::pair<const char*, const char*> cases[] = {
        {"-device ide-hd: Bus 'ide.6' not found", "bus=ide.6"},
        {"-device ide-hd: Can't create IDE unit 1, bus supports only 1 units", "unit=1"},
    };
    for (const auto& [message, wish] : cases) {
        Fixture f(PcChipsetKind::kQ35);
        f.request("ide-hd", wish);
        EXPECT_EQ(f.error(), message);
    }
}

// A Multiboot kernel of three words, at 1 MiB by its own header.
KernelFiles small_kernel() {
    ByteWriter out;
    for (uint32_t word : {0x1badb002u, 0x10000u, 0u - 0x1badb002u - 0x10000u, 0x100000u, 0x100000u,
                          0u, 0u, 0x100020u})
        out.le32(word);
    return {.kernel_name = "k", .kernel = out.take(), .modules = {}, .command_line = ""};
}

class PcBoardDirect : public ::testing::TestWithParam<PcChipsetKind> {};
INSTANTIATE_TEST_SUITE_P(Chipsets, PcBoardDirect,
                         ::testing::Values(PcChipsetKind::kI440fx, PcChipsetKind::kQ35),
                         [](const auto& tested) {
                             return tested.param == PcChipsetKind::kQ35 ? "q35" : "pc";
                         });

TEST_P(PcBoardDirect, kernel_finds_the_machine_as_after_firmware) {
    Fixture f(GetParam());
    const bool q35 = GetParam() == PcChipsetKind::kQ35;
    f.config.direct_kernel = true;
    f.config.firmware.clear();
    f.config.kernel_files = small_kernel();
    ASSERT_TRUE(f.build());
    for (int round = 0; round < 2; ++round) {
        f.board->reset();
        f.board->start_kernel();
        const auto start = f.board->processor_start(0);
        ASSERT_TRUE(start && start->entry);
        EXPECT_EQ(start->entry->address, 0x100020u);
        EXPECT_EQ(f.machine.load(0x100000), 0x1badb002u);
        EXPECT_EQ(f.machine.load(start->entry->ebx + 4), 639u);
        // Tables can be read and not written.
        EXPECT_EQ(f.machine.load(0xffff0) & 0xffffff, 0x0cf9bau);
        f.machine.store(0xffff0, 0);
        EXPECT_EQ(f.machine.load(0xffff0) & 0xffffff, 0x0cf9bau);
        // Power management, interrupts, BARs.
        f.out(0x604, 1, 2);
        EXPECT_EQ(f.in(0x604, 2), 1u);
        EXPECT_EQ(f.in(0x4d1), 0x0eu);
        EXPECT_EQ(f.in(0x21), 0xfbu);
        f.out(0x64, 0x20);
        f.machine.advance_ns(10'000'000);
        EXPECT_EQ(f.in(0x60), 0x65u);
        EXPECT_EQ(f.config_read(q35 ? 31 : 1, 0, 0x60), 0x0b0b0a0au);
        EXPECT_EQ(f.config_read(q35 ? 31 : 1, q35 ? 2 : 1, 0x20) & ~0x1fu, q35 ? 0xc040u : 0xc000u);
        EXPECT_EQ(f.machine.load(0xb0000000), q35 ? 0x29c08086u : 0xffffffffu);
        // The kernel does what it likes.
        f.machine.store(0x100000, 0xdeadbeef);
        f.out(0x4d1, 0);
    }
    EXPECT_EQ(f.board->processor_start(1)->entry, std::nullopt);
}

TEST(PcBoard, machine_with_firmware_leaves_the_processors_at_the_reset_vector) {
    Fixture f;
    ASSERT_TRUE(f.build());
    f.board->start_kernel();
    EXPECT_EQ(f.board->processor_start(0), std::nullopt);
}

TEST(PcBoard, kernel_irqchip_is_set_up_for_a_kernel_without_firmware) {
    Fixture f;
    f.config.direct_kernel = true;
    f.config.kernel_files = small_kernel();
    FakeIrqchip irqchip;
    ASSERT_TRUE(f.build(&irqchip));
    f.board->start_kernel();
    EXPECT_EQ(irqchip.level_triggered, 0x0e00);
}

TEST(PcBoard, machine_without_firmware_needs_a_kernel_and_room) {
    Fixture f;
    f.config.direct_kernel = true;
    EXPECT_NE(f.error().find("no kernel"), std::string::npos);
    Fixture small;
    small.config.direct_kernel = true;
    small.config.kernel_files = small_kernel();
    small.config.ram_bytes = 1 << 20;
    EXPECT_NE(small.error().find("needs 2 MiB"), std::string::npos);
}

TEST(PcBoard, q35_state_goes_over_again_and_again) {
    Fixture source(PcChipsetKind::kQ35);
    Fixture target(PcChipsetKind::kQ35);
    ASSERT_EQ(source.error(), "built");
    ASSERT_EQ(target.error(), "built");
    auto stir = [](Fixture& f, unsigned seed) {
        f.config_write(0, 0, 0x60, 0xb0000001 + (seed << 28), 4);
        f.config_write(0, 0, 0x90, 0x30, 1);
        f.config_write(31, 0, 0x40, 0x600, 4);
        f.config_write(31, 0, 0x44, 0x80, 1);
        f.config_write(31, 0, 0xf0, 0xfed1c001, 4);
        f.config_write(31, 2, 0x24, 0xfebf0000 + 0x1000 * seed, 4);
        f.config_write(31, 2, 4, 6, 2);
        f.machine.store(0xfebf0000 + 0x1000 * seed + 0x118, 0x10);
        f.out(0x600 + 2, 0x100, 2);
        f.machine.advance_ns(1'000'000 * seed);
    };
    stir(target, 3);
    for (unsigned round = 1; round < 5; ++round) {
        stir(source, round);
        target.machine.advance_ns(source.machine.now_ns() - target.machine.now_ns());
        auto state = source.save_all();
        target.load_all(state);
        EXPECT_EQ(target.save_all(), state) << "round " << round;
    }
    uint64_t memory = target.machine.context.memory.generation();
    target.load_all(source.save_all());
    EXPECT_EQ(target.machine.context.memory.generation(), memory);
    EXPECT_EQ(target.machine.load(0xf0000000, 4), 0x29c08086u);
    auto power_on = [] {
        Fixture fresh(PcChipsetKind::kQ35);
        EXPECT_EQ(fresh.error(), "built");
        return fresh.save_all();
    }();
    source.machine.advance_ns(0);
    source.board->reset();
    EXPECT_EQ(source.save_all()["mch/0"], power_on["mch/0"]);
    EXPECT_EQ(source.save_all()["ich9_ahci/0"], power_on["ich9_ahci/0"]);
}

class PcBoardPorts : public ::testing::TestWithParam<PcChipsetKind> {};
INSTANTIATE_TEST_SUITE_P(Chipsets, PcBoardPorts,
                         ::testing::Values(PcChipsetKind::kI440fx, PcChipsetKind::kQ35));

TEST_P(PcBoardPorts, random_accesses_do_no_harm) {
    Fixture f(GetParam());
    f.config.serials[0] = &f.chardev;
    block::TemporaryFile file(512 * 64);
    ASSERT_TRUE(f.drives.add(OptionString::parse("format=raw,file=" + file.path(), "").value()));
    ASSERT_EQ(f.error(), "built");
    std::mt19937 random(31);
    for (int i = 0; i < 20000; ++i) {
        {
            MachineLockGuard guard(f.machine.context.lock);
            auto port = static_cast<uint16_t>(random() % 2 ? random() % 0x1000 : random());
            unsigned size = 1u << (random() % 3);
            if (random() % 2) {
                (void)f.in(port, size);
            } else {
                f.out(port, static_cast<uint32_t>(random()), size);
            }
        }
        if (i % 500 == 0) f.drives.drain();
        if (i % 97 == 0) f.machine.advance_ns(100'000);
    }
    f.drives.drain();
    auto state = f.save_all();
    f.load_all(state);
    EXPECT_EQ(f.save_all(), state);
}

}  // namespace
}  // namespace qc::hw
