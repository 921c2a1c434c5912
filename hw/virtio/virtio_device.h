// SPDX-License-Identifier: GPL-2.0-or-later
//
// What every virtio device has, whatever bus it is on: features and their
// negotiation, the status, queues, a configuration space. Source: virtio 1.2,
// chapters 2 and 3. A type of device derives from it and serves queues; a transport
// shows the registers to the driver.
//
//            ACKNOWLEDGE, DRIVER, features            FEATURES_OK      DRIVER_OK
//   reset ------------------------------> negotiating -----------> ... ---------> live
//     ^                                                                            |
//     +---- status 0 ------ DEVICE_NEEDS_RESET: queues are not served <--- broken -+
//
// A driver that breaks the rules breaks the device, which then serves no queue until
// it is reset, and says so with DEVICE_NEEDS_RESET to drivers that know it.
//
// Threading: machine lock. Owned by the transport's shell.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "hw/virtio/virtio_memory.h"
#include "hw/virtio/virtqueue.h"

namespace qc::hw {

namespace virtio {
inline constexpr uint8_t kAcknowledge = 0x01;
inline constexpr uint8_t kDriver = 0x02;
inline constexpr uint8_t kDriverOk = 0x04;
inline constexpr uint8_t kFeaturesOk = 0x08;
inline constexpr uint8_t kNeedsReset = 0x40;
inline constexpr uint8_t kFailed = 0x80;

constexpr uint64_t feature(unsigned bit) {
    return uint64_t{1} << bit;
}
inline constexpr uint64_t kAnyLayout = feature(27);
inline constexpr uint64_t kIndirect = feature(28);
inline constexpr uint64_t kEventIndex = feature(29);
inline constexpr uint64_t kVersion1 = feature(32);
inline constexpr uint64_t kPacked = feature(34);
inline constexpr uint64_t kRingReset = feature(40);
}  // namespace virtio

struct VirtioState {
    uint8_t status = 0;
    bool broken = false;
    uint8_t generation = 0;
    uint64_t features = 0;  // what the driver took
    std::vector<VirtqueueState> queues;

    static constexpr uint32_t kMaxQueues = 1024;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("status", s.status);
        v("broken", s.broken);
        v("generation", s.generation);
        v("features", s.features);
        v.counted("queues", s.queues, kMaxQueues);
    }
};

// How a device reaches its driver: interrupts of the transport.
class VirtioInterrupts {
 public:
    virtual ~VirtioInterrupts() = default;
    virtual void queue_interrupt(unsigned queue) = 0;
    virtual void config_interrupt() = 0;
};

class VirtioDevice {
 public:
    struct Config {
        std::string_view name;  // for traces
        uint64_t features = 0;
        uint16_t queues = 1;
        uint16_t queue_size = 256;
    };
    virtual ~VirtioDevice() = default;
    VirtioDevice(const VirtioDevice&) = delete;
    VirtioDevice& operator=(const VirtioDevice&) = delete;

    // For the transport.
    uint64_t offered_features() const { return config_.features; }
    uint64_t features() const { return state_.features; }
    bool has(uint64_t feature) const { return (state_.features & config_.features & feature) != 0; }
    // Until FEATURES_OK or DRIVER_OK is set. Bits that were not offered make
    // FEATURES_OK fail, and mean nothing.
    void set_features(uint64_t features);
    uint8_t status() const { return state_.status; }
    // Bits are added; 0 resets.
    void set_status(uint8_t status);
    uint8_t generation() const { return state_.generation; }
    bool is_broken() const { return state_.broken; }
    bool live() const { return (state_.status & virtio::kDriverOk) != 0 && !state_.broken; }

    unsigned queue_count() const { return static_cast<unsigned>(queues_.size()); }
    Virtqueue& queue(unsigned index) { return queues_[index]; }
    const Virtqueue& queue(unsigned index) const { return queues_[index]; }
    void reset_queue(unsigned index);
    // The driver made buffers available. Others than queues that exist are ignored.
    void notify(unsigned index);
    void notify_all();

    // Bytes of the configuration space; past its end zeros, and nothing happens.
    virtual std::vector<uint8_t> config_space() const { return {}; }
    virtual void write_config(uint32_t /*offset*/, uint8_t /*value*/) {}

    void reset();

    VirtioState save() const;
    Result<void> validate(const VirtioState& state) const;
    void restore(const VirtioState& state);

 protected:
    VirtioDevice(const Config& config, VirtioMemory& memory, VirtioInterrupts& interrupts);

    // Takes what is there from a queue, now or later. Only while live().
    virtual void serve(unsigned queue) = 0;
    // Requests that are being carried out are void: of one queue, of all.
    virtual void forget(unsigned queue) = 0;
    virtual void forget_all() = 0;
    // Besides: what a type has of its own goes back to how it began.
    virtual void type_reset() {}

    VirtioMemory& memory() { return memory_; }
    // The next chain, or nothing: none there, or the device is broken now.
    bool pop(unsigned queue, VirtioChain& chain);
    // Hands it back and interrupts if the driver wants that.
    void push(unsigned queue, const VirtioChain& chain, uint32_t written);
    void break_device(std::string_view why);

 private:
    VirtqueueFormat format_of(const VirtioState& state) const;
    void apply_format();

    const Config config_;
    VirtioMemory& memory_;
    VirtioInterrupts& interrupts_;
    VirtioState state_;  // but for the queues
    std::vector<Virtqueue> queues_;
};

}  // namespace qc::hw
