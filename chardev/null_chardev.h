// SPDX-License-Identifier: GPL-2.0-or-later
//
// The back end "null": takes everything, says nothing.
//
// Threading: as Chardev.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "chardev/chardev.h"
#include "util/event/event_loop.h"

namespace qc::chardev {

class NullChardev final : public Chardev {
 public:
    NullChardev(EventLoop& loop, std::string id);

    std::string_view backend() const override { return "null"; }
    std::string description() const override { return "null"; }
    ChardevCounters counters() const override;

 private:
    size_t write(std::span<const std::byte> data) override;
    void accept_input() override {}
    void frontend_changed() override;

    EventLoop& loop_;
    std::atomic<uint64_t> written_{0};
    EventLoop::Watch announcement_;
};

}  // namespace qc::chardev
