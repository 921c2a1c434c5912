// SPDX-License-Identifier: GPL-2.0-or-later
//
// A byte channel to a peer: socket, descriptors or memory. Blocking calls have a
// deadline and end at once when any thread calls shutdown(); they assert that
// the caller holds no machine lock. The try_ calls never block.
//
// Threading: one thread reads and one thread writes at a time; shutdown() may
// come from any thread at any moment. Owned by whoever opened it. Who wants to
// shut a channel down from elsewhere makes sure that it still exists.
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "io/wait.h"
#include "util/result.h"
#include "util/unique_fd.h"

namespace qc::io {

using Bytes = std::span<std::byte>;
using ConstBytes = std::span<const std::byte>;

// So many parts go into one system call. Linux takes 1024; the rest of a longer
// list goes into the next call.
inline constexpr size_t kPartsPerCall = 64;

class RandomAccess;

class Channel {
 public:
    virtual ~Channel() = default;
    Channel(const Channel&) = delete;
    Channel& operator=(const Channel&) = delete;

    // Waits for at least one byte; 0 means the peer ended its stream. `buffer` is
    // not empty.
    Result<size_t> read_some(Bytes buffer, Deadline deadline = kNoDeadline);
    // Fills `buffer`; an end of stream before that is an error.
    Result<void> read_exact(Bytes buffer, Deadline deadline = kNoDeadline);
    // As read_exact(), into one part after the other with as few system calls as
    // possible.
    Result<void> read_vector(std::span<const Bytes> parts, Deadline deadline = kNoDeadline);
    Result<void> write_all(ConstBytes data, Deadline deadline = kNoDeadline);
    // Writes the parts one after the other with as few system calls as possible.
    Result<void> write_vector(std::span<const ConstBytes> parts, Deadline deadline = kNoDeadline);

    // Where the channel can send data without copying it: write_in_place() may return
    // while the kernel still reads the parts, which have to stay, and whose contents may
    // change, until finish_in_place() has returned. Without enable_in_place() it is
    // write_vector().
    virtual Result<void> enable_in_place();
    Result<void> write_in_place(std::span<const ConstBytes> parts, Deadline deadline = kNoDeadline);
    // How many writes there were since the last call, and how many of them the kernel
    // had to copy after all.
    struct InPlace {
        uint64_t writes = 0;
        uint64_t copied = 0;
    };
    virtual Result<InPlace> finish_in_place(Deadline) { return InPlace{}; }

    // Waits until read_some() has something to say. False if the deadline passed,
    // which is no error: for loops that do something else every now and then.
    Result<bool> wait_readable(Deadline deadline);

    // Nothing if it would block; read: 0 means the peer ended its stream.
    virtual Result<std::optional<size_t>> try_read(Bytes buffer) = 0;
    // Into one part after the other; the first is not empty. Where the kernel does not
    // scatter, only the first is filled.
    virtual Result<std::optional<size_t>> try_read_parts(std::span<const Bytes> parts) {
        return try_read(parts.front());
    }
    virtual Result<std::optional<size_t>> try_write(std::span<const ConstBytes> parts) = 0;
    Result<std::optional<size_t>> try_write(ConstBytes data) { return try_write({&data, 1}); }

    // Ends the channel in both directions: calls under way and all later ones
    // fail, and the peer sees the end of the stream. Never blocks.
    void shutdown() noexcept;
    bool was_shut_down() const noexcept { return shut_down_.load(std::memory_order_acquire); }

    // Nagle's algorithm off or on; nothing to do for what is not TCP.
    virtual Result<void> set_no_delay(bool) { return {}; }

    // False if nobody answers at the other end, because it is a file or a command.
    virtual bool two_way() const { return true; }
    // Nothing more will be written: waits until what was has arrived where it goes,
    // and says so if it did not. A file is on its disk then, a command has ended
    // well; a socket has nothing to wait for.
    virtual Result<void> finish_writing(Deadline) { return {}; }

    // Null where there are no positions to go to. Lives as long as the channel.
    virtual RandomAccess* random_access() { return nullptr; }

    // For messages, e.g. "tcp:127.0.0.1:4444", "unix:/run/x", "fd:3".
    virtual std::string peer_name() const = 0;
    virtual std::string local_name() const { return peer_name(); }

    // Descriptors that came along with what was read, where that was asked for
    // (SocketChannel::accept_passed_fds()).
    virtual std::vector<UniqueFd> take_passed_fds() { return {}; }

    // Input waits that the poll descriptor does not tell of.
    virtual bool has_input() const { return false; }

    // For EventLoop::watch_fd(); -1 if the channel has none.
    virtual int read_poll_fd() const { return -1; }
    virtual int write_poll_fd() const { return read_poll_fd(); }

 protected:
    Channel() = default;

    virtual Result<std::optional<size_t>> try_write_in_place(std::span<const ConstBytes> parts) {
        return try_write(parts);
    }

    // Blocks until the channel is ready in this direction, shutdown() or deadline.
    virtual WaitOutcome wait(FdEvents direction, Deadline deadline) = 0;
    // For channels over other channels.
    static WaitOutcome wait_on(Channel& inner, FdEvents direction, Deadline deadline) {
        return inner.wait(direction, deadline);
    }
    // Wakes who waits. Called once, by shutdown(), after was_shut_down() is true.
    virtual void on_shutdown() noexcept = 0;

    // An error if shutdown() was called; `doing` is "reading from", "writing to".
    Result<void> check_open(std::string_view doing) const;

 private:
    Result<void> wait_or_fail(FdEvents direction, Deadline deadline);

    std::atomic<bool> shut_down_{false};
};

}  // namespace qc::io
