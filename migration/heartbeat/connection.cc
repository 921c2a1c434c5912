// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/heartbeat/connection.h"

#include <array>

namespace qc::migration::heartbeat {

namespace {

constexpr size_t kMostKept = 16 * 1024;

}  // namespace

Connection::Connection(EventLoop& loop, std::unique_ptr<io::SocketChannel> channel, Handler handler,
                       int64_t now_ms)
    : channel_(std::move(channel)),
      handler_(std::move(handler)),
      name_(channel_->peer_name()),
      since_ms_(now_ms),
      heard_ms_(now_ms) {
    (void)channel_->set_no_delay(true);
    watch_ = loop.watch_fd(channel_->read_poll_fd(), FdEvents::kRead, [this] { readable(); });
}

void Connection::send(const Frame& frame) {
    if (closed_) return;
    const std::vector<std::byte> bytes = encode(frame);
    if (out_.size() + bytes.size() > kMostKept) return;
    out_.insert(out_.end(), bytes.begin(), bytes.end());
    flush();
}

void Connection::flush() {
    if (closed_ || out_.empty()) return;
    Result<std::optional<size_t>> written = channel_->try_write(io::ConstBytes(out_));
    if (!written) {
        end(written.error().message());
    } else if (*written) {
        out_.erase(out_.begin(), out_.begin() + static_cast<ptrdiff_t>(**written));
    }
}

void Connection::close() {
    closed_ = true;
    watch_ = {};
    channel_->shutdown();
}

void Connection::end(const std::string& why) {
    if (closed_) return;
    close();
    handler_.ended(*this, why);
}

void Connection::readable() {
    if (closed_) return;
    Result<bool> more = read();
    if (!more) {
        end(more.error().message());
        return;
    }
    bool ended = !*more;
    while (!closed_) {
        Result<bool> taken = take_frame();
        if (!taken) return end(taken.error().message());
        if (!*taken) break;
    }
    if (ended) end("the connection ended");
}

// False at the stream's end.
Result<bool> Connection::read() {
    std::array<std::byte, 4096> bytes;
    std::optional<size_t> count = TRY(channel_->try_read(bytes));
    if (!count) return true;
    in_.insert(in_.end(), bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(*count));
    return *count > 0;
}

// False if the next one is not there yet.
Result<bool> Connection::take_frame() {
    if (in_.size() < kFrameHeaderSize) return false;
    std::span<const std::byte> bytes(in_);
    FrameHeader header = TRY(parse_frame_header(bytes.first(kFrameHeaderSize)));
    const size_t size = kFrameHeaderSize + header.length;
    if (in_.size() < size) return false;
    Frame frame = TRY(parse_frame(header, bytes.subspan(kFrameHeaderSize, header.length)));
    in_.erase(in_.begin(), in_.begin() + static_cast<ptrdiff_t>(size));
    const bool is_hello = std::holds_alternative<Hello>(frame);
    if (is_hello == hello_.has_value()) {
        return fail("{}", is_hello ? "a second hello came" : "a frame came before the hello");
    }
    if (is_hello) hello_ = std::get<Hello>(frame);
    handler_.frame(*this, frame);
    return true;
}

}  // namespace qc::migration::heartbeat
