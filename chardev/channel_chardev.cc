// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/channel_chardev.h"

#include <algorithm>
#include <array>
#include <utility>

#include "chardev/trace.h"

namespace qc::chardev {

namespace {

// One read of input; a front end takes it in pieces of its own size.
constexpr size_t kReadSize = 4096;

}  // namespace

ChannelChardev::ChannelChardev(EventLoop& loop, std::string id)
    : Chardev(std::move(id)), loop_(loop) {}

ChannelChardev::~ChannelChardev() {
    // Without the callbacks of flush(), which derived classes no longer answer.
    if (channel_ != nullptr) (void)drain();
}

ChardevCounters ChannelChardev::counters() const {
    MutexLock lock(mutex_);
    return counters_;
}

void ChannelChardev::post(void (ChannelChardev::*method)()) {
    loop_.post([this, alive = std::weak_ptr<bool>(alive_), method] {
        if (!alive.expired()) (this->*method)();
    });
}

void ChannelChardev::open_channel(std::unique_ptr<io::Channel> channel) {
    channel_ = std::move(channel);
    input_open_ = channel_->read_poll_fd() >= 0;
    trace::chardev_opened(id(), channel_->peer_name());
    {
        MutexLock lock(mutex_);
        accepting_ = true;
        live_ = channel_.get();
    }
    post(&ChannelChardev::announce);
}

void ChannelChardev::close_channel() {
    trace::chardev_closed(id());
    read_watch_ = {};
    write_watch_ = {};
    {
        MutexLock lock(mutex_);
        live_ = nullptr;
    }
    channel_.reset();
    input_open_ = false;
    outgoing_.clear();
    outgoing_done_ = 0;
    {
        MutexLock lock(mutex_);
        accepting_ = false;
        counters_.bytes_dropped += queued_;
        queue_.clear();
        queued_ = 0;
        flush_due_ = false;
    }
    closed();
    const std::weak_ptr<bool> alive = alive_;
    if (std::exchange(announced_, false) && frontend() != nullptr) {
        frontend()->event(ChardevEvent::kClosed);
    }
    if (!alive.expired()) tell_writable();
}

void ChannelChardev::shut_down_channel() {
    MutexLock lock(mutex_);
    if (live_ != nullptr) live_->shutdown();
}

void ChannelChardev::report_break() {
    if (frontend() != nullptr) frontend()->event(ChardevEvent::kBreak);
}

void ChannelChardev::end_input() {
    trace::chardev_input_ended(id());
    read_watch_ = {};
    input_open_ = false;
    if (std::exchange(announced_, false) && frontend() != nullptr) {
        frontend()->event(ChardevEvent::kClosed);
    }
}

void ChannelChardev::frontend_changed() {
    read_watch_ = {};
    announced_ = false;
    if (frontend() != nullptr) post(&ChannelChardev::announce);
}

void ChannelChardev::announce() {
    if (frontend() == nullptr || channel_ == nullptr || announced_) return;
    announced_ = true;
    const std::weak_ptr<bool> alive = alive_;
    frontend()->event(ChardevEvent::kOpened);
    if (!alive.expired()) update_read_watch();
}

void ChannelChardev::accept_input() {
    post(&ChannelChardev::update_read_watch);
}

void ChannelChardev::update_read_watch() {
    const bool wanted =
        announced_ && input_open_ && frontend() != nullptr && frontend()->can_receive() > 0;
    if (wanted == static_cast<bool>(read_watch_)) return;
    read_watch_ =
        wanted ? loop_.watch_fd(channel_->read_poll_fd(), FdEvents::kRead, [this] { read_ready(); })
               : EventLoop::Watch();
    if (wanted && channel_->has_input()) post(&ChannelChardev::read_buffered);
}

void ChannelChardev::read_buffered() {
    if (read_watch_ && channel_->has_input()) read_ready();
}

void ChannelChardev::read_ready() {
    std::array<std::byte, kReadSize> buffer;
    const size_t room = std::min(frontend()->can_receive(), buffer.size());
    if (room == 0) {
        read_watch_ = {};
        return;
    }
    const Result<std::optional<size_t>> count = channel_->try_read(std::span(buffer).first(room));
    if (!count) {
        input_ended(&count.error());
    } else if (*count == 0u) {
        input_ended(nullptr);
    } else if (*count) {
        const std::weak_ptr<bool> alive = alive_;
        if (auto fds = channel_->take_passed_fds(); !fds.empty()) {
            frontend()->receive_fds(std::move(fds));
        }
        frontend()->receive(std::span<const std::byte>(buffer).first(**count));
        if (alive.expired()) return;
        update_read_watch();
        if (read_watch_ && channel_->has_input()) post(&ChannelChardev::read_buffered);
    }
}

size_t ChannelChardev::write(std::span<const std::byte> data) {
    size_t taken;
    {
        MutexLock lock(mutex_);
        if (!accepting_) {
            counters_.bytes_dropped += data.size();
            return data.size();
        }
        taken = std::min(data.size(), kQueueLimit - queued_);
        queue_.insert(queue_.end(), data.begin(), data.begin() + static_cast<ptrdiff_t>(taken));
        queued_ += taken;
        if (taken < data.size()) refused_ = true;
        if (flush_due_) return taken;
        flush_due_ = true;
    }
    // The usual case on the main loop costs no further turn of it. Whatever calls
    // the front end back, an error or room in the queue, waits for that turn.
    if (loop_.is_current()) {
        const Result<Drained> drained = drain();
        if (drained && *drained == Drained::kAll && taken == data.size()) return taken;
    }
    post(&ChannelChardev::flush);
    return taken;
}

Result<ChannelChardev::Drained> ChannelChardev::drain() {
    while (true) {
        if (outgoing_done_ == outgoing_.size()) {
            outgoing_.clear();
            outgoing_done_ = 0;
            MutexLock lock(mutex_);
            outgoing_.swap(queue_);
            if (outgoing_.empty()) {
                flush_due_ = false;
                return Drained::kAll;
            }
        }
        const std::optional<size_t> written =
            TRY(channel_->try_write(io::ConstBytes(outgoing_).subspan(outgoing_done_)));
        if (!written) return Drained::kSome;
        outgoing_done_ += *written;
        MutexLock lock(mutex_);
        queued_ -= *written;
        counters_.bytes_written += *written;
    }
}

void ChannelChardev::flush() {
    if (channel_ == nullptr) return;
    const Result<Drained> drained = drain();
    if (!drained) {
        fail_output(drained.error());
        return;
    }
    if (*drained == Drained::kAll) {
        write_watch_ = {};
    } else if (!write_watch_) {
        write_watch_ =
            loop_.watch_fd(channel_->write_poll_fd(), FdEvents::kWrite, [this] { flush(); });
    }
    tell_writable();
}

void ChannelChardev::fail_output(const Error& error) {
    write_watch_ = {};
    const size_t dropped = outgoing_.size() - outgoing_done_;
    outgoing_.clear();
    outgoing_done_ = 0;
    {
        MutexLock lock(mutex_);
        queued_ -= dropped;
        counters_.bytes_dropped += dropped;
        ++counters_.host_errors;
    }
    trace::chardev_output_failed(id(), error.message(), dropped);
    const std::weak_ptr<bool> alive = alive_;
    output_failed(error, dropped);
    if (alive.expired()) return;
    // What came meanwhile gets its own attempt.
    post(&ChannelChardev::flush);
    tell_writable();
}

void ChannelChardev::tell_writable() {
    {
        MutexLock lock(mutex_);
        if (!refused_ || queued_ > kQueueLimit / 2) return;
        refused_ = false;
    }
    if (frontend() != nullptr) frontend()->writable();
}

}  // namespace qc::chardev
