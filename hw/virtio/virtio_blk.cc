// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/virtio/virtio_blk.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>

#include "hw/virtio/trace.h"
#include "hw/virtio/virtio_segments.h"
#include "util/bytes.h"
#include "util/checked.h"
#include "util/mutex.h"

namespace qc::hw {

namespace {

constexpr uint64_t kSector = 512;
constexpr uint64_t kHeaderSize = 16;
constexpr uint64_t kRangeSize = 16;
constexpr size_t kSerialSize = 20;
constexpr uint32_t kCacheByte = 32;  // writeback, in the configuration space

enum Type : uint32_t {
    kIn = 0,
    kOut = 1,
    kFlush = 4,
    kGetId = 8,
    kDiscard = 11,
    kWriteZeroes = 13,
};

enum Status : uint8_t { kOk = 0, kError = 1, kUnsupported = 2 };

constexpr uint64_t kSegMax = virtio::feature(2);
constexpr uint64_t kGeometry = virtio::feature(4);
constexpr uint64_t kReadOnly = virtio::feature(5);
constexpr uint64_t kBlockSize = virtio::feature(6);
constexpr uint64_t kFlushFeature = virtio::feature(9);
constexpr uint64_t kTopology = virtio::feature(10);
constexpr uint64_t kConfigWce = virtio::feature(11);
constexpr uint64_t kMultiQueue = virtio::feature(12);
constexpr uint64_t kDiscardFeature = virtio::feature(13);
constexpr uint64_t kWriteZeroesFeature = virtio::feature(14);

uint64_t features_of(const VirtioBlk::Config& config, const block::BlockDevice& disk) {
    uint64_t all =
        config.ring_features | kSegMax | kGeometry | kBlockSize | kFlushFeature | kTopology;
    if (disk.read_only()) all |= kReadOnly;
    if (config.config_wce) all |= kConfigWce;
    if (config.queues > 1) all |= kMultiQueue;
    if (config.discard) all |= kDiscardFeature;
    if (config.write_zeroes) all |= kWriteZeroesFeature;
    return all;
}

}  // namespace

struct VirtioBlk::Ticket {
    bool is_void() {
        MutexLock lock(mutex);
        return cancelled;
    }
    // Threads of the disk move pieces of several requests at the same time.
    bool begin_move() {
        MutexLock lock(mutex);
        if (!cancelled) ++moving;
        return !cancelled;
    }
    void end_move() {
        MutexLock lock(mutex);
        if (--moving == 0) still.notify_all();
    }
    // When it returns, no piece is on its way; one takes as long as a copy in memory.
    void cancel() {
        MutexLock lock(mutex);
        cancelled = true;
        while (moving != 0)
            still.wait(mutex);
    }

    Mutex mutex;
    CondVar still;
    unsigned moving GUARDED_BY(mutex) = 0;
    bool cancelled GUARDED_BY(mutex) = false;
};

// The data lie where the driver said; threads of the disk bring them there.
struct VirtioBlk::Request final : block::BlockMemory {
    int move(uint64_t position, std::span<std::byte> piece) override {
        if (!ticket->begin_move()) return ECANCELED;
        if (type == kIn) {
            data.write(position, piece);
        } else {
            data.read(position, piece);
        }
        ticket->end_move();
        return 0;
    }
    bool fill(uint64_t position, uint64_t bytes, const Fill& fill) override {
        if (!ticket->begin_move()) return false;
        const bool filled = data.fill(position, bytes, fill);
        ticket->end_move();
        return filled;
    }

    unsigned queue = 0;
    std::shared_ptr<Ticket> ticket;
    VirtioChain chain;
    uint32_t type = 0;
    uint64_t sector = 0;
    memory::RamBuffer data;
    uint64_t written = 0;  // into the driver's buffers
};

VirtioBlk::VirtioBlk(Config config, block::BlockDevice& disk, VirtioMemory& memory,
                     VirtioInterrupts& interrupts)
    : VirtioDevice({.name = "virtio-blk",
                    .features = features_of(config, disk),
                    .queues = config.queues,
                    .queue_size = config.queue_size},
                   memory, interrupts),
      config_(std::move(config)),
      disk_(disk),
      write_cache_(config_.write_cache),
      tickets_(config_.queues) {
    forget_all();
}

VirtioBlk::~VirtioBlk() {
    for (const auto& ticket : tickets_)
        ticket->cancel();
}

std::vector<uint8_t> VirtioBlk::config_space() const {
    const uint64_t sectors = disk_.length() / kSector;
    const auto ranges = [&](uint32_t limit) { return limit == 0 ? 0u : 1u; };
    ByteWriter out;
    out.le64(sectors);
    out.le32(0);  // no limit for a segment
    out.le32(config_.queue_size > 2 ? config_.queue_size - 2u : 1u);
    out.le16(static_cast<uint16_t>(std::clamp<uint64_t>(sectors / (16 * 63), 2, 16383)));
    out.u8(16);
    out.u8(63);
    out.le32(config_.logical_block_size);
    out.u8(static_cast<uint8_t>(
        std::countr_zero(config_.physical_block_size / config_.logical_block_size)));
    out.u8(0);  // aligned
    out.le16(static_cast<uint16_t>(config_.min_io_size / config_.logical_block_size));
    out.le32(config_.opt_io_size / config_.logical_block_size);
    out.u8(write_cache_ ? 1 : 0);
    out.u8(0);
    out.le16(config_.queues);
    out.le32(config_.max_discard_sectors);
    out.le32(ranges(config_.max_discard_sectors));
    out.le32(static_cast<uint32_t>(config_.logical_block_size / kSector));
    out.le32(config_.max_write_zeroes_sectors);
    out.le32(ranges(config_.max_write_zeroes_sectors));
    out.le32(1);  // zeros may be written by giving space back
    std::vector<uint8_t> space;
    for (std::byte byte : out.view())
        space.push_back(static_cast<uint8_t>(byte));
    return space;
}

void VirtioBlk::write_config(uint32_t offset, uint8_t value) {
    if (offset == kCacheByte && has(kConfigWce)) write_cache_ = (value & 1) != 0;
}

// A driver that can neither flush nor ask for that expects its writes to stay.
bool VirtioBlk::write_through() const {
    if (has(kConfigWce)) return !write_cache_;
    return !has(kFlushFeature) || !write_cache_;
}

bool VirtioBlk::in_range(uint64_t sector, uint64_t bytes) const {
    const uint64_t per_block = config_.logical_block_size / kSector;
    return sector % per_block == 0 && bytes % config_.logical_block_size == 0 &&
           range_fits(sector, bytes / kSector, disk_.length() / kSector);
}

void VirtioBlk::forget(unsigned queue) {
    if (tickets_[queue]) tickets_[queue]->cancel();
    tickets_[queue] = std::make_shared<Ticket>();
}

void VirtioBlk::forget_all() {
    for (unsigned queue = 0; queue < tickets_.size(); ++queue)
        forget(queue);
}

void VirtioBlk::serve(unsigned queue) {
    while (true) {
        auto request = std::make_shared<Request>();
        if (!pop(queue, request->chain)) return;
        request->queue = queue;
        request->ticket = tickets_[queue];
        if (!start(request)) return;
    }
}

// False: the device is broken now.
bool VirtioBlk::start(const RequestPtr& request) {
    const VirtioChain& chain = request->chain;
    if (chain.readable_bytes < kHeaderSize || chain.writable_bytes < 1) {
        break_device("a request has no header or no status");
        return false;
    }
    std::array<std::byte, kHeaderSize> header{};
    if (!gather(memory(), chain.readable, 0, header)) {
        break_device("a request's header is not in RAM");
        return false;
    }
    ByteReader in(header);
    request->type = in.le32("type").value_or(0);
    (void)in.le32("priority").value_or(0);
    request->sector = in.le64("sector").value_or(0);
    trace::virtio_blk_request(request->type, request->sector,
                              chain.readable_bytes + chain.writable_bytes);
    switch (request->type) {
        case kIn:
        case kOut: start_transfer(request); break;
        case kFlush: flush(request); break;
        case kGetId: identify(request); break;
        case kDiscard:
        case kWriteZeroes: start_range(request); break;
        default: finish(request, kUnsupported); break;
    }
    return live();
}

void VirtioBlk::start_transfer(const RequestPtr& request) {
    const bool in = request->type == kIn;
    const VirtioChain& chain = request->chain;
    const uint64_t bytes = in ? chain.writable_bytes - 1 : chain.readable_bytes - kHeaderSize;
    if (!in_range(request->sector, bytes)) return finish(request, kError);
    if (!in && disk_.read_only()) return finish(request, kError);
    if (bytes == 0) return finish(request, kOk);
    if (!locate(memory(), in ? chain.writable : chain.readable, in ? 0 : kHeaderSize, bytes, in,
                request->data)) {
        return break_device("data are not in RAM");
    }
    block::BlockRequest what;
    what.op = in ? block::BlockOp::kRead : block::BlockOp::kWrite;
    what.offset = request->sector * kSector;
    what.length = bytes;
    what.memory = request;
    submit(request, std::move(what), [this, request](int error) { transfer_done(request, error); });
}

void VirtioBlk::transfer_done(const RequestPtr& request, int error) {
    if (error != 0) {
        trace::virtio_blk_error(request->type, request->sector, error);
        return finish(request, kError);
    }
    if (request->type == kIn) request->written = request->data.length();
    if (request->type == kOut && write_through()) return flush(request);
    finish(request, kOk);
}

void VirtioBlk::submit(const RequestPtr& request, block::BlockRequest what,
                       std::move_only_function<void(int error)> done) {
    what.done = [request, done = std::move(done)](int error) mutable {
        if (!request->ticket->is_void()) done(error);
    };
    disk_.submit(std::move(what));
}

void VirtioBlk::flush(const RequestPtr& request) {
    block::BlockRequest what;
    what.op = block::BlockOp::kFlush;
    submit(request, std::move(what),
           [this, request](int error) { finish(request, error == 0 ? kOk : kError); });
}

void VirtioBlk::identify(const RequestPtr& request) {
    std::array<std::byte, kSerialSize> serial{};
    const auto text = std::as_bytes(std::span(config_.serial));
    std::copy_n(text.begin(), std::min(text.size(), serial.size()), serial.begin());
    const size_t bytes = std::min<uint64_t>(kSerialSize, request->chain.writable_bytes - 1);
    if (!scatter(memory(), request->chain.writable, 0, std::span(serial).first(bytes))) {
        return break_device("data are not in RAM");
    }
    request->written = bytes;
    finish(request, kOk);
}

// Discard and write zeroes: one range, as the configuration space says.
void VirtioBlk::start_range(const RequestPtr& request) {
    const bool zeroes = request->type == kWriteZeroes;
    if (!(zeroes ? config_.write_zeroes : config_.discard)) return finish(request, kUnsupported);
    if (request->chain.readable_bytes != kHeaderSize + kRangeSize || disk_.read_only()) {
        return finish(request, kError);
    }
    std::array<std::byte, kRangeSize> range{};
    if (!gather(memory(), request->chain.readable, kHeaderSize, range)) {
        return break_device("data are not in RAM");
    }
    ByteReader in(range);
    const uint64_t sector = in.le64("sector").value_or(0);
    const uint32_t sectors = in.le32("sectors").value_or(0);
    const uint32_t flags = in.le32("flags").value_or(0);
    constexpr uint32_t kUnmap = 1;
    if ((flags & ~(zeroes ? kUnmap : 0)) != 0) return finish(request, kUnsupported);
    const uint32_t limit = zeroes ? config_.max_write_zeroes_sectors : config_.max_discard_sectors;
    if (sectors > limit || !in_range(sector, sectors * kSector)) return finish(request, kError);
    if (sectors == 0) return finish(request, kOk);
    block::BlockRequest what;
    what.op = zeroes ? block::BlockOp::kWriteZeroes : block::BlockOp::kDiscard;
    what.offset = sector * kSector;
    what.length = sectors * kSector;
    what.may_unmap = (flags & kUnmap) != 0;
    submit(request, std::move(what), [this, request, zeroes](int error) {
        if (error == 0 && zeroes && write_through()) return flush(request);
        finish(request, error == 0 ? kOk : kError);
    });
}

void VirtioBlk::finish(const RequestPtr& request, uint8_t status) {
    const VirtioChain& chain = request->chain;
    const std::array<std::byte, 1> byte{std::byte{status}};
    if (!scatter(memory(), chain.writable, chain.writable_bytes - 1, byte)) {
        return break_device("a request's status is not in RAM");
    }
    push(request->queue, chain, static_cast<uint32_t>(request->written + 1));
}

}  // namespace qc::hw
