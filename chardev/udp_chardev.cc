// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/udp_chardev.h"

#include "chardev/udp_channel.h"
#include "util/log.h"

namespace qc::chardev {

namespace {

constexpr int64_t kStartupLookUpMs = 10'000;
// While a machine runs, the main loop is not held up for a name server.
constexpr int64_t kRuntimeLookUpMs = 100;

}  // namespace

Result<std::unique_ptr<UdpChardev>> UdpChardev::create(EventLoop& loop, std::string id,
                                                       const UdpConfig& config, Startup startup) {
    const io::Deadline deadline =
        io::deadline_in_ms(startup == Startup::kMayWait ? kStartupLookUpMs : kRuntimeLookUpMs);
    auto channel =
        TRY(UdpChannel::create(config.remote, config.local ? &*config.local : nullptr, deadline));
    std::unique_ptr<UdpChardev> chardev(new UdpChardev(loop, std::move(id)));
    chardev->open_channel(std::move(channel));
    return chardev;
}

void UdpChardev::input_ended(const Error* error) {
    if (error != nullptr) warn_report("chardev '{}': {}", id(), error->message());
    end_input();
}

void UdpChardev::output_failed(const Error& error, size_t) {
    if (std::exchange(reported_, true)) return;
    warn_report("chardev '{}': {}; output is lost", id(), error.message());
}

}  // namespace qc::chardev
