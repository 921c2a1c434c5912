// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a disk controller is connected to: takes requests under the machine lock,
// has workers carry them out on an image, and hands the results back under the
// machine lock.
//
//   submit() -> worker: Image::read() ... -> finished queue -> completion
//                                              ^ emptied by the main loop,
//                                                or by drain()
//
// drain() runs completions itself, so it may be called on the main loop and off it.
//
// Threading: as BlockDevice; the rest as said at each function. Owned by DriveTable.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "block/block_device.h"
#include "block/image.h"
#include "block/worker_pool.h"
#include "util/event/event_loop.h"
#include "util/gate.h"
#include "util/machine_lock.h"

namespace qc::block {

// For query-blockstats.
struct BlockStatistics {
    uint64_t read_bytes = 0;
    uint64_t written_bytes = 0;
    uint64_t reads = 0;
    uint64_t writes = 0;
    uint64_t flushes = 0;
    uint64_t discards = 0;
    uint64_t failed_reads = 0;
    uint64_t failed_writes = 0;
    uint64_t failed_flushes = 0;
    // One past the highest byte written.
    uint64_t highest_write_end = 0;
};

class BlockBackend final : public BlockDevice {
 public:
    struct Deps {
        EventLoop& loop;
        MachineLock& lock;
        WorkerPool& workers;
        // The guest, not the host, moved the tray. Machine lock, any thread.
        std::function<void(bool open)> tray_moved = {};
    };
    // `image`: null for a drive without a medium.
    BlockBackend(const Deps& deps, std::string id, std::unique_ptr<Image> image);
    // Not under the machine lock. Requests still in flight are finished; their
    // completions do not run.
    ~BlockBackend() override;

    const std::string& id() const { return id_; }

    // Machine lock. A request past the end or with no bytes completes with EINVAL,
    // a write to a read-only image with EROFS, any without a medium with ENOMEDIUM;
    // no request fails at once.
    uint64_t length() const override { return image_ ? image_->length() : 0; }
    bool read_only() const override { return !image_ || image_->read_only(); }
    void submit(BlockRequest request) override;

    // Machine lock. The device, if it is one with a tray.
    void attach_tray(Tray* tray) override { tray_ = tray; }
    void tray_moved(bool open) override;
    Tray* tray() const { return tray_; }
    bool has_medium() const { return image_ != nullptr; }
    // Requests in flight end on the medium that they began with. Null: none from now
    // on. What was there is given up; `image` is active if this backend is.
    void change_medium(std::unique_ptr<Image> image);

    // Any thread, without the machine lock. Returns when no request is in flight
    // and every completion ran, those of requests that completions made included.
    void drain();

    // Any thread.
    unsigned in_flight() const;
    BlockStatistics statistics() const;

    // One thread at a time, drained.
    Result<void> activate();
    void inactivate();
    bool active() const { return active_; }

 private:
    struct Shared;
    int check(const BlockRequest& request) const;
    void finish(BlockRequest& request, int error);

    const Deps deps_;
    const std::string id_;
    // Shared with requests in flight.
    std::shared_ptr<Image> image_;
    Tray* tray_ = nullptr;
    bool active_ = false;
    Gate gate_;
    // Shared with functions that wait in the main loop's queue when this object dies.
    const std::shared_ptr<Shared> shared_;
};

}  // namespace qc::block
