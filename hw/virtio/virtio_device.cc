// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/virtio/virtio_device.h"

#include "hw/virtio/trace.h"
#include "util/assert.h"

namespace qc::hw {

using namespace virtio;

namespace {

// What the status register can hold.
constexpr uint8_t kStatusBits =
    kAcknowledge | kDriver | kDriverOk | kFeaturesOk | kNeedsReset | kFailed;

}  // namespace

VirtioDevice::VirtioDevice(const Config& config, VirtioMemory& memory, VirtioInterrupts& interrupts)
    : config_(config), memory_(memory), interrupts_(interrupts) {
    QC_ASSERT(config.queues >= 1 && config.queues <= VirtioState::kMaxQueues);
    QC_ASSERT(config.queue_size >= 1 && config.queue_size <= Virtqueue::kMaxSize);
    queues_.reserve(config.queues);
    for (unsigned i = 0; i < config.queues; ++i)
        queues_.emplace_back(memory, config.queue_size);
}

VirtqueueFormat VirtioDevice::format_of(const VirtioState& state) const {
    const uint64_t features = state.features & config_.features;
    // Drivers that negotiate in the old way have no packed rings.
    const bool negotiated = (state.status & kFeaturesOk) != 0;
    return {.packed = negotiated && (features & kPacked) != 0,
            .event_index = (features & kEventIndex) != 0,
            .indirect = (features & virtio::kIndirect) != 0};
}

void VirtioDevice::apply_format() {
    for (Virtqueue& queue : queues_)
        queue.set_format(format_of(state_));
}

void VirtioDevice::set_features(uint64_t features) {
    // Negotiated is negotiated.
    if ((state_.status & (kFeaturesOk | kDriverOk)) != 0) return;
    state_.features = features;
    apply_format();
}

void VirtioDevice::set_status(uint8_t status) {
    if (status == 0) return reset();
    const uint8_t before = state_.status;
    status = static_cast<uint8_t>((status & kStatusBits & ~kNeedsReset) | before);
    if ((status & ~before & kFeaturesOk) != 0) {
        const bool unknown = (state_.features & ~config_.features) != 0;
        const bool late = (before & kDriverOk) != 0;
        // A driver of virtio 1.0 that does not say so is none.
        if (unknown || late || !has(kVersion1))
            status = static_cast<uint8_t>(status & ~kFeaturesOk);
    }
    state_.status = status;
    apply_format();
    trace::virtio_status(config_.name, status, state_.features);
    // A driver may have told of buffers before it said that it is ready.
    if ((status & ~before & kDriverOk) != 0) notify_all();
}

void VirtioDevice::notify(unsigned index) {
    if (index < queues_.size() && queues_[index].registers().enabled && live()) serve(index);
}

void VirtioDevice::notify_all() {
    for (unsigned index = 0; index < queues_.size(); ++index)
        notify(index);
}

void VirtioDevice::reset_queue(unsigned index) {
    forget(index);
    queues_[index].reset();
}

void VirtioDevice::reset() {
    forget_all();
    state_ = {};
    for (Virtqueue& queue : queues_)
        queue.reset();
    apply_format();
    type_reset();
}

void VirtioDevice::break_device(std::string_view why) {
    if (state_.broken) return;
    trace::virtio_broken(config_.name, why);
    state_.broken = true;
    // Nothing is handed back any more, so nothing is out.
    forget_all();
    for (Virtqueue& queue : queues_)
        queue.registers().in_flight = 0;
    if (!has(kVersion1)) return;
    state_.status |= kNeedsReset;
    if ((state_.status & kDriverOk) != 0) interrupts_.config_interrupt();
}

bool VirtioDevice::pop(unsigned queue, VirtioChain& chain) {
    if (!live()) return false;
    const Virtqueue::Pop result = queues_[queue].pop(chain);
    if (result == Virtqueue::Pop::kBroken) break_device(queues_[queue].error());
    return result == Virtqueue::Pop::kChain;
}

void VirtioDevice::push(unsigned queue, const VirtioChain& chain, uint32_t written) {
    // A queue that is broken, or was turned off, hands nothing back; the count of
    // what is out goes down all the same.
    if (!queues_[queue].push(chain, written)) return break_device(queues_[queue].error());
    if (queues_[queue].take_signal()) interrupts_.queue_interrupt(queue);
}

VirtioState VirtioDevice::save() const {
    VirtioState state = state_;
    for (const Virtqueue& queue : queues_)
        state.queues.push_back(queue.registers());
    return state;
}

Result<void> VirtioDevice::validate(const VirtioState& state) const {
    if ((state.status & ~kStatusBits) != 0) return fail("status {:#x}", state.status);
    if ((state.status & kFeaturesOk) != 0 && (state.features & ~config_.features) != 0) {
        return fail("features {:#x} of {:#x} are not offered here",
                    state.features & ~config_.features, state.features);
    }
    if (state.queues.size() != queues_.size()) {
        return fail("{} queues, this device has {}", state.queues.size(), queues_.size());
    }
    for (unsigned i = 0; i < queues_.size(); ++i) {
        TRY(queues_[i].validate(state.queues[i], format_of(state)).context("queue {}", i));
    }
    return {};
}

void VirtioDevice::restore(const VirtioState& state) {
    forget_all();
    state_ = state;
    state_.queues.clear();
    for (unsigned i = 0; i < queues_.size(); ++i)
        queues_[i].restore(state.queues[i]);
    apply_format();
}

}  // namespace qc::hw
