// SPDX-License-Identifier: GPL-2.0-or-later
//
// The back end "udp": output goes into datagrams to one address, and what comes from
// it is input.
//
// Threading: as Chardev. Only create() may block, at start-up, to look up a name.
#pragma once

#include <memory>
#include <string>

#include "chardev/channel_chardev.h"
#include "chardev/chardev_config.h"

namespace qc::chardev {

class UdpChardev final : public ChannelChardev {
 public:
    static Result<std::unique_ptr<UdpChardev>> create(EventLoop& loop, std::string id,
                                                      const UdpConfig& config, Startup startup);

    std::string_view backend() const override { return "udp"; }
    std::string description() const override { return "udp"; }

 private:
    UdpChardev(EventLoop& loop, std::string id) : ChannelChardev(loop, std::move(id)) {}
    void input_ended(const Error* error) override;
    void output_failed(const Error& error, size_t dropped) override;

    bool reported_ = false;
};

}  // namespace qc::chardev
