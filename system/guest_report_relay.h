// SPDX-License-Identifier: GPL-2.0-or-later
//
// Takes what devices report about the guest to the main loop.
//
// Threading: any thread; what it calls runs on the main loop. Owned by system::Machine.
#pragma once

#include <functional>

#include "hw/core/guest_reports.h"
#include "util/event/event_loop.h"

namespace qc::system {

class GuestReportRelay final : public hw::GuestReports {
 public:
    struct Receivers {
        std::function<void()> panicked;
        std::function<void()> crash_loaded;
        std::function<void()> watchdog;
    };
    GuestReportRelay(EventLoop& loop, Receivers receivers)
        : loop_(loop), receivers_(std::move(receivers)) {}

    void guest_panicked() override { loop_.post(receivers_.panicked); }
    void guest_crash_loaded() override { loop_.post(receivers_.crash_loaded); }
    void watchdog_expired() override { loop_.post(receivers_.watchdog); }

 private:
    EventLoop& loop_;
    Receivers receivers_;
};

}  // namespace qc::system
