// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the parts of a checkpoint cost under this host's KVM: pause, state,
// dirty log, resume. The guests have 512 MiB.
#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "accel/kvm/kvm_test_vm.h"

namespace qc::kvm {
namespace {

constexpr uint64_t kBenchRam = uint64_t{512} << 20;

class Series {
 public:
    explicit Series(std::string name) : name_(std::move(name)) {}
    void time(const std::function<void()>& function) {
        const auto start = std::chrono::steady_clock::now();
        function();
        const std::chrono::duration<double, std::micro> spent =
            std::chrono::steady_clock::now() - start;
        samples_.push_back(spent.count());
    }
    void print() {
        std::ranges::sort(samples_);
        fmt::print("{:<32} p50 {:8.1f} us   p99 {:8.1f} us   max {:8.1f} us\n", name_,
                   samples_[samples_.size() / 2], samples_[samples_.size() * 99 / 100],
                   samples_.back());
    }

 private:
    std::string name_;
    std::vector<double> samples_;
};

void must(const Result<void>& result) {
    if (result) return;
    fmt::print(stderr, "{}\n", result.error().message());
    std::exit(1);
}

// Runs the vCPU for `milliseconds`; how long it took from the kick to the end.
void run_for(TestVm& vm, int milliseconds, Series& start, Series& kick, Series& stop) {
    accel::Vcpu& vcpu = vm.vcpu();
    std::atomic<int> phase = 0;
    {
        MachineLockGuard guard(vm.lock());
        start.time([&] { vm.accelerator().guest_time_starting(); });
    }
    std::thread runner([&] {
        must(vcpu.thread_started());
        phase = 1;
        while (vcpu.run() != accel::VcpuExit::kKicked) {
        }
        phase = 2;
        vcpu.thread_ending();
    });
    while (phase != 1)
        std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
    kick.time([&] {
        vcpu.kick();
        while (phase != 2)
            std::this_thread::yield();
    });
    runner.join();
    MachineLockGuard guard(vm.lock());
    stop.time([&] { vm.accelerator().guest_time_stopped(); });
}

int measure(std::string_view title, const Program& program, int rounds, int milliseconds) {
    std::string reason;
    const auto begin = std::chrono::steady_clock::now();
    auto vm = TestVm::create(program, reason, {}, kBenchRam);
    if (!vm) {
        fmt::print("skipped: {}\n", reason);
        return 77;
    }
    const std::chrono::duration<double, std::milli> spent =
        std::chrono::steady_clock::now() - begin;
    fmt::print("{}\n{:<32} {:.1f} ms\n", title, "create the VM", spent.count());

    Series start_log("dirty log: start, 512 MiB"), stop("guest time stopped"),
        start("guest time starting"), kick("kick until run() returned"), save("save vCPU"),
        stage("stage vCPU"), commit("commit vCPU"), collect("dirty log: collect, 512 MiB");
    memory::DirtyLog& log = vm->accelerator().dirty_log();
    start_log.time([&] { must(log.start()); });
    std::vector<Bitmap> pages;
    pages.emplace_back(kBenchRam / memory::kPageSize);
    pages.emplace_back(kRomSize / memory::kPageSize);
    size_t dirty = 0;
    for (int i = 0; i < rounds; ++i) {
        run_for(*vm, milliseconds, start, kick, stop);
        MachineLockGuard guard(vm->lock());
        state::StateComponent& state = vm->vcpu().state();
        std::vector<std::byte> data;
        save.time([&] { data = *state.save_state(); });
        std::unique_ptr<state::StagedState> staged;
        stage.time([&] { staged = *state.stage_state(1, data); });
        commit.time([&] { must(staged->commit()); });
        collect.time([&] { must(log.collect(pages)); });
        dirty += pages[0].count();
        pages[0].clear_all();
    }
    for (Series* series : {&start_log, &start, &kick, &stop, &save, &stage, &commit, &collect})
        series->print();
    fmt::print("{:<32} {}\n\n", "dirty pages a round, mean", dirty / static_cast<size_t>(rounds));
    return 0;
}

}  // namespace
}  // namespace qc::kvm

int main() {
    using namespace qc::kvm;
    if (int status = measure("A guest that counts in two pages", programs::kCount, 300, 2)) {
        return status;
    }
    return measure("A guest that writes 64 MiB again and again", programs::kWrite64MiB, 20, 300);
}
