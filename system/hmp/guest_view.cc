// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/hmp/guest_view.h"

#include <algorithm>
#include <array>

#include "state/fields.h"
#include "system/machine.h"
#include "util/bytes.h"
#include "util/little_endian.h"

namespace qc::system {

namespace {

constexpr uint64_t kPage = 4096;

}  // namespace

Result<GuestView> GuestView::create(monitor::MonitorContext& context) {
    if (context.machine == nullptr) return fail("There is no machine");
    return create(*context.machine, context.human->cpu);
}

Result<GuestView> GuestView::create(Machine& machine, uint32_t cpu) {
    return GuestView(machine, TRY(registers(machine, cpu)));
}

// Whoever runs the processor, its state is saved in one form.
Result<i386::CpuState> GuestView::registers(Machine& machine, uint32_t cpu) {
    if (cpu >= machine.vcpu_count()) return fail("invalid CPU index");
    state::StateComponent& component = machine.vcpu(cpu).state();
    std::optional<Result<std::vector<std::byte>>> saved;
    machine.vm().with_vcpus_paused([&] { saved = component.save_state(); });
    const std::vector<std::byte> bytes = TRY(*std::move(saved));
    i386::CpuState state;
    ByteReader in(bytes);
    state::FieldLoader loader(in, component.state_id().version);
    i386::CpuState::fields(loader, state);
    TRY(loader.take_status());
    return state;
}

uint64_t GuestView::read_entry(uint64_t address, unsigned size) const {
    std::array<std::byte, 8> bytes{};
    read_physical(address, std::span(bytes).first(size));
    return get_le(bytes, 0, size);
}

std::optional<uint64_t> GuestView::translate(uint64_t linear) const {
    return i386::translate(cpu_, linear, [this](uint64_t address, unsigned size) {
        return read_entry(address, size);
    });
}

bool GuestView::read_linear(uint64_t linear, std::span<std::byte> data) const {
    while (!data.empty()) {
        const std::optional<uint64_t> address = translate(linear);
        if (!address) return false;
        const size_t count = std::min<uint64_t>(data.size(), kPage - linear % kPage);
        read_physical(*address, data.first(count));
        data = data.subspan(count);
        linear += count;
    }
    return true;
}

void GuestView::read_physical(uint64_t address, std::span<std::byte> data) const {
    MachineLockGuard guard(machine_.core().lock);
    machine_.core().memory.read(memory::PhysAddr(address), data);
}

}  // namespace qc::system
