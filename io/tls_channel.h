// SPDX-License-Identifier: GPL-2.0-or-later
//
// TLS over another channel. handshake() or, for those who must not wait,
// try_handshake() comes first; then it is a channel as any other.
//
// Threading: as Channel, before the handshake is done one thread only. What is
// read and what is written share one session, whose lock is held for moments and
// never while anybody waits.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crypto/tls_session.h"
#include "io/channel.h"
#include "util/mutex.h"

namespace qc::io {

class TlsChannel final : public Channel, private crypto::TlsWire {
 public:
    static Result<std::unique_ptr<TlsChannel>> create(std::unique_ptr<Channel> inner,
                                                      const crypto::TlsSettings& settings);
    ~TlsChannel() override;

    // Both sides agree on keys, and this side checks who the other is. Errors say
    // what was wrong and with whom. `interrupt` (may be null) breaks it off, as
    // shutdown() does.
    Result<void> handshake(Deadline deadline, const Interrupt* interrupt = nullptr);
    // One step of it: kDone, or what to wait for on the poll descriptors.
    enum class Progress : uint8_t { kDone, kReads, kWrites };
    Result<Progress> try_handshake();

    bool has_input() const override EXCLUDES(mutex_);

    Result<std::optional<size_t>> try_read(Bytes buffer) override;
    using Channel::try_write;
    // After nothing was taken the same data must come again, as blocking calls do.
    Result<std::optional<size_t>> try_write(std::span<const ConstBytes> parts) override;
    Result<void> set_no_delay(bool on) override { return inner_->set_no_delay(on); }
    bool two_way() const override { return inner_->two_way(); }
    // Ends TLS in this direction, so that the peer can tell that this was all.
    Result<void> finish_writing(Deadline deadline) override;

    std::string peer_name() const override { return inner_->peer_name(); }
    std::string local_name() const override { return inner_->local_name(); }
    // Input may wait behind the descriptor: try_read() until it has nothing, or
    // has_input().
    int read_poll_fd() const override { return inner_->read_poll_fd(); }
    int write_poll_fd() const override { return inner_->write_poll_fd(); }

 private:
    explicit TlsChannel(std::unique_ptr<Channel> inner);
    WaitOutcome wait(FdEvents direction, Deadline deadline) override;
    void on_shutdown() noexcept override { inner_->shutdown(); }
    Result<std::optional<size_t>> pull(std::span<std::byte> buffer) override REQUIRES(mutex_);
    void push(std::span<const std::byte> data) override REQUIRES(mutex_);

    // True when nothing encrypted is left to be written.
    Result<bool> flush() REQUIRES(mutex_);
    Result<size_t> encrypt(std::span<const ConstBytes> parts) REQUIRES(mutex_);
    // The inner channel's own error rather than TLS's words for it.
    Error explain(Error error) REQUIRES(mutex_);

    std::unique_ptr<Channel> inner_;
    mutable Mutex mutex_;
    std::unique_ptr<crypto::TlsSession> session_ GUARDED_BY(mutex_);
    // The handshake is done and the peer was checked.
    bool agreed_ GUARDED_BY(mutex_) = false;
    std::optional<Error> inner_error_ GUARDED_BY(mutex_);
    // Bytes [input_begin_, input_end_) have been read from the inner channel.
    std::vector<std::byte> input_ GUARDED_BY(mutex_);
    size_t input_begin_ GUARDED_BY(mutex_) = 0;
    size_t input_end_ GUARDED_BY(mutex_) = 0;
    // Encrypted; the first output_done_ bytes are written.
    std::vector<std::byte> output_ GUARDED_BY(mutex_);
    size_t output_done_ GUARDED_BY(mutex_) = 0;
    // So much of the data at this place is in output_, and its writer has not been
    // told yet.
    const std::byte* taken_from_ GUARDED_BY(mutex_) = nullptr;
    size_t taken_ GUARDED_BY(mutex_) = 0;
};

}  // namespace qc::io
