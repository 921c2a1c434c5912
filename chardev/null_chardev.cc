// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/null_chardev.h"

namespace qc::chardev {

NullChardev::NullChardev(EventLoop& loop, std::string id) : Chardev(std::move(id)), loop_(loop) {}

ChardevCounters NullChardev::counters() const {
    return {.bytes_written = written_.load(std::memory_order_relaxed)};
}

size_t NullChardev::write(std::span<const std::byte> data) {
    written_.fetch_add(data.size(), std::memory_order_relaxed);
    return data.size();
}

void NullChardev::frontend_changed() {
    announcement_ = {};
    if (frontend() == nullptr) return;
    announcement_ = loop_.after_ms(0, [this] { frontend()->event(ChardevEvent::kOpened); });
}

}  // namespace qc::chardev
