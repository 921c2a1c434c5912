// SPDX-License-Identifier: GPL-2.0-or-later
//
// A character device back end (file, terminal, socket) and what stands in front
// of it (serial port, monitor). A back end never blocks and never nests an event
// loop; what it cannot take it refuses by a short write, or drops and counts
// where its class says so.
//
// Threading: write() and accept_input() are thread-safe and may be called under
// the machine lock; everything else, and every call to the front end, happens on
// the loop that the back end was given (the main loop, or a monitor's) with no
// lock held. A device's front end takes the machine lock itself. Owned by the
// ChardevRegistry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "util/result.h"
#include "util/unique_fd.h"

namespace qc::chardev {

// The focus is a multiplexer's: what a user types goes to one of several front ends. One
// that does not have it is told so before kOpened.
enum class ChardevEvent : uint8_t { kOpened, kClosed, kBreak, kFocusGained, kFocusLost };

class ChardevFrontend {
 public:
    // How many bytes receive() would take now. After 0 nothing comes until
    // ChardevClaim::accept_input().
    virtual size_t can_receive() = 0;
    // At most as many bytes as can_receive() has just said.
    virtual void receive(std::span<const std::byte> data) = 0;
    // Descriptors that came with the bytes of the next receive().
    virtual void receive_fds(std::vector<UniqueFd>) {}
    virtual void event(ChardevEvent event) = 0;
    // After a short write: there is room again.
    virtual void writable() {}
    // The back end is to be replaced: calls `swap` while nothing else uses the claim,
    // under whatever lock its writes are made. False, without the call, by whoever
    // cannot. Then kOpened comes anew, when the new one has a connection.
    virtual bool change_back_end(const std::function<void()>& /*swap*/) { return false; }

 protected:
    ~ChardevFrontend() = default;
};

struct ChardevCounters {
    uint64_t bytes_written = 0;  // taken by the host
    uint64_t bytes_dropped = 0;  // lost: nobody connected, or the host failed
    uint64_t host_errors = 0;
};

class ChardevClaim;

class Chardev {
 public:
    virtual ~Chardev();
    Chardev(const Chardev&) = delete;
    Chardev& operator=(const Chardev&) = delete;

    const std::string& id() const { return id_; }
    // "file", "socket", as -chardev names it.
    virtual std::string_view backend() const = 0;
    // What query-chardev calls "filename": "unix:/run/x,server=on".
    virtual std::string description() const = 0;
    virtual ChardevCounters counters() const = 0;
    virtual bool claimed() const { return claimed_; }
    virtual bool attached() const { return frontend_ != nullptr; }
    // The front end sees a break, if there is one. On the back end's loop.
    virtual void send_break();

    // Whether yank() has a meaning. Both are thread-safe and never block.
    virtual bool can_yank() const { return false; }
    // Ends the connection to the peer, whatever hangs on it.
    virtual void yank() {}

    // All output goes there as well, as far as it has room. Before anybody claims.
    void set_log(std::unique_ptr<Chardev> log) { log_ = std::move(log); }

    // Whoever has claimed this one goes on with `to`, which nobody has. An error, and
    // nothing done, if it cannot.
    Result<void> hand_over(Chardev& to);

 protected:
    explicit Chardev(std::string id) : id_(std::move(id)) {}

    virtual size_t write(std::span<const std::byte> data) = 0;
    virtual void accept_input() = 0;
    // A front end came or went.
    virtual void frontend_changed() = 0;
    ChardevFrontend* frontend() { return frontend_; }
    // What a new user gets: this back end itself, if it is free.
    virtual Result<Chardev*> free_port();
    bool port_claimed() const { return claimed_; }
    void log(std::span<const std::byte> data);

 private:
    friend class ChardevClaim;
    size_t write_and_log(std::span<const std::byte> data);

    std::string id_;
    ChardevFrontend* frontend_ = nullptr;
    bool claimed_ = false;
    ChardevClaim* holder_ = nullptr;
    std::unique_ptr<Chardev> log_;
};

// The right to use a back end, which one user has at a time; gives it back when
// destroyed. The chardev outlives it.
class ChardevClaim {
 public:
    // "Chardev 'x' is busy" if somebody has it.
    static Result<ChardevClaim> claim(Chardev& chardev);
    ChardevClaim() = default;
    ~ChardevClaim() { release(); }
    ChardevClaim(ChardevClaim&& other) noexcept { take(other); }
    ChardevClaim& operator=(ChardevClaim&& other) noexcept;
    explicit operator bool() const { return chardev_ != nullptr; }

    // The front end is told with kOpened, from its loop, if there is a
    // connection, and then whenever one comes. It may be replaced; it is detached
    // before it dies, by detach() or with the claim.
    void attach(ChardevFrontend& frontend);
    void detach();

    // Takes as much as there is room for and returns how much that was. A short
    // write is followed by ChardevFrontend::writable().
    size_t write(std::span<const std::byte> data) { return chardev_->write_and_log(data); }
    void accept_input() { chardev_->accept_input(); }
    Chardev& chardev() { return *chardev_; }

 private:
    friend class Chardev;
    explicit ChardevClaim(Chardev& chardev);
    void take(ChardevClaim& other);
    void move_to(Chardev& chardev);
    void release();

    Chardev* chardev_ = nullptr;
};

}  // namespace qc::chardev
