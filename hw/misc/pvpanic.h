// SPDX-License-Identifier: GPL-2.0-or-later
//
// The ISA form of the pvpanic device: one port, by which a guest says that it panicked.
// Reading it tells which reports it takes. Source: QEMU's docs/specs/pvpanic. It has no
// state.
//
// Threading: machine lock. Owned by the board.
#pragma once

#include "hw/core/device.h"
#include "hw/core/device_context.h"
#include "hw/core/guest_reports.h"
#include "memory/io_handler.h"

namespace qc::hw {

class Pvpanic final : public Device, public memory::IoHandler {
 public:
    static constexpr uint8_t kPanicked = 1;
    static constexpr uint8_t kCrashLoaded = 2;

    struct Config {
        uint16_t port = 0x505;
        uint8_t events = kPanicked | kCrashLoaded;
    };
    // `reports` may be null: nobody is told.
    Pvpanic(const Config& config, const DeviceContext& context, GuestReports* reports);
    ~Pvpanic() override;

    std::string_view type_name() const override { return "pvpanic"; }
    void reset() override {}
    std::vector<state::StateComponent*> state_components() override { return {}; }

    std::string_view io_name() const override { return "pvpanic"; }
    uint64_t io_read(uint64_t, unsigned) override { return events_; }
    void io_write(uint64_t offset, unsigned size, uint64_t value) override;

 private:
    uint8_t events_;
    GuestReports* reports_;
    memory::MemoryRegion& io_root_;
    memory::MemoryRegion region_;
};

}  // namespace qc::hw
