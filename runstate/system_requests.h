// SPDX-License-Identifier: GPL-2.0-or-later
//
// Requests to reset, shut down, suspend or stop the machine, from the guest, the monitor
// and the host, gathered until the main loop carries them out. Of several causes
// for one action the first is kept, unless it is being held back.
//
// A policy may hold back what the guest asked for: COLO makes a last checkpoint
// before a guest's reset or shutdown takes effect, so that both sides follow it.
//
//   request_*()  --(any thread)-->  pending  --take()-->  main loop acts
//                                      | policy says kDefer
//                                      v
//                                   deferred --release_deferred()--> pending
//
// Threading: thread-safe; take() belongs to the main loop. Owned by
// system::Machine.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "hw/core/machine_port.h"
#include "util/mutex.h"

namespace qc::runstate {

enum class ShutdownCause : uint8_t {
    kNone,
    kHostError,
    kHostQmpQuit,
    kHostQmpSystemReset,
    kHostSignal,
    kHostUi,
    kGuestShutdown,
    kGuestReset,
    kGuestPanic,
    kSubsystemReset,
    kSnapshotLoad,
};

// QMP's spelling: "host-qmp-quit".
std::string_view to_string(ShutdownCause cause);
// The `guest` member of the SHUTDOWN and RESET events.
bool caused_by_guest(ShutdownCause cause);

enum class RequestKind : uint8_t { kReset, kShutdown };

class RequestPolicy {
 public:
    enum class Decision : uint8_t { kProceed, kDefer };
    virtual ~RequestPolicy() = default;
    // Main loop, before a reset, or a shutdown that the guest caused, is carried out;
    // asked again whenever take() is called. Must not block nor call SystemRequests.
    // kDefer: not before release_deferred().
    virtual Decision decide(RequestKind kind, ShutdownCause cause) = 0;
};

class SystemRequests final : public hw::MachinePort {
 public:
    struct Config {
        // A guest's reset ends the machine (-no-reboot).
        bool reset_is_shutdown = false;
    };
    // What the main loop is to do now, in the order of the members.
    struct Actions {
        bool internal_error = false;
        // The guest wrote itself to its disk; what follows is its shutdown.
        bool slept_to_disk = false;
        std::optional<uint8_t> debug_exit;
        std::optional<ShutdownCause> shutdown;
        std::optional<ShutdownCause> reset;
        // Both are hints: whether it still sleeps, and has cause to wake, the board knows.
        bool sleep = false;
        bool wake_up = false;
        bool any() const {
            return internal_error || debug_exit || shutdown || reset || sleep || wake_up;
        }
    };

    // `wake` is called from any thread, without locks, when there is something to
    // take(): it posts to the main loop. Once until the next take().
    SystemRequests(Config config, std::function<void()> wake);

    void request_guest_reset() override { request_reset(ShutdownCause::kGuestReset); }
    void request_guest_shutdown() override { request_shutdown(ShutdownCause::kGuestShutdown); }
    void request_guest_sleep(hw::SleepKind kind) override;
    void request_wake_up() override;
    void request_debug_exit(uint8_t status) override;
    void report_internal_error() override;
    void request_reset(ShutdownCause cause);
    void request_shutdown(ShutdownCause cause);

    // Removes and returns what may be done now.
    Actions take();

    // Null: everything proceeds, also what was deferred.
    void set_policy(RequestPolicy* policy);
    // What the policy deferred is carried out now, without asking it again.
    void release_deferred();
    // What the policy deferred has become meaningless: the guest that asked for it is
    // not the one that is here now.
    void drop_deferred();
    // True while something waits for release_deferred().
    bool has_deferred() const;

 private:
    struct Entry {
        ShutdownCause cause;
        bool deferred = false;
        bool released = false;
    };

    static void note(std::optional<Entry>& entry, ShutdownCause cause);
    bool may_proceed(RequestKind kind, const Entry& entry) REQUIRES(mutex_);
    bool deferred() const REQUIRES(mutex_);
    std::optional<ShutdownCause> take_entry(RequestKind kind, std::optional<Entry>& entry)
        REQUIRES(mutex_);
    void wake_main_loop();

    Config config_;
    std::function<void()> wake_;
    mutable Mutex mutex_;
    RequestPolicy* policy_ GUARDED_BY(mutex_) = nullptr;
    bool woken_ GUARDED_BY(mutex_) = false;
    bool internal_error_ GUARDED_BY(mutex_) = false;
    bool slept_to_disk_ GUARDED_BY(mutex_) = false;
    bool sleep_ GUARDED_BY(mutex_) = false;
    bool wake_up_ GUARDED_BY(mutex_) = false;
    std::optional<uint8_t> debug_exit_ GUARDED_BY(mutex_);
    std::optional<Entry> reset_ GUARDED_BY(mutex_);
    std::optional<Entry> shutdown_ GUARDED_BY(mutex_);
};

}  // namespace qc::runstate
