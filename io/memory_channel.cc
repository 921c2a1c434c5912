// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/memory_channel.h"

#include <algorithm>
#include <vector>

#include "util/mutex.h"

namespace qc::io {

// One direction.
struct MemoryChannel::Pipe {
    explicit Pipe(size_t limit) : capacity(limit) {}

    void close() noexcept {
        MutexLock lock(mutex);
        closed = true;
        changed.notify_all();
    }

    const size_t capacity;
    Mutex mutex;
    CondVar changed;
    // Bytes [consumed, size) are on their way.
    std::vector<std::byte> data GUARDED_BY(mutex);
    size_t consumed GUARDED_BY(mutex) = 0;
    bool closed GUARDED_BY(mutex) = false;
};

MemoryChannel::MemoryChannel(std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out)
    : in_(std::move(in)), out_(std::move(out)) {}

std::pair<std::unique_ptr<MemoryChannel>, std::unique_ptr<MemoryChannel>>
MemoryChannel::create_pair(size_t capacity) {
    auto there = std::make_shared<Pipe>(capacity);
    auto back = std::make_shared<Pipe>(capacity);
    std::unique_ptr<MemoryChannel> a(new MemoryChannel(back, there));
    std::unique_ptr<MemoryChannel> b(new MemoryChannel(there, back));
    return {std::move(a), std::move(b)};
}

MemoryChannel::~MemoryChannel() {
    shutdown();
}

Result<std::optional<size_t>> MemoryChannel::try_read(Bytes buffer) {
    TRY(check_open("reading from"));
    MutexLock lock(in_->mutex);
    const size_t available = in_->data.size() - in_->consumed;
    if (available == 0) {
        if (in_->closed) return std::optional<size_t>(0);
        return std::optional<size_t>();
    }
    const size_t count = std::min(available, buffer.size());
    std::copy_n(in_->data.begin() + static_cast<ptrdiff_t>(in_->consumed), count, buffer.begin());
    in_->consumed += count;
    if (in_->consumed == in_->data.size()) {
        in_->data.clear();
        in_->consumed = 0;
    }
    in_->changed.notify_all();
    return std::optional<size_t>(count);
}

Result<std::optional<size_t>> MemoryChannel::try_write(std::span<const ConstBytes> parts) {
    TRY(check_open("writing to"));
    MutexLock lock(out_->mutex);
    if (out_->closed) return fail("writing to memory: Broken pipe");
    size_t room = out_->capacity - (out_->data.size() - out_->consumed);
    if (room == 0) return std::optional<size_t>();
    size_t written = 0;
    for (ConstBytes part : parts) {
        const size_t count = std::min(room, part.size());
        out_->data.insert(out_->data.end(), part.begin(),
                          part.begin() + static_cast<ptrdiff_t>(count));
        written += count;
        room -= count;
    }
    out_->changed.notify_all();
    return std::optional<size_t>(written);
}

WaitOutcome MemoryChannel::wait(FdEvents direction, Deadline deadline) {
    const bool reading = direction == FdEvents::kRead;
    Pipe& pipe = reading ? *in_ : *out_;
    MutexLock lock(pipe.mutex);
    while (!was_shut_down()) {
        const size_t held = pipe.data.size() - pipe.consumed;
        if (pipe.closed || (reading ? held != 0 : held < pipe.capacity)) {
            return WaitOutcome::kReady;
        }
        if (deadline == kNoDeadline) {
            pipe.changed.wait(pipe.mutex);
        } else if (!pipe.changed.wait_until(pipe.mutex, deadline)) {
            return WaitOutcome::kDeadline;
        }
    }
    return WaitOutcome::kInterrupted;
}

void MemoryChannel::on_shutdown() noexcept {
    in_->close();
    out_->close();
}

}  // namespace qc::io
