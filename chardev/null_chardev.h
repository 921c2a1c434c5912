// SPDX-License-Identifier: GPL-2.0-or-later
//
// The back end "null": takes everything, says nothing.
//
// Threading: as Chardev.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "chardev/local_chardev.h"

namespace qc::chardev {

class NullChardev final : public LocalChardev {
 public:
    NullChardev(EventLoop& loop, std::string id) : LocalChardev(loop, std::move(id)) {}

    std::string_view backend() const override { return "null"; }
    std::string description() const override { return "null"; }
    ChardevCounters counters() const override;

 private:
    size_t write(std::span<const std::byte> data) override;

    std::atomic<uint64_t> written_{0};
};

}  // namespace qc::chardev
