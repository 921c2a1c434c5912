// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/telnet_channel.h"

#include <algorithm>

namespace qc::chardev {

namespace {

constexpr std::byte kIac{TelnetFsm::kIac};

}  // namespace

TelnetChannel::TelnetChannel(std::unique_ptr<io::Channel> inner, std::function<void()> on_break)
    : inner_(std::move(inner)), on_break_(std::move(on_break)), own_(TelnetFsm::greeting()) {
    // A new connection has room for it; an error shows at the next call.
    (void)send_own();
}

Result<bool> TelnetChannel::send_own() {
    // Not between the halves of a doubled IAC.
    while (!own_.empty() && !half_written_) {
        const std::optional<size_t> written =
            TRY(inner_->try_write(std::as_bytes(std::span(own_))));
        if (!written) return false;
        own_.erase(0, *written);
    }
    return own_.empty();
}

Result<std::optional<size_t>> TelnetChannel::try_read(io::Bytes buffer) {
    const std::optional<size_t> count = TRY(inner_->try_read(buffer));
    if (!count || *count == 0) return count;
    const size_t kept = fsm_.decode(buffer.first(*count));
    own_ += fsm_.take_reply();
    TRY(send_own());
    for (unsigned breaks = fsm_.take_breaks(); breaks > 0; --breaks)
        on_break_();
    if (kept == 0) return std::optional<size_t>();
    return std::optional(kept);
}

Result<std::optional<size_t>> TelnetChannel::try_write(std::span<const io::ConstBytes> parts) {
    TRY(send_own());
    if (!own_.empty() && !half_written_) return std::optional<size_t>();
    const auto part =
        std::ranges::find_if(parts, [](io::ConstBytes bytes) { return !bytes.empty(); });
    if (part == parts.end()) return std::optional<size_t>(0);
    const io::ConstBytes data = *part;
    if (data.front() != kIac) {
        const auto plain = std::ranges::find(data, kIac) - data.begin();
        return inner_->try_write(data.first(static_cast<size_t>(plain)));
    }
    constexpr std::byte kDoubled[] = {kIac, kIac};
    const std::optional<size_t> written =
        TRY(inner_->try_write(io::ConstBytes(kDoubled).subspan(half_written_ ? 1 : 0)));
    if (!written) return std::optional<size_t>();
    if (!half_written_ && *written == 1) {
        half_written_ = true;
        return std::optional<size_t>();
    }
    half_written_ = false;
    return std::optional<size_t>(1);
}

}  // namespace qc::chardev
