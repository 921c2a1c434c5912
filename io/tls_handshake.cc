// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/tls_handshake.h"

namespace qc::io {

TlsHandshake::TlsHandshake(EventLoop& loop, std::unique_ptr<TlsChannel> channel, Callback callback)
    : loop_(loop), channel_(std::move(channel)), callback_(std::move(callback)) {}

Result<std::unique_ptr<TlsHandshake>> TlsHandshake::start(EventLoop& loop,
                                                          std::unique_ptr<Channel> inner,
                                                          const crypto::TlsSettings& settings,
                                                          Callback callback) {
    std::unique_ptr<TlsChannel> channel = TRY(TlsChannel::create(std::move(inner), settings));
    std::unique_ptr<TlsHandshake> self(
        new TlsHandshake(loop, std::move(channel), std::move(callback)));
    TlsHandshake* const raw = self.get();
    raw->watch_ = loop.after_ms(0, [raw] { raw->step(); });
    raw->deadline_ = loop.after_ms(kDeadlineMs, [raw] {
        raw->finish(fail("TLS handshake with {}: timed out", raw->channel_->peer_name()));
    });
    return self;
}

void TlsHandshake::step() {
    const Result<TlsChannel::Progress> progress = channel_->try_handshake();
    if (!progress) {
        finish(Failure(progress.error()));
        return;
    }
    switch (*progress) {
        case TlsChannel::Progress::kDone: finish(std::move(channel_)); return;
        case TlsChannel::Progress::kReads:
            watch_ = loop_.watch_fd(channel_->read_poll_fd(), FdEvents::kRead, [this] { step(); });
            return;
        case TlsChannel::Progress::kWrites:
            watch_ =
                loop_.watch_fd(channel_->write_poll_fd(), FdEvents::kWrite, [this] { step(); });
            return;
    }
}

void TlsHandshake::finish(Result<std::unique_ptr<Channel>> result) {
    watch_ = {};
    deadline_ = {};
    // On the stack, because it may destroy this object.
    Callback callback = std::move(callback_);
    callback(std::move(result));
}

}  // namespace qc::io
