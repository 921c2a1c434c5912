// SPDX-License-Identifier: GPL-2.0-or-later
//
// A channel of UDP datagrams (RFC 768), for an event loop: only the try_ calls are
// used. What is written is cut into datagrams of kMaxDatagram bytes; one that is
// received may be read in pieces. A peer that does not listen is no error.
//
// Threading: as Channel.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "io/channel.h"
#include "io/socket_address.h"

namespace qc::chardev {

class UdpChannel final : public io::Channel {
 public:
    static constexpr size_t kMaxDatagram = 1024;

    // `local` may be null. Waits for names that have to be looked up until `deadline`.
    static Result<std::unique_ptr<UdpChannel>> create(const io::InetAddress& remote,
                                                      const io::InetAddress* local,
                                                      io::Deadline deadline);

    Result<std::optional<size_t>> try_read(io::Bytes buffer) override;
    using Channel::try_write;
    Result<std::optional<size_t>> try_write(std::span<const io::ConstBytes> parts) override;
    bool has_input() const override { return input_done_ < input_size_; }
    std::string peer_name() const override { return name_; }
    int read_poll_fd() const override { return socket_.get(); }

 private:
    UdpChannel(UniqueFd socket, std::string name);
    io::WaitOutcome wait(FdEvents direction, io::Deadline deadline) override;
    void on_shutdown() noexcept override;

    UniqueFd socket_;
    std::string name_;
    std::vector<std::byte> input_;
    size_t input_done_ = 0;
    size_t input_size_ = 0;
};

}  // namespace qc::chardev
