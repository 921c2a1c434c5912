// SPDX-License-Identifier: GPL-2.0-or-later
//
// A virtio entropy device: fills what the driver offers with random bytes, up to a
// number of bytes in every period. Source: virtio 1.2, section 5.4.
//
// A source that has nothing at the moment is asked again a little later.
//
// Threading: machine lock. Owned by the transport's shell.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "hw/virtio/virtio_device.h"
#include "util/entropy.h"
#include "util/timer.h"

namespace qc::hw {

struct VirtioRngState {
    uint64_t quota = 0;         // bytes left in the period
    int64_t period_end_ns = 0;  // 0: no period has begun

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("quota", s.quota);
        v("period_end_ns", s.period_end_ns);
    }
};

class VirtioRng final : public VirtioDevice {
 public:
    static constexpr uint16_t kVirtioId = 4;

    struct Config {
        uint64_t features = 0;
        uint64_t max_bytes = INT64_MAX;
        uint32_t period_ms = 65536;
    };
    VirtioRng(const Config& config, std::shared_ptr<EntropySource> source, TimerQueue& timers,
              VirtioMemory& memory, VirtioInterrupts& interrupts);

    VirtioRngState save_rng() const { return state_; }
    Result<void> validate_rng(const VirtioRngState& state) const;
    void restore_rng(const VirtioRngState& state);

 private:
    static constexpr size_t kMaxRead = 4096;

    void serve(unsigned queue) override;
    void forget(unsigned) override {}
    void forget_all() override {}
    void type_reset() override;
    bool allowed();

    const Config config_;
    const std::shared_ptr<EntropySource> source_;
    TimerQueue& timers_;
    VirtioRngState state_;
    std::vector<std::byte> stock_;  // read and not given yet
    Timer timer_;
};

}  // namespace qc::hw
