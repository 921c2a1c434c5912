// SPDX-License-Identifier: GPL-2.0-or-later
//
// A virtio block device: read, write, flush, identify, discard, write zeroes, on any
// number of queues. Source: virtio 1.2, section 5.2.
//
// Data go between the disk and RAM on the block device's threads, a piece at a time; a
// request that a reset has made void moves no further piece. When the block device is
// drained, so is this.
//
// Threading: machine lock. Owned by the transport's shell; the disk outlives it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "block/block_device.h"
#include "hw/virtio/virtio_device.h"

namespace qc::hw {

struct VirtioBlkState {
    bool write_cache = true;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("write_cache", s.write_cache);
    }
};

class VirtioBlk final : public VirtioDevice {
 public:
    static constexpr uint16_t kVirtioId = 2;
    static constexpr uint32_t kConfigSize = 60;
    static constexpr uint32_t kDefaultRangeSectors = 0x3fffff;

    struct Config {
        uint16_t queues = 1;
        uint16_t queue_size = 256;
        uint64_t ring_features = 0;
        std::string serial;
        uint32_t logical_block_size = 512;   // powers of two, at least 512
        uint32_t physical_block_size = 512;  // at least the logical size
        uint32_t min_io_size = 0;            // bytes
        uint32_t opt_io_size = 0;
        bool write_cache = true;
        bool config_wce = true;
        bool discard = true;
        bool write_zeroes = true;
        uint32_t max_discard_sectors = kDefaultRangeSectors;
        uint32_t max_write_zeroes_sectors = kDefaultRangeSectors;
    };
    VirtioBlk(Config config, block::BlockDevice& disk, VirtioMemory& memory,
              VirtioInterrupts& interrupts);
    ~VirtioBlk() override;

    std::vector<uint8_t> config_space() const override;
    void write_config(uint32_t offset, uint8_t value) override;

    VirtioBlkState save_blk() const { return {.write_cache = write_cache_}; }
    void restore_blk(const VirtioBlkState& state) { write_cache_ = state.write_cache; }

 private:
    // Of a queue's requests, until they are void.
    struct Ticket;
    struct Request;
    using RequestPtr = std::shared_ptr<Request>;

    void serve(unsigned queue) override;
    void forget(unsigned queue) override;
    void forget_all() override;
    void type_reset() override { write_cache_ = config_.write_cache; }

    bool start(const RequestPtr& request);
    void start_transfer(const RequestPtr& request);
    void start_range(const RequestPtr& request);
    void identify(const RequestPtr& request);
    void transfer_done(const RequestPtr& request, int error);
    void flush(const RequestPtr& request);
    void submit(const RequestPtr& request, block::BlockRequest what,
                std::move_only_function<void(int error)> done);
    void finish(const RequestPtr& request, uint8_t status);
    bool write_through() const;
    bool in_range(uint64_t sector, uint64_t bytes) const;

    const Config config_;
    block::BlockDevice& disk_;
    bool write_cache_;
    std::vector<std::shared_ptr<Ticket>> tickets_;  // by queue
};

}  // namespace qc::hw
