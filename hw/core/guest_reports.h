// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a guest, or the watchdog that it does not feed any more, tells the machine's
// owner, who decided beforehand what is to follow.
//
// Threading: thread-safe, never blocks; what follows is carried out by the main loop.
#pragma once

namespace qc::hw {

class GuestReports {
 public:
    virtual ~GuestReports() = default;
    virtual void guest_panicked() = 0;
    // The guest panicked, and saves its memory with a kernel that it had loaded for this.
    virtual void guest_crash_loaded() = 0;
    virtual void watchdog_expired() = 0;
};

}  // namespace qc::hw
