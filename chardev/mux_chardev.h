// SPDX-License-Identifier: GPL-2.0-or-later
//
// The back end "mux": up to kMaxPorts front ends share another back end. All of them
// write to it; one of them, the one in focus, gets the input, and the user changes
// that with Control-A c (mux_escape.h).
//
//   front end <-> Port 0 --\                       one claim
//   front end <-> Port 1 ---> MuxChardev (a front end) ---> base back end
//
// Input for a front end without room waits here, kInputLimit bytes for each port, so
// that the user's commands still get through for a while, and then in the base. What
// is typed for a port without front end, or without room when the focus moves in the
// middle of a read, is dropped and counted. Output obeys the base's back-pressure.
//
// Threading: as Chardev, on the base's loop.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "chardev/chardev.h"
#include "chardev/mux_escape.h"
#include "util/event/event_loop.h"
#include "util/mutex.h"

namespace qc::chardev {

// What a user may ask the emulator for by way of a multiplexer; null: not available.
struct MuxRequests {
    std::function<void()> quit;
    std::function<void()> commit;
};

class MuxChardev final : public Chardev, private ChardevFrontend {
 public:
    static constexpr size_t kMaxPorts = 4;
    static constexpr size_t kInputLimit = 256;

    static Result<std::unique_ptr<MuxChardev>> create(EventLoop& loop, std::string id,
                                                      Chardev& base, MuxRequests requests);
    ~MuxChardev() override;

    std::string_view backend() const override { return "mux"; }
    std::string description() const override { return "mux"; }
    ChardevCounters counters() const override;
    bool claimed() const override;
    bool attached() const override;
    // To the front end in focus.
    void send_break() override;
    const std::string& base_id() { return base_.chardev().id(); }

 private:
    class Port;

    MuxChardev(EventLoop& loop, std::string id, ChardevClaim base, MuxRequests requests);
    // Nobody claims the multiplexer itself.
    size_t write(std::span<const std::byte> data) override;
    void accept_input() override;
    void frontend_changed() override {}
    Result<Chardev*> free_port() override;

    size_t can_receive() override;
    void receive(std::span<const std::byte> data) override;
    void event(ChardevEvent event) override;
    void writable() override;

    // As Chardev::write(), of any port.
    size_t write_from_port(std::span<const std::byte> data);
    // Puts time stamps between the lines; how much of `data` was taken.
    size_t write_stamped(std::span<const std::byte> data) REQUIRES(mutex_);
    bool send_pending() REQUIRES(mutex_);
    void obey(MuxKey key, uint8_t byte);
    void say(std::string_view text);
    void focus_next();
    Port* focused();
    void pump_input();

    EventLoop& loop_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
    ChardevClaim base_;
    MuxRequests requests_;
    MuxEscape escape_;
    bool open_ = false;
    std::vector<std::unique_ptr<Port>> ports_;
    size_t focus_ = 0;

    mutable Mutex mutex_;
    bool stamps_ GUARDED_BY(mutex_) = false;
    bool line_begins_ GUARDED_BY(mutex_) = true;
    // A stamp that the base has not taken yet.
    std::string pending_ GUARDED_BY(mutex_);
    bool refused_ GUARDED_BY(mutex_) = false;
    uint64_t input_dropped_ GUARDED_BY(mutex_) = 0;
};

}  // namespace qc::chardev
