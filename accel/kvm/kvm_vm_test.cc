// SPDX-License-Identifier: GPL-2.0-or-later
//
// Guest programs under the real /dev/kvm; skipped where there is none.
#include <gtest/gtest.h>

#include "accel/kvm/kvm_test_vm.h"
#include "hw/core/kernel_irqchip.h"
#include "state/conformance.h"

namespace qc::kvm {
namespace {

using accel::VcpuExit;

class KvmVmTest : public testing::Test {
 protected:
    // Skips the test where KVM is absent.
    void boot(const Program& program, const KvmOptions& options = {},
              std::string_view cpu = "qemu64") {
        std::string reason;
        vm_ = TestVm::create(program, reason, options, kRamSize, cpu);
        if (!vm_) GTEST_SKIP() << reason;
    }
    bool wait_for_count_beyond(uint32_t value) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
        while (vm_->ram_word(0x1000) <= value) {
            if (std::chrono::steady_clock::now() > deadline) return false;
            std::this_thread::yield();
        }
        return true;
    }
    std::vector<std::byte> saved() {
        MachineLockGuard guard(vm_->lock());
        auto data = vm_->vcpu().state().save_state();
        EXPECT_TRUE(data) << data.error().message();
        return data.value_or(std::vector<std::byte>{});
    }
    void load(const std::vector<std::byte>& data) {
        MachineLockGuard guard(vm_->lock());
        auto staged = vm_->vcpu().state().stage_state(1, data);
        ASSERT_TRUE(staged) << staged.error().message();
        auto committed = (*staged)->commit();
        ASSERT_TRUE(committed) << committed.error().message();
    }
    std::vector<Bitmap> collect() {
        std::vector<Bitmap> pages;
        pages.emplace_back(kRamSize / memory::kPageSize);
        pages.emplace_back(kRomSize / memory::kPageSize);
        EXPECT_TRUE(vm_->accelerator().dirty_log().collect(pages));
        return pages;
    }

    std::unique_ptr<TestVm> vm_;
};

constexpr KvmOptions kOwnIrqchip{.irqchip = KvmOptions::Irqchip::kOurs};

#define BOOT(...)                               \
    ASSERT_NO_FATAL_FAILURE(boot(__VA_ARGS__)); \
    if (!vm_) return

TEST_F(KvmVmTest, guest_writes_to_a_port) {
    BOOT(programs::kPrintOk);
    vm_->start();
    EXPECT_TRUE(vm_->console().wait_for(2));
    vm_->pause();
    EXPECT_EQ(vm_->console().text(), "ok");
    EXPECT_EQ(vm_->machine().errors, 0);
}

TEST_F(KvmVmTest, halted_guest_with_our_irqchip_leaves_run) {
    BOOT(programs::kPrintOk, kOwnIrqchip);
    vm_->start();
    EXPECT_TRUE(vm_->console().wait_for(2));
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (vm_->last_exit() != VcpuExit::kHalted && std::chrono::steady_clock::now() < deadline)
        std::this_thread::yield();
    EXPECT_EQ(vm_->last_exit(), VcpuExit::kHalted);
}

TEST_F(KvmVmTest, guest_reads_and_writes_device_memory) {
    // mov ax, A000h; mov ds, ax; mov al, [10h]; mov [11h], al; hlt
    BOOT({0xb8, 0x00, 0xa0, 0x8e, 0xd8, 0xa0, 0x10, 0x00, 0xa2, 0x11, 0x00, 0xf4});
    vm_->start();
    EXPECT_TRUE(vm_->console().wait_for(1));
    vm_->pause();
    EXPECT_EQ(vm_->console().text(), "Z");
}

TEST_F(KvmVmTest, write_to_rom_is_dropped) {
    // mov byte cs:[2000h], 7; mov al, cs:[2000h]; out E9h, al; hlt
    BOOT({0x2e, 0xc6, 0x06, 0x00, 0x20, 0x07, 0x2e, 0xa0, 0x00, 0x20, 0xe6, 0xe9, 0xf4});
    vm_->rom().host()[0x2000] = std::byte{'R'};
    vm_->start();
    EXPECT_TRUE(vm_->console().wait_for(1));
    vm_->pause();
    EXPECT_EQ(vm_->console().text(), "R");
}

TEST_F(KvmVmTest, string_output_arrives_whole_and_in_order) {
    // mov si, 100h; mov cx, 4; mov dx, E9h; rep cs outsb; hlt
    BOOT({0xbe, 0x00, 0x01, 0xb9, 0x04, 0x00, 0xba, 0xe9, 0x00, 0xf3, 0x2e, 0x6e, 0xf4});
    std::memcpy(vm_->rom().host() + 0x100, "data", 4);
    vm_->start();
    EXPECT_TRUE(vm_->console().wait_for(4));
    vm_->pause();
    EXPECT_EQ(vm_->console().text(), "data");
}

TEST_F(KvmVmTest, triple_fault_asks_for_a_reset_and_stops_the_vcpu) {
    // lidt cs:[100h] (zeros); mov eax, cr0; or al, 1; mov cr0, eax; mov ds, [100h]
    BOOT({0x2e, 0x0f, 0x01, 0x1e, 0x00, 0x01, 0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0, 0xb8,
          0xf8, 0xff, 0x8e, 0xd8});
    vm_->start();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (vm_->machine().resets == 0 && std::chrono::steady_clock::now() < deadline)
        std::this_thread::yield();
    vm_->pause();
    EXPECT_EQ(vm_->machine().resets, 1);
    EXPECT_EQ(vm_->machine().errors, 0);
}

TEST_F(KvmVmTest, kick_before_run_makes_it_return) {
    BOOT(programs::kCount);
    ASSERT_TRUE(vm_->vcpu().thread_started());
    vm_->vcpu().kick();
    EXPECT_EQ(vm_->vcpu().run(), VcpuExit::kKicked);
    EXPECT_EQ(vm_->ram_word(0x1000), 0u);
    vm_->vcpu().thread_ending();
}

TEST_F(KvmVmTest, many_pauses_lose_no_kick) {
    BOOT(programs::kCount);
    for (int i = 0; i < 200; ++i) {
        vm_->start();
        vm_->pause();
    }
    vm_->start();
    EXPECT_TRUE(wait_for_count_beyond(vm_->ram_word(0x1000)));
}

TEST_F(KvmVmTest, paused_guest_does_not_run) {
    BOOT(programs::kCount);
    vm_->start();
    EXPECT_TRUE(wait_for_count_beyond(100));
    vm_->pause();
    const uint32_t count = vm_->ram_word(0x1000);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(vm_->ram_word(0x1000), count);
}

TEST_F(KvmVmTest, dirty_log_contains_what_guest_and_host_wrote) {
    BOOT(programs::kCount);
    ASSERT_TRUE(vm_->accelerator().dirty_log().start());
    vm_->start();
    EXPECT_TRUE(wait_for_count_beyond(10));
    const std::byte data{1};
    vm_->ram().write(0x5000, std::span(&data, 1));
    vm_->pause();

    std::vector<Bitmap> pages = collect();

    EXPECT_TRUE(pages[0].test(1));
    EXPECT_TRUE(pages[0].test(2));
    EXPECT_TRUE(pages[0].test(5));
    EXPECT_LT(pages[0].count(), pages[0].size());
    // Nothing ran since.
    EXPECT_TRUE(collect()[0].none());
    // What is written again is recorded again.
    vm_->start();
    EXPECT_TRUE(wait_for_count_beyond(vm_->ram_word(0x1000)));
    vm_->pause();
    EXPECT_TRUE(collect()[0].test(1));
    vm_->accelerator().dirty_log().stop();
}

TEST_F(KvmVmTest, dirty_log_loses_no_write_while_the_guest_runs) {
    BOOT(programs::kCount);
    ASSERT_TRUE(vm_->accelerator().dirty_log().start());
    vm_->start();
    std::vector<std::byte> copy(kRamSize);
    std::memcpy(copy.data(), vm_->ram().host(), kRamSize);
    for (int i = 0; i < 200; ++i) {
        std::vector<Bitmap> pages = collect();
        if (i == 199) {
            vm_->pause();
            EXPECT_TRUE(vm_->accelerator().dirty_log().collect(pages));
        }
        for (size_t page = pages[0].find_next_set(0); page < pages[0].size();
             page = pages[0].find_next_set(page + 1)) {
            std::memcpy(copy.data() + page * memory::kPageSize, vm_->ram().page(page).data(),
                        memory::kPageSize);
        }
    }
    EXPECT_EQ(std::memcmp(copy.data(), vm_->ram().host(), kRamSize), 0);
}

TEST_F(KvmVmTest, removed_slot_counts_as_written) {
    BOOT(programs::kCount);
    ASSERT_TRUE(vm_->accelerator().dirty_log().start());
    auto cover = memory::MemoryRegion::io("cover", 0x10000, vm_->console());
    MachineLockGuard guard(vm_->lock());
    vm_->memory_root().add_child(0xc0000, cover, 1);
    vm_->memory().rebuild();
    EXPECT_TRUE(collect()[0].test(0xc0000 / memory::kPageSize));
    vm_->memory_root().remove_child(cover);
    vm_->memory().rebuild();
}

TEST_F(KvmVmTest, memory_map_follows_the_address_space) {
    // l: mov ax, C000h; mov ds, ax; mov al, [0]; out E9h, al; jmp l
    BOOT({0xb8, 0x00, 0xc0, 0x8e, 0xd8, 0xa0, 0x00, 0x00, 0xe6, 0xe9, 0xeb, 0xf4});
    vm_->ram().host()[0xc0000] = std::byte{'a'};
    vm_->ram().host()[0x30000] = std::byte{'b'};
    auto window =
        memory::MemoryRegion::alias("window", vm_->ram_region(), 0x30000, memory::kPageSize);
    bool moved = false;
    // As a chipset register would: from the vCPU's thread, under the machine lock.
    vm_->console().on_write = [&](uint64_t, uint64_t) {
        if (moved) return;
        moved = true;
        vm_->memory_root().add_child(0xc0000, window, 2);
        vm_->memory().rebuild();
    };
    vm_->start();
    EXPECT_TRUE(vm_->console().wait_for(3));
    vm_->pause();
    EXPECT_EQ(vm_->console().text().substr(0, 3), "abb");
    vm_->memory_root().remove_child(window);
}

TEST_F(KvmVmTest, loaded_vcpu_goes_on_where_it_was_saved) {
    BOOT(programs::kCount);
    vm_->start();
    EXPECT_TRUE(wait_for_count_beyond(1000));
    vm_->pause();
    const std::vector<std::byte> state = saved();
    const std::vector<std::byte> ram(vm_->ram().host(), vm_->ram().host() + kRamSize);
    vm_->start();
    EXPECT_TRUE(wait_for_count_beyond(vm_->ram_word(0x1000) + 1000));
    vm_->pause();

    std::memcpy(vm_->ram().host(), ram.data(), kRamSize);
    load(state);

    EXPECT_EQ(saved(), state);
    const uint32_t count = vm_->ram_word(0x1000);
    vm_->start();
    EXPECT_TRUE(wait_for_count_beyond(count + 10));
    vm_->pause();
    // The guest copies its count: at most one step lies between the two.
    EXPECT_LE(vm_->ram_word(0x1000) - vm_->ram_word(0x2000), 1u);
}

// What a guest tells KVM by an MSR: where in its memory something is to be kept.
struct Told {
    uint32_t msr;
    uint32_t value;
};
constexpr Told kWallClock{0x4b564d00, 0x3000};
constexpr Told kSystemTime{0x4b564d01, 0x4001};
constexpr Told kStealTime{0x4b564d03, 0x5001};
constexpr Told kPvEoi{0x4b564d04, 0x6001};

// For each: mov eax, value; xor edx, edx; mov ecx, msr; wrmsr
// Then: mov al, 'w'; out E9h, al; l: jmp l
Program tell(std::initializer_list<Told> all) {
    Program program;
    auto put = [&](std::initializer_list<uint8_t> code, uint32_t value) {
        program.insert(program.end(), code);
        for (unsigned i = 0; i < 4; ++i)
            program.push_back(static_cast<uint8_t>(value >> (8 * i)));
    };
    for (const Told& told : all) {
        put({0x66, 0xb8}, told.value);
        put({0x66, 0x31, 0xd2, 0x66, 0xb9}, told.msr);
        program.insert(program.end(), {0x0f, 0x30});
    }
    program.insert(program.end(), {0xb0, 'w', 0xe6, 0xe9, 0xeb, 0xfe});
    return program;
}

TEST_F(KvmVmTest, load_leaves_what_guest_and_kvm_share_as_it_is) {
    BOOT(tell({kWallClock, kSystemTime, kStealTime, kPvEoi}));
    const std::vector<std::byte> told_nothing = saved();
    vm_->start();
    EXPECT_TRUE(vm_->console().wait_for(1));
    vm_->pause();
    EXPECT_NE(vm_->ram_word(0x3004), 0u) << "KVM has not told the time";
    EXPECT_NE(vm_->ram_word(0x4000), 0u) << "KVM's clock does not run";
    const std::vector<std::byte> told = saved();
    std::memset(vm_->ram().host() + 0x3000, 0x5a, 0x4000);
    const std::vector<std::byte> ram(vm_->ram().host(), vm_->ram().host() + kRamSize);

    for (const auto* state : {&told, &told_nothing, &told}) {
        load(*state);
        EXPECT_EQ(std::memcmp(ram.data(), vm_->ram().host(), kRamSize), 0);
        EXPECT_EQ(saved(), *state);
    }
}

// Offsets into what the guest finds at 4B564D01h.
constexpr uint64_t kClockVersion = 0x4000;
constexpr uint64_t kClockFlags = 0x401d;
constexpr std::byte kClockGuestStopped{2};

TEST_F(KvmVmTest, guest_is_told_of_a_long_stop_by_its_clock) {
    BOOT(tell({kSystemTime}));
    vm_->start();
    EXPECT_TRUE(vm_->console().wait_for(1));
    vm_->pause();
    EXPECT_EQ(vm_->ram().host()[kClockFlags] & kClockGuestStopped, std::byte{0});
    const uint32_t version = vm_->ram_word(kClockVersion);
    std::this_thread::sleep_for(std::chrono::milliseconds(120));
    vm_->start();
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (vm_->ram_word(kClockVersion) < version + 2 &&
           std::chrono::steady_clock::now() < deadline) {
        std::this_thread::yield();
    }
    vm_->pause();
    EXPECT_EQ(vm_->ram().host()[kClockFlags] & kClockGuestStopped, kClockGuestStopped);
}

TEST_F(KvmVmTest, clock_that_cpuid_does_not_show_is_not_there) {
    BOOT(tell({kSystemTime}), {}, "qemu64,-kvmclock");
    // #GP is at 3000h:100h. mov al, 'g'; out E9h, al; l: jmp l
    const uint8_t vector[] = {0x00, 0x01, 0x00, 0x30};
    const uint8_t handler[] = {0xb0, 'g', 0xe6, 0xe9, 0xeb, 0xfe};
    std::memcpy(vm_->ram().host() + 13 * sizeof(vector), vector, sizeof(vector));
    std::memcpy(vm_->ram().host() + 0x30100, handler, sizeof(handler));
    vm_->start();
    EXPECT_TRUE(vm_->console().wait_for(1));
    vm_->pause();
    EXPECT_EQ(vm_->console().text(), "g");
    EXPECT_EQ(vm_->ram_word(kClockVersion), 0u);
}

TEST_F(KvmVmTest, pause_inside_a_port_access_saves_a_completed_instruction) {
    // mov dx, E9h; l: in al, dx; inc al; out dx, al; inc bx; jmp l
    BOOT({0xba, 0xe9, 0x00, 0xec, 0xfe, 0xc0, 0xee, 0x43, 0xeb, 0xf9});
    for (int i = 0; i < 100; ++i) {
        vm_->start();
        EXPECT_TRUE(vm_->console().wait_for(vm_->console().text().size() + 1));
        vm_->pause();
        load(saved());
    }
    // A read that was dropped or done twice would show as another character.
    EXPECT_EQ(vm_->console().text().find_first_not_of('['), std::string::npos);
}

TEST_F(KvmVmTest, guest_time_stands_still_with_the_vm) {
    BOOT(programs::kCount);
    vm_->start();
    EXPECT_TRUE(wait_for_count_beyond(10));
    vm_->pause();
    state::StateComponent* clock = vm_->accelerator().state_components().at(0);
    const std::vector<std::byte> time = *clock->save_state();
    const std::vector<std::byte> state = saved();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(saved(), state);
    EXPECT_EQ(*clock->save_state(), time);
}

// Interrupt 20h from a device of ours.
class OneInterrupt final : public hw::ApicPort {
 public:
    explicit OneInterrupt(accel::Vcpu*& vcpu) : vcpu_(vcpu) {}
    std::optional<uint8_t> acknowledge_interrupt() override {
        vcpu_->set_interrupt_line(false);
        return 0x20;
    }
    uint64_t apic_base() const override { return 0xfee00900; }
    bool set_apic_base(uint64_t) override { return true; }
    uint8_t task_priority_class() const override { return priority_; }
    void set_task_priority_class(uint8_t priority) override { priority_ = priority; }
    void cpu_init_reset() override {}

 private:
    accel::Vcpu*& vcpu_;
    uint8_t priority_ = 0;
};

TEST_F(KvmVmTest, interrupt_of_our_irqchip_wakes_a_halted_guest) {
    // xor ax, ax; mov ds, ax; mov ss, ax; mov sp, 7000h;
    // mov word [80h], 100h; mov word [82h], cs; mov al, 'h'; out E9h, al; sti; hlt;
    // mov al, 'w'; out E9h, al; cli; hlt          100h: mov al, 'i'; out E9h, al; iret
    BOOT({0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0, 0xbc, 0x00, 0x70, 0xc7, 0x06,
          0x80, 0x00, 0x00, 0x01, 0xc7, 0x06, 0x82, 0x00, 0x00, 0x30, 0xb0,
          'h',  0xe6, 0xe9, 0xfb, 0xf4, 0xb0, 'w',  0xe6, 0xe9, 0xfa, 0xf4},
         kOwnIrqchip);
    // The handler lies in RAM at 3000h:100h, a real-mode address.
    const uint8_t handler[] = {0xb0, 'i', 0xe6, 0xe9, 0xcf};
    std::memcpy(vm_->ram().host() + 0x30100, handler, sizeof(handler));
    accel::Vcpu* vcpu = &vm_->vcpu();
    OneInterrupt apic(vcpu);
    vcpu->connect_apic(apic);
    vm_->start();
    EXPECT_TRUE(vm_->console().wait_for(1));
    vcpu->set_interrupt_line(true);
    // IRET returns to the ROM through a real-mode segment: only the handler's own
    // output is certain.
    EXPECT_TRUE(vm_->console().wait_for(2));
    vm_->pause();
    EXPECT_EQ(vm_->console().text().substr(0, 2), "hi");
}

struct VcpuSubject final : state::ConformanceSubject {
    explicit VcpuSubject(const KvmOptions& options, std::string_view cpu = "qemu64") {
        std::string reason;
        vm = TestVm::create(programs::kCount, reason, options, kRamSize, cpu);
    }
    state::StateComponent& component() override { return vm->vcpu().state(); }
    void exercise(unsigned seed) override {
        vm->start();
        const uint32_t goal = seed * 1000;
        while (vm->ram_word(0x1000) < goal)
            std::this_thread::yield();
        vm->pause();
    }
    std::unique_ptr<TestVm> vm;
};

TEST_F(KvmVmTest, vcpu_state_conforms) {
    BOOT(programs::kCount);
    vm_.reset();
    state::check_conformance([] { return std::make_unique<VcpuSubject>(KvmOptions{}); }, "");
}

// Where the host has XSAVE, this has its whole image.
TEST_F(KvmVmTest, vcpu_state_of_the_host_model_conforms) {
    BOOT(programs::kCount);
    vm_.reset();
    state::check_conformance([] { return std::make_unique<VcpuSubject>(KvmOptions{}, "host"); },
                             "");
}

TEST_F(KvmVmTest, vcpu_state_without_kernel_apic_conforms) {
    BOOT(programs::kCount);
    vm_.reset();
    state::check_conformance([] { return std::make_unique<VcpuSubject>(kOwnIrqchip); }, "");
}

// One of the VM's other components, driven by the guest writing `seed` to a port.
struct IrqchipSubject final : state::ConformanceSubject {
    explicit IrqchipSubject(size_t which) : which_(which) {
        std::string reason;
        vm = TestVm::create(programs::kPrintOk, reason);
    }
    state::StateComponent& component() override {
        return *vm->accelerator().kernel_irqchip()->state_components().at(which_);
    }
    void exercise(unsigned seed) override {
        // out 43h, 36h; out 40h, seed, 12h; out 21h, seed; IOAPIC: id of its own
        // The 8254 counts on in a stop, so its first tick must have come: in al, 20h; test al, 1
        const auto value = static_cast<uint8_t>(seed);
        const Program code = {0xb0, 0x36, 0xe6, 0x43,  0xb0, value, 0xe6, 0x40, 0xb0, 0x12,
                              0xe6, 0x40, 0xb0, value, 0xe6, 0x21,  0xe4, 0x20, 0xa8, 0x01,
                              0x74, 0xfa, 0xb0, 'x',   0xe6, 0xe9,  0xfa, 0xf4};
        std::memcpy(vm->rom().host(), code.data(), code.size());
        vm->accelerator().kernel_irqchip()->set_gsi_level(16 + seed, true);
        vm->start();
        EXPECT_TRUE(vm->console().wait_for(1));
        vm->pause();
    }
    std::unique_ptr<TestVm> vm;
    size_t which_;
};

TEST_F(KvmVmTest, irqchip_state_conforms) {
    BOOT(programs::kPrintOk);
    if (!vm_->accelerator().kernel_irqchip()) GTEST_SKIP() << "no irqchip in this kernel";
    for (size_t which = 0; which < 3; ++which)
        state::check_conformance([=] { return std::make_unique<IrqchipSubject>(which); }, "");
}

TEST_F(KvmVmTest, reset_vcpu_starts_again) {
    BOOT(programs::kPrintOk);
    vm_->start();
    EXPECT_TRUE(vm_->console().wait_for(2));
    vm_->pause();
    {
        MachineLockGuard guard(vm_->lock());
        vm_->vcpu().reset();
    }
    vm_->start();
    EXPECT_TRUE(vm_->console().wait_for(4));
    EXPECT_EQ(vm_->console().text(), "okok");
}

}  // namespace
}  // namespace qc::kvm
