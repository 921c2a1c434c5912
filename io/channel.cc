// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/channel.h"

#include <algorithm>
#include <array>

#include "util/assert.h"
#include "util/machine_lock.h"

namespace qc::io {

namespace {

std::string_view doing(FdEvents direction) {
    return direction == FdEvents::kRead ? "reading from" : "writing to";
}

template <typename Part>
size_t total_size(std::span<const Part> parts) {
    size_t size = 0;
    for (const Part& part : parts)
        size += part.size();
    return size;
}

// Calls `transfer` with what is left of `parts`, as many as one system call takes,
// until all of it has been done. It says how many bytes it did.
template <typename Part, typename Transfer>
Result<void> each_window(std::span<const Part> parts, Transfer transfer) {
    std::array<Part, kPartsPerCall> window;
    while (!parts.empty()) {
        const size_t taken = std::min(parts.size(), window.size());
        std::ranges::copy(parts.first(taken), window.begin());
        parts = parts.subspan(taken);

        std::span<Part> left(window.data(), taken);
        while (true) {
            while (!left.empty() && left.front().empty())
                left = left.subspan(1);
            if (left.empty()) break;
            size_t done = TRY(transfer(std::span<const Part>(left)));
            while (done != 0) {
                const size_t step = std::min(done, left.front().size());
                left.front() = left.front().subspan(step);
                done -= step;
                if (left.front().empty()) left = left.subspan(1);
            }
        }
    }
    return {};
}

}  // namespace

Result<void> Channel::check_open(std::string_view action) const {
    if (was_shut_down()) return fail("{} {}: the channel was shut down", action, peer_name());
    return {};
}

Result<void> Channel::wait_or_fail(FdEvents direction, Deadline deadline) {
    switch (wait(direction, deadline)) {
        case WaitOutcome::kReady: return {};
        case WaitOutcome::kInterrupted: return check_open(doing(direction));
        case WaitOutcome::kDeadline: break;
    }
    return fail("{} {}: timed out", doing(direction), peer_name());
}

Result<size_t> Channel::read_some(Bytes buffer, Deadline deadline) {
    assert_may_block();
    QC_ASSERT(!buffer.empty());
    while (true) {
        const std::optional<size_t> count = TRY(try_read(buffer));
        if (count) return *count;
        TRY(wait_or_fail(FdEvents::kRead, deadline));
    }
}

Result<void> Channel::read_exact(Bytes buffer, Deadline deadline) {
    assert_may_block();
    const size_t wanted = buffer.size();
    while (!buffer.empty()) {
        const size_t count = TRY(read_some(buffer, deadline));
        if (count == 0) {
            return fail("reading from {}: the peer closed the connection, {} of {} bytes arrived",
                        peer_name(), wanted - buffer.size(), wanted);
        }
        buffer = buffer.subspan(count);
    }
    return {};
}

Result<void> Channel::write_all(ConstBytes data, Deadline deadline) {
    return write_vector({&data, 1}, deadline);
}

Result<void> Channel::read_vector(std::span<const Bytes> parts, Deadline deadline) {
    assert_may_block();
    size_t arrived = 0;
    return each_window(parts, [&](std::span<const Bytes> left) -> Result<size_t> {
        const std::optional<size_t> count = TRY(try_read_parts(left));
        if (!count) {
            TRY(wait_or_fail(FdEvents::kRead, deadline));
            return 0;
        }
        if (*count == 0) {
            return fail("reading from {}: the peer closed the connection, {} of {} bytes arrived",
                        peer_name(), arrived, total_size(parts));
        }
        arrived += *count;
        return *count;
    });
}

Result<void> Channel::write_vector(std::span<const ConstBytes> parts, Deadline deadline) {
    assert_may_block();
    return each_window(parts, [&](std::span<const ConstBytes> left) -> Result<size_t> {
        const std::optional<size_t> count = TRY(try_write(left));
        if (!count) TRY(wait_or_fail(FdEvents::kWrite, deadline));
        return count.value_or(0);
    });
}

Result<void> Channel::enable_in_place() {
    return fail("{} cannot be sent to without copying", peer_name());
}

Result<void> Channel::write_in_place(std::span<const ConstBytes> parts, Deadline deadline) {
    assert_may_block();
    return each_window(parts, [&](std::span<const ConstBytes> left) -> Result<size_t> {
        const std::optional<size_t> count = TRY(try_write_in_place(left));
        if (!count) TRY(wait_or_fail(FdEvents::kWrite, deadline));
        return count.value_or(0);
    });
}

Result<bool> Channel::wait_readable(Deadline deadline) {
    assert_may_block();
    TRY(check_open("reading from"));
    switch (wait(FdEvents::kRead, deadline)) {
        case WaitOutcome::kReady: return true;
        case WaitOutcome::kDeadline: return false;
        case WaitOutcome::kInterrupted: break;
    }
    TRY(check_open("reading from"));
    return true;
}

void Channel::shutdown() noexcept {
    if (shut_down_.exchange(true, std::memory_order_acq_rel)) return;
    on_shutdown();
}

}  // namespace qc::io
