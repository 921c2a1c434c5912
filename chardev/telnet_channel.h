// SPDX-License-Identifier: GPL-2.0-or-later
//
// Telnet over another channel, for an event loop: only the try_ calls are used.
// What telnet itself has to say is sent when there is room, with the next read or
// write.
//
// Threading: as Channel.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "chardev/telnet_fsm.h"
#include "io/channel.h"

namespace qc::chardev {

class TelnetChannel final : public io::Channel {
 public:
    // `on_break` is called from try_read(), before the bytes that came with it.
    TelnetChannel(std::unique_ptr<io::Channel> inner, std::function<void()> on_break);

    Result<std::optional<size_t>> try_read(io::Bytes buffer) override;
    using Channel::try_write;
    // After nothing was taken the same data must come again.
    Result<std::optional<size_t>> try_write(std::span<const io::ConstBytes> parts) override;
    bool has_input() const override { return inner_->has_input(); }
    std::string peer_name() const override { return inner_->peer_name(); }
    std::string local_name() const override { return inner_->local_name(); }
    int read_poll_fd() const override { return inner_->read_poll_fd(); }
    int write_poll_fd() const override { return inner_->write_poll_fd(); }

 private:
    io::WaitOutcome wait(FdEvents direction, io::Deadline deadline) override {
        return wait_on(*inner_, direction, deadline);
    }
    void on_shutdown() noexcept override { inner_->shutdown(); }
    // True if nothing of telnet's own is left to be sent.
    Result<bool> send_own();

    std::unique_ptr<io::Channel> inner_;
    std::function<void()> on_break_;
    TelnetFsm fsm_;
    std::string own_;
    // The first IAC of a doubled one was written.
    bool half_written_ = false;
};

}  // namespace qc::chardev
