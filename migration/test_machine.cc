// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/test_machine.h"

#include <algorithm>
#include <cstring>

#include "util/assert.h"

namespace qc::migration {

namespace {

constexpr auto kBurstPause = std::chrono::microseconds(200);
constexpr auto kPatience = std::chrono::seconds(10);

}  // namespace

Result<void> TestDirtyLog::start() {
    QC_ASSERT(!running_);
    for (const auto& block : ram_.blocks()) {
        block->dirty().clear_all();
        block->set_dirty_logging(true);
    }
    running_ = true;
    return {};
}

void TestDirtyLog::stop() {
    for (const auto& block : ram_.blocks())
        block->set_dirty_logging(false);
    running_ = false;
}

Result<void> TestDirtyLog::collect(std::vector<Bitmap>& into) {
    if (fail_collect) return fail("the host has no dirty log today");
    for (size_t i = 0; i < into.size(); ++i)
        ram_.blocks()[i]->dirty().drain_into(into[i]);
    return {};
}

TestVcpu::TestVcpu(memory::RamBlock& ram, uint32_t pages, uint32_t burst)
    : ram_(ram), pages_(pages), burst_(burst) {}

accel::VcpuExit TestVcpu::run() {
    for (uint32_t i = 0;; ++i) {
        {
            MutexLock lock(mutex_);
            if (kicked_) {
                kicked_ = false;
                return accel::VcpuExit::kKicked;
            }
        }
        step();
        if (i % burst_ == burst_ - 1) std::this_thread::sleep_for(kBurstPause);
    }
}

void TestVcpu::step() {
    uint64_t value = state_.pass + 1;
    uint64_t offset = state_.index * memory::kPageSize;
    ram_.write(offset, std::as_bytes(std::span(&value, 1)));
    ram_.write(offset + memory::kPageSize - sizeof value, std::as_bytes(std::span(&value, 1)));
    if (++state_.index == pages_) {
        state_.index = 0;
        ++state_.pass;
    }
    steps_.fetch_add(1);
}

void TestVcpu::wait_for_event() {
    MutexLock lock(mutex_);
    while (!kicked_)
        changed_.wait(mutex_);
    kicked_ = false;
}

void TestVcpu::kick() {
    MutexLock lock(mutex_);
    kicked_ = true;
    changed_.notify_all();
}

Result<void> TestVcpu::validate(const State& state) const {
    if (state.index >= pages_) return fail("page {} of {}", state.index, pages_);
    return {};
}

Result<void> TestVcpu::restore(const State& state) {
    if (fail_restore) return fail("the kernel refuses");
    state_ = state;
    return {};
}

std::string TestVcpu::check_memory() const {
    for (uint32_t page = 0; page < pages_; ++page) {
        uint64_t expected = state_.pass + (page < state_.index ? 1 : 0);
        uint64_t first;
        uint64_t last;
        std::memcpy(&first, ram_.page(page).data(), sizeof first);
        std::memcpy(&last, ram_.page(page).last(sizeof last).data(), sizeof last);
        if (first != expected || last != expected) {
            return fmt::format("page {} holds {} and {}, the processor is in pass {} at page {}",
                               page, first, last, state_.pass, state_.index);
        }
    }
    return {};
}

void TestListener::colo_exited(ColoMode mode, ColoExitReason reason) {
    log(fmt::format("exit {} {}", mode == ColoMode::kPrimary ? "primary" : "secondary",
                    reason == ColoExitReason::kRequest ? "request" : "error"));
}

void TestListener::colo_failed(ColoMode, const std::string& message) {
    {
        MutexLock lock(mutex_);
        failure_ = message;
    }
    log("colo error");
}

void TestListener::colo_checkpoint_slow(const colo::CheckpointRecord&) {
    log("slow checkpoint");
}

void TestListener::incoming_failed(const std::string& message) {
    {
        MutexLock lock(mutex_);
        failure_ = message;
    }
    log("incoming failed");
}

void TestListener::log(std::string entry) {
    if (on_entry) on_entry(entry);
    MutexLock lock(mutex_);
    entries_.push_back(std::move(entry));
    changed_.notify_all();
}

bool TestListener::wait_for(const std::string& entry) {
    auto deadline = std::chrono::steady_clock::now() + kPatience;
    MutexLock lock(mutex_);
    while (std::ranges::find(entries_, entry) == entries_.end()) {
        if (!changed_.wait_until(mutex_, deadline)) return false;
    }
    return true;
}

std::vector<std::string> TestListener::entries() {
    MutexLock lock(mutex_);
    return entries_;
}

size_t TestListener::count(const std::string& entry) {
    MutexLock lock(mutex_);
    return static_cast<size_t>(std::ranges::count(entries_, entry));
}

std::string TestListener::failure() {
    MutexLock lock(mutex_);
    return failure_;
}

TestMachine::TestMachine(const Config& c) : config(c) {
    constexpr auto kRam = memory::RamBlock::Kind::kRam;
    auto* main_ram = c.ram != nullptr
                         ? ram.add_block({"pc.ram", c.ram, c.ram_is_shared, c.ram_is_shared}, kRam)
                         : *ram.create_block("pc.ram", c.ram_pages * memory::kPageSize, kRam);
    (void)*ram.create_block("pc.bios", 16 * memory::kPageSize, memory::RamBlock::Kind::kRom);
    vm = std::make_unique<runstate::VmControl>(runstate::VmControl::Deps{
        .lock = lock, .virtual_clock = clock, .clock_changed = [] {}, .internal_error = [] {}});
    cpu = std::make_unique<TestVcpu>(*main_ram, c.hot_pages, c.burst);
    {
        MachineLockGuard guard(lock);
        registry.add(cpu->state());
        registry.add(device.component);
    }
    QC_ASSERT(vm->add_vcpu(*cpu).has_value());
    vm->add_observer(*this);
    if (c.incoming) QC_ASSERT(vm->set_state(runstate::RunState::kInmigrate).has_value());
}

TestMachine::~TestMachine() {
    vm->shut_down();
    vm->remove_observer(*this);
}

MigrationDeps TestMachine::deps() {
    return {.machine_type = config.machine_type,
            .uuid = config.uuid,
            .processors = config.processors,
            .ram = ram,
            .registry = registry,
            .vm = *vm,
            .dirty_log = dirty_log,
            .machine_lock = lock,
            .events = events,
            .autostart = config.autostart,
            .requests = requests,
            .output_gate = output_gate};
}

void TestMachine::run_state_changed(runstate::RunState from, runstate::RunState to) {
    if (is_live(from) == is_live(to)) return;
    events.log(is_live(to) ? "RESUME" : "STOP");
}

std::string TestMachine::compare_ram(const TestMachine& other) const {
    for (size_t i = 0; i < ram.blocks().size(); ++i) {
        const memory::RamBlock& a = *ram.blocks()[i];
        const memory::RamBlock& b = *other.ram.blocks()[i];
        for (uint64_t page = 0; page < a.page_count(); ++page) {
            if (std::memcmp(a.page(page).data(), b.page(page).data(), memory::kPageSize) != 0) {
                return fmt::format("'{}' differs in page {}", a.id(), page);
            }
        }
    }
    return {};
}

void TestMachine::fill_cold_pages(uint8_t seed) {
    memory::RamBlock& block = *ram.blocks()[0];
    for (uint64_t page = config.hot_pages; page < block.page_count(); page += 3) {
        std::memset(block.page(page).data(), static_cast<int>(seed + page), memory::kPageSize);
    }
    std::memset(ram.blocks()[1]->page(3).data(), seed, memory::kPageSize);
}

}  // namespace qc::migration
