// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/kvm/kvm_irqchip.h"

#include <cstring>
#include <ctime>

#include "state/component_of.h"
#include "util/log.h"

namespace qc::kvm {

namespace {

constexpr unsigned kPicPins = 16;
constexpr unsigned kTimerIoapicPin = 2;
constexpr unsigned kCascade = 2;
constexpr int64_t kPitFrequency = 1193182;
constexpr int64_t kNsPerSecond = 1'000'000'000;

struct PicsOwner {
    const KvmIrqchip& chip;
    Result<PicPairState> save() const { return chip.read_pics(); }
    Result<void> validate(const PicPairState& state) const { return kvm::validate(state); }
    Result<void> restore(const PicPairState& state) { return chip.write_pics(state); }
};
struct IoapicOwner {
    const KvmIrqchip& chip;
    Result<IoapicState> save() const { return chip.read_ioapic(); }
    Result<void> validate(const IoapicState& state) const { return kvm::validate(state); }
    Result<void> restore(const IoapicState& state) { return chip.write_ioapic(state); }
};
struct PitOwner {
    const KvmIrqchip& chip;
    Result<PitState> save() const { return chip.read_pit(); }
    Result<void> validate(const PitState& state) const { return kvm::validate(state); }
    Result<void> restore(const PitState& state) { return chip.write_pit(state); }
};

kvm_irq_routing_entry route(unsigned gsi, unsigned chip, unsigned pin) {
    kvm_irq_routing_entry entry{};
    entry.gsi = gsi;
    entry.type = KVM_IRQ_ROUTING_IRQCHIP;
    entry.u.irqchip.irqchip = chip;
    entry.u.irqchip.pin = pin;
    return entry;
}

// The level of OUT at `ticks` after the count was loaded (82C54 data sheet, mode
// definitions).
bool output_level(uint8_t mode, uint32_t count, int64_t ticks) {
    const int64_t period = count == 0 ? 0x10000 : count;
    switch (mode) {
        case 0: return ticks >= period;
        case 1: return ticks >= period;
        case 2: return ticks % period != period - 1;
        case 3: return ticks % period < (period + 1) / 2;
        default: return ticks != period;
    }
}

}  // namespace

struct KvmIrqchip::Components {
    explicit Components(const KvmIrqchip& chip)
        : pics_owner{chip}, ioapic_owner{chip}, pit_owner{chip} {}
    PicsOwner pics_owner;
    IoapicOwner ioapic_owner;
    PitOwner pit_owner;
    state::ComponentOf<PicsOwner, PicPairState> pics{{.name = "kvm-i8259"}, pics_owner};
    state::ComponentOf<IoapicOwner, IoapicState> ioapic{{.name = "kvm-ioapic"}, ioapic_owner};
    state::ComponentOf<PitOwner, PitState> pit{{.name = "kvm-pit"}, pit_owner};
};

KvmIrqchip::KvmIrqchip(const KvmFd& vm, hw::MachinePort& machine)
    : vm_(vm), machine_(machine), components_(std::make_unique<Components>(*this)) {}

KvmIrqchip::~KvmIrqchip() = default;

Result<std::unique_ptr<KvmIrqchip>> KvmIrqchip::create(const KvmFd& vm, hw::MachinePort& machine) {
    TRY(KVM_IOCTL(vm, KVM_CREATE_IRQCHIP));
    kvm_pit_config config{};
    config.flags = KVM_PIT_SPEAKER_DUMMY;
    TRY(KVM_IOCTL(vm, KVM_CREATE_PIT2, &config));
    std::unique_ptr<KvmIrqchip> chip(new KvmIrqchip(vm, machine));
    TRY(chip->route_interrupts());
    return chip;
}

Result<void> KvmIrqchip::route_interrupts() {
    std::vector<kvm_irq_routing_entry> entries;
    for (unsigned gsi = 0; gsi < kPicPins; ++gsi) {
        if (gsi == kCascade) continue;
        entries.push_back(
            route(gsi, gsi < 8 ? KVM_IRQCHIP_PIC_MASTER : KVM_IRQCHIP_PIC_SLAVE, gsi % 8));
    }
    for (unsigned gsi = 0; gsi < KVM_IOAPIC_NUM_PINS; ++gsi) {
        if (gsi == kCascade) continue;
        entries.push_back(route(gsi, KVM_IRQCHIP_IOAPIC, gsi == 0 ? kTimerIoapicPin : gsi));
    }
    const size_t bytes = entries.size() * sizeof(entries[0]);
    std::vector<uint64_t> buffer((sizeof(kvm_irq_routing) + bytes + 7) / 8);
    auto* routing = reinterpret_cast<kvm_irq_routing*>(buffer.data());
    routing->nr = static_cast<uint32_t>(entries.size());
    std::memcpy(reinterpret_cast<std::byte*>(buffer.data()) + sizeof(kvm_irq_routing),
                entries.data(), bytes);
    TRY(KVM_IOCTL(vm_, KVM_SET_GSI_ROUTING, routing));
    return {};
}

void KvmIrqchip::set_gsi_level(unsigned gsi, bool level) {
    kvm_irq_level line{};
    line.irq = gsi;
    line.level = level;
    if (auto result = KVM_IOCTL(vm_, KVM_IRQ_LINE, &line); !result) error_report(result.error());
}

void KvmIrqchip::send_msi(uint64_t address, uint16_t data) {
    kvm_msi message{};
    message.address_lo = static_cast<uint32_t>(address);
    message.address_hi = static_cast<uint32_t>(address >> 32);
    message.data = data;
    // Nobody may be there to take it, which is the guest's affair.
    if (auto result = KVM_IOCTL(vm_, KVM_SIGNAL_MSI, &message); !result) {
        error_report(result.error());
    }
}

void KvmIrqchip::reset() {
    report_failure(write_pics(reset_pics()));
    report_failure(write_ioapic(reset_ioapic()));
    report_failure(write_pit(reset_pit()));
}

void KvmIrqchip::set_up_pics(const hw::PicSetup& setup) {
    report_failure(write_pics(set_up(setup)));
}

std::vector<state::StateComponent*> KvmIrqchip::state_components() {
    return {&components_->pics, &components_->ioapic, &components_->pit};
}

void KvmIrqchip::set_pit_channel2_gate(bool gate) {
    auto pit = read_pit();
    if (!pit) return report_failure(Failure(std::move(pit).error()));
    if (pit->channels[2].gate == gate) return;
    pit->channels[2].gate = gate;
    report_failure(write_pit(*pit));
}

bool KvmIrqchip::pit_channel2_output() {
    kvm_pit_state2 pit{};
    if (auto result = KVM_IOCTL(vm_, KVM_GET_PIT2, &pit); !result) {
        error_report(result.error());
        return false;
    }
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    const kvm_pit_channel_state& channel = pit.channels[2];
    const int64_t elapsed =
        int64_t{now.tv_sec} * kNsPerSecond + now.tv_nsec - channel.count_load_time;
    // In two parts, or the product would overflow after two hours.
    const int64_t ticks = elapsed / kNsPerSecond * kPitFrequency +
                          elapsed % kNsPerSecond * kPitFrequency / kNsPerSecond;
    return output_level(channel.mode, channel.count, ticks);
}

void KvmIrqchip::set_pit_replaced(bool replaced) {
    auto pit = read_pit();
    if (!pit) return report_failure(Failure(std::move(pit).error()));
    const uint32_t flags = replaced ? pit->flags | KVM_PIT_FLAGS_HPET_LEGACY
                                    : pit->flags & ~uint32_t{KVM_PIT_FLAGS_HPET_LEGACY};
    if (flags == pit->flags) return;
    pit->flags = flags;
    report_failure(write_pit(*pit));
}

Result<void> KvmIrqchip::forget_missed_ticks() {
    return write_pit(TRY(read_pit()));
}

Result<PicPairState> KvmIrqchip::read_pics() const {
    PicPairState state;
    for (uint32_t i = 0; i < state.pics.size(); ++i) {
        kvm_irqchip chip{};
        chip.chip_id = KVM_IRQCHIP_PIC_MASTER + i;
        TRY(KVM_IOCTL(vm_, KVM_GET_IRQCHIP, &chip));
        state.pics[i] = from_kvm_pic(chip.chip.pic);
    }
    return state;
}

Result<void> KvmIrqchip::write_pics(const PicPairState& state) const {
    for (uint32_t i = 0; i < state.pics.size(); ++i) {
        kvm_irqchip chip{};
        chip.chip_id = KVM_IRQCHIP_PIC_MASTER + i;
        chip.chip.pic = to_kvm_pic(state.pics[i]);
        TRY(KVM_IOCTL(vm_, KVM_SET_IRQCHIP, &chip));
    }
    return {};
}

Result<IoapicState> KvmIrqchip::read_ioapic() const {
    kvm_irqchip chip{};
    chip.chip_id = KVM_IRQCHIP_IOAPIC;
    TRY(KVM_IOCTL(vm_, KVM_GET_IRQCHIP, &chip));
    return from_kvm_ioapic(chip.chip.ioapic);
}

Result<void> KvmIrqchip::write_ioapic(const IoapicState& state) const {
    kvm_irqchip chip{};
    chip.chip_id = KVM_IRQCHIP_IOAPIC;
    chip.chip.ioapic = to_kvm_ioapic(state);
    TRY(KVM_IOCTL(vm_, KVM_SET_IRQCHIP, &chip));
    return {};
}

Result<PitState> KvmIrqchip::read_pit() const {
    kvm_pit_state2 pit{};
    TRY(KVM_IOCTL(vm_, KVM_GET_PIT2, &pit));
    return from_kvm_pit(pit);
}

Result<void> KvmIrqchip::write_pit(const PitState& state) const {
    kvm_pit_state2 pit = to_kvm_pit(state);
    TRY(KVM_IOCTL(vm_, KVM_SET_PIT2, &pit));
    return {};
}

void KvmIrqchip::report_failure(const Result<void>& result) const {
    if (result) return;
    error_report(result.error());
    machine_.report_internal_error();
}

}  // namespace qc::kvm
