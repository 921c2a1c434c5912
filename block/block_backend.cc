// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/block_backend.h"

#include <algorithm>
#include <cerrno>
#include <deque>
#include <span>

#include "block/trace.h"
#include "util/assert.h"
#include "util/checked.h"

namespace qc::block {

struct BlockBackend::Shared {
    struct Finished {
        BlockCompletion done;
        int error;
    };

    // Runs the completions that are waiting. Takes the machine lock for each, so
    // that vCPUs get their turn in between.
    void run_finished(MachineLock& machine_lock) {
        while (has_finished()) {
            MachineLockGuard guard(machine_lock);
            Finished finished;
            {
                MutexLock lock(mutex);
                if (queue.empty() || dead) return;
                finished = std::move(queue.front());
                queue.pop_front();
            }
            if (finished.done) finished.done(finished.error);
            MutexLock lock(mutex);
            if (--in_flight == 0) changed.notify_all();
        }
    }

    // Without the machine lock, which may be gone when this object's owner is.
    bool has_finished() const {
        MutexLock lock(mutex);
        return !dead && !queue.empty();
    }

    mutable Mutex mutex;
    CondVar changed;
    std::deque<Finished> queue GUARDED_BY(mutex);
    // Submitted, and its completion has not returned yet.
    unsigned in_flight GUARDED_BY(mutex) = 0;
    bool dead GUARDED_BY(mutex) = false;
    BlockStatistics statistics GUARDED_BY(mutex);
};

BlockBackend::BlockBackend(const Deps& deps, std::string id, std::unique_ptr<Image> image)
    : deps_(deps),
      id_(std::move(id)),
      image_(std::move(image)),
      shared_(std::make_shared<Shared>()) {}

BlockBackend::~BlockBackend() {
    gate_.close();
    MutexLock lock(shared_->mutex);
    shared_->dead = true;
    shared_->queue.clear();
}

namespace {

uint64_t length_of(const BlockRequest& request) {
    return request.buffers.empty() ? request.length : total_length(request.buffers);
}

}  // namespace

int BlockBackend::check(const BlockRequest& request) const {
    if (!image_) return ENOMEDIUM;
    if (request.op == BlockOp::kFlush) return 0;
    bool writes = request.op != BlockOp::kRead;
    if (writes && read_only()) return EROFS;
    const uint64_t bytes = length_of(request);
    if (bytes == 0 || !range_fits(request.offset, bytes, length())) return EINVAL;
    return 0;
}

namespace {

int transfer(Image& image, BlockOp op, uint64_t offset, std::span<const iovec> buffers) {
    return op == BlockOp::kRead ? image.read(offset, buffers) : image.write(offset, buffers);
}

// As much as is copied where a request is submitted, if the host has it in memory:
// to wake a worker takes longer.
constexpr uint64_t kCopiedAtOnce = 16 * 1024;

// Into guest RAM, if that takes no longer than a copy in memory.
bool fill_from_cache(Image& image, BlockRequest& request, uint64_t position, uint64_t bytes) {
    const uint64_t offset = request.offset + position;
    return request.memory->fill(position, bytes, [&](std::span<const iovec> ram) {
        return image.read_cached(offset, ram);
    });
}

// Between the image and guest RAM. What the host has in memory is copied once, without
// holding the RAM for longer than that takes; the rest by way of `scratch`.
int transfer_pieces(Image& image, BlockRequest& request, std::span<std::byte> scratch) {
    const bool reads = request.op == BlockOp::kRead;
    for (uint64_t position = 0; position < request.length;) {
        const auto piece =
            scratch.first(std::min<uint64_t>(scratch.size(), request.length - position));
        const uint64_t offset = request.offset + position;
        const iovec buffer{piece.data(), piece.size()};
        const auto move = [&] { return request.memory->move(position, piece); };
        const auto access = [&] { return transfer(image, request.op, offset, {&buffer, 1}); };
        if (!reads || !fill_from_cache(image, request, position, piece.size())) {
            int error = reads ? access() : move();
            if (error == 0) error = reads ? move() : access();
            if (error != 0) return error;
        }
        position += piece.size();
    }
    return 0;
}

int carry_out(Image& image, BlockRequest& request, std::span<std::byte> scratch) {
    switch (request.op) {
        case BlockOp::kRead:
        case BlockOp::kWrite:
            if (request.memory) return transfer_pieces(image, request, scratch);
            return transfer(image, request.op, request.offset, request.buffers);
        case BlockOp::kFlush: return image.flush();
        case BlockOp::kDiscard: return image.discard(request.offset, request.length);
        case BlockOp::kWriteZeroes:
            return image.write_zeroes(request.offset, request.length, request.may_unmap);
    }
    return EINVAL;
}

void count(BlockStatistics& statistics, const BlockRequest& request, int error) {
    uint64_t bytes = error == 0 ? length_of(request) : 0;
    switch (request.op) {
        case BlockOp::kRead:
            ++(error == 0 ? statistics.reads : statistics.failed_reads);
            statistics.read_bytes += bytes;
            return;
        case BlockOp::kWrite:
        case BlockOp::kWriteZeroes:
            ++(error == 0 ? statistics.writes : statistics.failed_writes);
            statistics.written_bytes += bytes;
            if (error == 0) {
                statistics.highest_write_end =
                    std::max(statistics.highest_write_end, request.offset + bytes);
            }
            return;
        case BlockOp::kFlush:
            ++(error == 0 ? statistics.flushes : statistics.failed_flushes);
            return;
        case BlockOp::kDiscard: ++statistics.discards; return;
    }
}

}  // namespace

void BlockBackend::submit(BlockRequest request) {
    QC_ASSERT(deps_.lock.held());
    {
        MutexLock lock(shared_->mutex);
        ++shared_->in_flight;
    }
    trace::block_submit(id_, static_cast<unsigned>(request.op), request.offset, length_of(request));
    std::optional<Gate::Pass> pass = gate_.enter();
    int error = pass ? check(request) : ENODEV;
    if (error != 0) {
        finish(request, error);
        return;
    }
    if (request.op == BlockOp::kRead && request.memory && request.length <= kCopiedAtOnce &&
        fill_from_cache(*image_, request, 0, request.length)) {
        finish(request, 0);
        return;
    }
    deps_.workers.run([this, image = image_, request = std::move(request),
                       pass = std::move(*pass)](std::span<std::byte> scratch) mutable {
        int result = carry_out(*image, request, scratch);
        finish(request, result);
    });
}

void BlockBackend::finish(BlockRequest& request, int error) {
    trace::block_complete(id_, static_cast<unsigned>(request.op), error);
    {
        MutexLock lock(shared_->mutex);
        count(shared_->statistics, request, error);
        const bool loop_knows = !shared_->queue.empty();
        shared_->queue.push_back({std::move(request.done), error});
        shared_->changed.notify_all();
        if (loop_knows) return;
    }
    deps_.loop.post(
        [shared = shared_, &machine_lock = deps_.lock] { shared->run_finished(machine_lock); });
}

void BlockBackend::drain() {
    assert_may_block();
    while (true) {
        shared_->run_finished(deps_.lock);
        MutexLock lock(shared_->mutex);
        if (shared_->in_flight == 0) return;
        // Every request ends: the kernel answers each call of a worker.
        while (shared_->queue.empty() && shared_->in_flight != 0)
            shared_->changed.wait(shared_->mutex);
    }
}

unsigned BlockBackend::in_flight() const {
    MutexLock lock(shared_->mutex);
    return shared_->in_flight;
}

BlockStatistics BlockBackend::statistics() const {
    MutexLock lock(shared_->mutex);
    return shared_->statistics;
}

void BlockBackend::tray_moved(bool open) {
    trace::block_tray(id_, open);
    if (deps_.tray_moved) deps_.tray_moved(open);
}

void BlockBackend::change_medium(std::unique_ptr<Image> image) {
    QC_ASSERT(deps_.lock.held());
    if (image_ && active_) image_->inactivate();
    image_ = std::move(image);
    if (tray_ != nullptr) tray_->medium_changed();
}

Result<void> BlockBackend::activate() {
    if (active_) return {};
    if (image_) TRY(image_->activate());
    active_ = true;
    trace::block_active(id_, true);
    return {};
}

void BlockBackend::inactivate() {
    if (!active_) return;
    if (image_) image_->inactivate();
    active_ = false;
    trace::block_active(id_, false);
}

}  // namespace qc::block
