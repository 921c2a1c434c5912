// SPDX-License-Identifier: GPL-2.0-or-later
//
// A VM of 1 MiB of RAM and 64 KiB of ROM for the tests of KVM: the guest program
// lies at the ROM's beginning, and the reset vector jumps to it.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <initializer_list>
#include <string>
#include <thread>

#include "accel/kvm/kvm_accelerator.h"
#include "target/i386/cpu_model.h"
#include "target/i386/cpu_state.h"
#include "util/mutex.h"

namespace qc::kvm {

using Program = std::vector<uint8_t>;

inline constexpr uint64_t kRamSize = 0x100000;
inline constexpr uint64_t kRomSize = 0x10000;
inline constexpr uint64_t kRomAddress = 0xffff0000;

// Port E9h: gathers what the guest writes. Any other offset reads as 5Ah.
class TestConsole final : public memory::IoHandler {
 public:
    std::string_view io_name() const override { return "console"; }
    uint64_t io_read(uint64_t, unsigned) override { return 0x5a5a5a5a; }
    void io_write(uint64_t offset, unsigned, uint64_t value) override {
        if (on_write) on_write(offset, value);
        MutexLock lock(mutex_);
        text_ += static_cast<char>(value);
        changed_.notify_all();
    }
    // False if the guest did not write that much in five seconds.
    bool wait_for(size_t count) {
        const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
        MutexLock lock(mutex_);
        while (text_.size() < count)
            if (!changed_.wait_until(mutex_, deadline)) return false;
        return true;
    }
    std::string text() {
        MutexLock lock(mutex_);
        return text_;
    }
    std::function<void(uint64_t offset, uint64_t value)> on_write;

 private:
    Mutex mutex_;
    CondVar changed_;
    std::string text_ GUARDED_BY(mutex_);
};

class TestMachine final : public hw::MachinePort {
 public:
    void request_guest_reset() override { ++resets; }
    void request_guest_shutdown() override { ++shutdowns; }
    void request_guest_sleep(hw::SleepKind) override {}
    void request_wake_up() override {}
    void request_debug_exit(uint8_t) override {}
    void report_internal_error() override { ++errors; }
    std::atomic<int> resets = 0, shutdowns = 0, errors = 0;
};

class TestVm {
 public:
    // Null if there is no KVM here; then `reason` says why.
    static std::unique_ptr<TestVm> create(const Program& program, std::string& reason,
                                          const KvmOptions& options = {},
                                          uint64_t ram_size = kRamSize,
                                          std::string_view cpu = "qemu64") {
        std::unique_ptr<TestVm> vm(new TestVm);
        auto accelerator = create_kvm_accelerator(options, vm->deps_);
        if (!accelerator) {
            reason = accelerator.error().message();
            return nullptr;
        }
        vm->accelerator_ = std::move(*accelerator);
        vm->build(program, ram_size, cpu);
        return vm;
    }
    ~TestVm() { pause(); }

    accel::Accelerator& accelerator() { return *accelerator_; }
    accel::Vcpu& vcpu() { return *vcpu_; }
    memory::RamBlock& ram() { return *ram_; }
    memory::RamBlock& rom() { return *rom_; }
    TestConsole& console() { return console_; }
    TestMachine& machine() { return machine_; }
    MachineLock& lock() { return lock_; }
    memory::MemoryRegion& memory_root() { return memory_root_; }
    memory::MemoryRegion& ram_region() { return ram_region_; }
    memory::AddressSpace& memory() { return memory_; }
    accel::VcpuExit last_exit() const { return last_exit_; }

    void start() {
        {
            MachineLockGuard guard(lock_);
            accelerator_->guest_time_starting();
        }
        pausing_ = false;
        thread_ = std::thread([this] { run_vcpu(); });
    }
    // Returns when the vCPU's thread has left the guest.
    void pause() {
        if (!thread_.joinable()) return;
        pausing_ = true;
        vcpu_->kick();
        thread_.join();
        MachineLockGuard guard(lock_);
        accelerator_->guest_time_stopped();
    }

    uint32_t ram_word(uint64_t offset) const {
        uint32_t value;
        std::memcpy(&value, ram_->host() + offset, sizeof(value));
        return value;
    }

 private:
    TestVm() = default;

    void build(const Program& program, uint64_t ram_size, std::string_view cpu) {
        ram_ = *ram_list_.create_block("ram", ram_size, memory::RamBlock::Kind::kRam);
        rom_ = *ram_list_.create_block("rom", kRomSize, memory::RamBlock::Kind::kRom);
        std::memcpy(rom_->host(), program.data(), program.size());
        const uint8_t jump_to_start[] = {0xe9, 0x0d, 0x00};
        std::memcpy(rom_->host() + 0xfff0, jump_to_start, sizeof(jump_to_start));
        ram_region_ = memory::MemoryRegion::ram("ram", *ram_);
        rom_region_ = memory::MemoryRegion::rom("rom", *rom_);
        memory_root_.add_child(0, ram_region_);
        memory_root_.add_child(kRomAddress, rom_region_);
        memory_root_.add_child(0xa0000, mmio_region_, 1);
        io_root_.add_child(0xe9, console_region_);
        MachineLockGuard guard(lock_);
        memory_.rebuild();
        io_.rebuild();
        EXPECT_TRUE(accelerator_->attach_memory());
        auto choice = i386::choose_cpu_model(cpu, accelerator_->cpu_support());
        EXPECT_TRUE(choice) << choice.error().message();
        auto vcpu = accelerator_->create_vcpu(0, choice->model);
        EXPECT_TRUE(vcpu) << vcpu.error().message();
        vcpu_ = std::move(*vcpu);
        vcpu_->reset();
    }

    void run_vcpu() {
        EXPECT_TRUE(vcpu_->thread_started());
        while (!pausing_) {
            last_exit_ = vcpu_->run();
            if (last_exit_ == accel::VcpuExit::kHalted) vcpu_->wait_for_event();
            if (last_exit_ == accel::VcpuExit::kInternalError) break;
        }
        vcpu_->thread_ending();
    }

    MachineLock lock_;
    memory::RamList ram_list_;
    memory::RamBlock* ram_ = nullptr;
    memory::RamBlock* rom_ = nullptr;
    TestConsole console_;
    TestMachine machine_;
    FakeClock clock_;
    memory::MemoryRegion memory_root_ = memory::MemoryRegion::container("memory", 0);
    memory::MemoryRegion io_root_ = memory::MemoryRegion::container("io", 0x10000);
    memory::MemoryRegion console_region_ = memory::MemoryRegion::io("console", 1, console_);
    memory::MemoryRegion mmio_region_ = memory::MemoryRegion::io("mmio", 0x1000, console_);
    memory::MemoryRegion ram_region_ = memory::MemoryRegion::container("none", 1);
    memory::MemoryRegion rom_region_ = memory::MemoryRegion::container("none", 1);
    memory::AddressSpace memory_{memory_root_};
    memory::AddressSpace io_{io_root_};
    accel::AcceleratorDeps deps_{lock_, ram_list_, memory_, io_, machine_, clock_};
    std::unique_ptr<accel::Accelerator> accelerator_;
    std::unique_ptr<accel::Vcpu> vcpu_;
    std::atomic<bool> pausing_ = false;
    std::atomic<accel::VcpuExit> last_exit_ = accel::VcpuExit::kKicked;
    std::thread thread_;
};

// Guest programs, 16-bit code.
namespace programs {

// mov dx, E9h; mov al, 'o'; out dx, al; mov al, 'k'; out dx, al; hlt; jmp $-1
inline const Program kPrintOk = {0xba, 0xe9, 0x00, 0xb0, 'o',  0xee,
                                 0xb0, 'k',  0xee, 0xf4, 0xeb, 0xfd};

// xor ax, ax; mov ds, ax; l: inc dword [1000h]; mov eax, [1000h]; mov [2000h], eax;
// jmp l
inline const Program kCount = {0x31, 0xc0, 0x8e, 0xd8, 0x66, 0xff, 0x06, 0x00, 0x10, 0x66,
                               0xa1, 0x00, 0x10, 0x66, 0xa3, 0x00, 0x20, 0xeb, 0xf1};

// In flat 32-bit mode: writes one word in each of 16384 pages from 16 MiB on, counts
// the rounds at 1000h, for ever.
inline const Program kWrite64MiB = {
    0x2e, 0x66, 0x0f, 0x01, 0x16, 0x50, 0x00,           // lgdt cs:[50h]
    0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0,     // mov eax, cr0; or al, 1; mov cr0, eax
    0x66, 0xea, 0x20, 0x00, 0xff, 0xff, 0x08, 0x00,     // jmp 8:FFFF0020h
    0,    0,    0,    0,    0,    0,    0,    0,    0,  //
    0x66, 0xb8, 0x10, 0x00, 0x8e, 0xd8,                 // 20h: mov ax, 10h; mov ds, ax
    0xbf, 0x00, 0x00, 0x00, 0x01,                       // 26h: mov edi, 1000000h
    0xb9, 0x00, 0x40, 0x00, 0x00,                       // mov ecx, 4000h
    0xff, 0x07,                                         // 30h: inc dword [edi]
    0x81, 0xc7, 0x00, 0x10, 0x00, 0x00,                 // add edi, 1000h
    0xe2, 0xf6,                                         // loop 30h
    0xff, 0x05, 0x00, 0x10, 0x00, 0x00,                 // inc dword [1000h]
    0xeb, 0xe4,                                         // jmp 26h
    0,    0,    0,    0,    0,    0,    0,    0,    0, 0, 0, 0, 0, 0,  //
    0x17, 0x00, 0x58, 0x00, 0xff, 0xff, 0,    0,  // 50h: the GDT's limit and base
    0,    0,    0,    0,    0,    0,    0,    0,  // 58h: null, flat code, flat data
    0xff, 0xff, 0,    0,    0,    0x9b, 0xcf, 0,  //
    0xff, 0xff, 0,    0,    0,    0x93, 0xcf, 0};

}  // namespace programs

}  // namespace qc::kvm
