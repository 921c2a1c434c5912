// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/virtio/virtio_rng.h"

#include <algorithm>

#include "hw/core/ticks.h"
#include "hw/virtio/trace.h"
#include "hw/virtio/virtio_segments.h"

namespace qc::hw {

namespace {

constexpr int64_t kMillisecond = 1'000'000;
constexpr int64_t kRetryNs = 10 * kMillisecond;
constexpr uint16_t kQueueSize = 8;

}  // namespace

VirtioRng::VirtioRng(const Config& config, std::shared_ptr<EntropySource> source,
                     TimerQueue& timers, VirtioMemory& memory, VirtioInterrupts& interrupts)
    : VirtioDevice({.name = "virtio-rng",
                    .features = config.features,
                    .queues = 1,
                    .queue_size = kQueueSize},
                   memory, interrupts),
      config_(config),
      source_(std::move(source)),
      timers_(timers),
      timer_(timers, [this] { notify(0); }) {
    state_.quota = config.max_bytes;
}

void VirtioRng::type_reset() {
    state_ = {.quota = config_.max_bytes};
    timer_.cancel();
}

// Whether the present period still has bytes; arms the timer for its end if not.
bool VirtioRng::allowed() {
    const int64_t now = timers_.clock().now_ns();
    if (state_.period_end_ns == 0 || now >= state_.period_end_ns) {
        state_.quota = config_.max_bytes;
        state_.period_end_ns = now + config_.period_ms * kMillisecond;
    }
    if (state_.quota != 0) return true;
    timer_.arm_at_ns(state_.period_end_ns);
    return false;
}

void VirtioRng::serve(unsigned queue) {
    VirtioChain chain;
    while (allowed()) {
        if (stock_.empty()) {
            stock_.resize(kMaxRead);
            stock_.resize(source_->read(stock_));
        }
        if (stock_.empty()) return timer_.arm_at_ns(timers_.clock().now_ns() + kRetryNs);
        if (!pop(queue, chain)) return;
        if (chain.writable_bytes == 0) return break_device("a request for no bytes");
        const uint64_t room = std::min(chain.writable_bytes, state_.quota);
        const auto bytes = static_cast<size_t>(std::min<uint64_t>(room, stock_.size()));
        if (!scatter(memory(), chain.writable, 0, std::span(stock_).last(bytes))) {
            return break_device("a buffer is not in RAM");
        }
        trace::virtio_rng_fill(bytes);
        stock_.resize(stock_.size() - bytes);
        state_.quota -= bytes;
        push(queue, chain, static_cast<uint32_t>(bytes));
    }
}

Result<void> VirtioRng::validate_rng(const VirtioRngState& state) const {
    if (state.quota > config_.max_bytes) return fail("{} bytes left of a period", state.quota);
    if (state.period_end_ns < 0 || state.period_end_ns > kMaxTimeNs) {
        return fail("a period that ends at {}", state.period_end_ns);
    }
    return {};
}

void VirtioRng::restore_rng(const VirtioRngState& state) {
    state_ = state;
    // Whatever it waited for; when the guest runs it finds out again.
    timer_.arm_at_ns(timers_.clock().now_ns());
}

}  // namespace qc::hw
