// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/tls_channel.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "util/machine_lock.h"

namespace qc::io {

namespace {

constexpr size_t kInputSize = 64 * 1024;
// What one try_write() takes at most: enough that system calls are few.
constexpr size_t kChunk = 16 * crypto::TlsSession::kMaxRecord;

}  // namespace

TlsChannel::TlsChannel(std::unique_ptr<Channel> inner)
    : inner_(std::move(inner)), input_(kInputSize) {}

TlsChannel::~TlsChannel() = default;

Result<std::unique_ptr<TlsChannel>> TlsChannel::create(std::unique_ptr<Channel> inner,
                                                       const crypto::TlsSettings& settings) {
    std::unique_ptr<TlsChannel> self(new TlsChannel(std::move(inner)));
    MutexLock lock(self->mutex_);
    self->session_ = TRY(crypto::TlsSession::create(settings, *self));
    return self;
}

Result<std::optional<size_t>> TlsChannel::pull(std::span<std::byte> buffer) {
    if (input_begin_ == input_end_) {
        Result<std::optional<size_t>> count = inner_->try_read(input_);
        if (!count) inner_error_ = count.error();
        if (!count || !*count || **count == 0) return count;
        input_begin_ = 0;
        input_end_ = **count;
    }
    const size_t count = std::min(buffer.size(), input_end_ - input_begin_);
    std::memcpy(buffer.data(), input_.data() + input_begin_, count);
    input_begin_ += count;
    return std::optional<size_t>(count);
}

void TlsChannel::push(std::span<const std::byte> data) {
    output_.insert(output_.end(), data.begin(), data.end());
}

Result<bool> TlsChannel::flush() {
    while (output_done_ < output_.size()) {
        const std::optional<size_t> count =
            TRY(inner_->try_write(ConstBytes(output_).subspan(output_done_)));
        if (!count) return false;
        output_done_ += *count;
    }
    output_.clear();
    output_done_ = 0;
    return true;
}

Error TlsChannel::explain(Error error) {
    if (inner_error_) return *inner_error_;
    error.add_context(inner_->peer_name());
    return error;
}

Result<TlsChannel::Progress> TlsChannel::try_handshake() {
    TRY(check_open("TLS handshake with"));
    MutexLock lock(mutex_);
    Result<bool> done = agreed_;
    Result<void> checked;
    if (!agreed_) {
        done = session_->handshake();
        if (done && *done) checked = session_->check_peer();
        agreed_ = done && *done && checked;
    }
    // Also what tells the peer why it is refused.
    Result<bool> flushed = flush();
    if (!done) return Failure(explain(done.error()));
    if (!checked) return Failure(explain(checked.error()));
    if (!TRY(std::move(flushed))) return Progress::kWrites;
    return *done ? Progress::kDone : Progress::kReads;
}

Result<void> TlsChannel::handshake(Deadline deadline, const Interrupt* interrupt) {
    assert_may_block();
    while (true) {
        const Progress progress = TRY(try_handshake());
        if (progress == Progress::kDone) return {};
        const FdEvents direction =
            progress == Progress::kReads ? FdEvents::kRead : FdEvents::kWrite;
        const int fd = progress == Progress::kReads ? read_poll_fd() : write_poll_fd();
        const WaitOutcome outcome = fd >= 0 && interrupt != nullptr
                                        ? wait_for(fd, direction, interrupt, deadline)
                                        : wait_on(*inner_, direction, deadline);
        if (outcome == WaitOutcome::kDeadline) {
            return fail("TLS handshake with {}: timed out", peer_name());
        }
        if (interrupt != nullptr && interrupt->triggered()) {
            return fail("TLS handshake with {}: interrupted", peer_name());
        }
    }
}

bool TlsChannel::has_input() const {
    MutexLock lock(mutex_);
    return session_->readable() > 0 || input_begin_ != input_end_;
}

Result<std::optional<size_t>> TlsChannel::try_read(Bytes buffer) {
    TRY(check_open("reading from"));
    MutexLock lock(mutex_);
    Result<std::optional<size_t>> count = session_->read(buffer);
    // A change of keys may have been answered.
    if (output_done_ < output_.size() && taken_ == 0) TRY(flush());
    if (!count) {
        TRY(check_open("reading from"));
        return Failure(explain(count.error()));
    }
    return count;
}

Result<size_t> TlsChannel::encrypt(std::span<const ConstBytes> parts) {
    std::vector<std::byte> record;
    size_t taken = 0;
    for (const ConstBytes& part : parts) {
        ConstBytes rest = part;
        while (!rest.empty() && taken < kChunk) {
            const size_t step =
                std::min(rest.size(), crypto::TlsSession::kMaxRecord - record.size());
            record.insert(record.end(), rest.begin(), rest.begin() + static_cast<ptrdiff_t>(step));
            rest = rest.subspan(step);
            taken += step;
            if (record.size() == crypto::TlsSession::kMaxRecord) {
                TRY(session_->write(record));
                record.clear();
            }
        }
    }
    if (!record.empty()) TRY(session_->write(record));
    return taken;
}

Result<std::optional<size_t>> TlsChannel::try_write(std::span<const ConstBytes> parts) {
    TRY(check_open("writing to"));
    MutexLock lock(mutex_);
    if (taken_ == 0 || parts.empty() || parts.front().data() != taken_from_) {
        // What a writer gave up on goes first all the same: it is in the stream.
        if (!TRY(flush())) return std::optional<size_t>();
        Result<size_t> taken = encrypt(parts);
        if (!taken) return Failure(explain(taken.error()));
        taken_ = *taken;
        taken_from_ = parts.empty() ? nullptr : parts.front().data();
    }
    if (!TRY(flush())) return std::optional<size_t>();
    return std::optional<size_t>(std::exchange(taken_, 0));
}

Result<void> TlsChannel::finish_writing(Deadline deadline) {
    assert_may_block();
    {
        MutexLock lock(mutex_);
        session_->end_writing();
    }
    while (true) {
        TRY(check_open("writing to"));
        {
            MutexLock lock(mutex_);
            if (TRY(flush())) break;
        }
        if (wait_on(*inner_, FdEvents::kWrite, deadline) == WaitOutcome::kDeadline) {
            return fail("writing to {}: timed out", peer_name());
        }
    }
    return inner_->finish_writing(deadline);
}

WaitOutcome TlsChannel::wait(FdEvents direction, Deadline deadline) {
    if (direction == FdEvents::kRead && has_input()) return WaitOutcome::kReady;
    return wait_on(*inner_, direction, deadline);
}

}  // namespace qc::io
