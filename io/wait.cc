// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/wait.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "util/machine_lock.h"

namespace qc::io {

Result<std::unique_ptr<Interrupt>> Interrupt::create() {
    UniqueFd fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!fd) return fail_errno(errno, "cannot create an event descriptor");
    return std::unique_ptr<Interrupt>(new Interrupt(std::move(fd)));
}

void Interrupt::trigger() noexcept {
    triggered_.store(true, std::memory_order_release);
    const uint64_t one = 1;
    // Fails only when the counter is full, and then the descriptor is readable.
    [[maybe_unused]] const ssize_t written = write(fd_.get(), &one, sizeof(one));
}

WaitOutcome wait_for(int fd, FdEvents events, const Interrupt* interrupt, Deadline deadline) {
    assert_may_block();
    const unsigned wanted = std::to_underlying(events);
    short poll_events = 0;
    if (wanted & std::to_underlying(FdEvents::kRead)) poll_events |= POLLIN;
    if (wanted & std::to_underlying(FdEvents::kWrite)) poll_events |= POLLOUT;
    std::array<pollfd, 2> fds = {
        {{fd, poll_events, 0}, {interrupt != nullptr ? interrupt->fd() : -1, POLLIN, 0}}};

    while (true) {
        timespec timeout;
        const timespec* limit = nullptr;
        if (deadline != kNoDeadline) {
            using std::chrono::nanoseconds;
            const auto left = std::chrono::duration_cast<nanoseconds>(
                deadline - std::chrono::steady_clock::now());
            const int64_t ns = std::max<int64_t>(0, left.count());
            timeout = {.tv_sec = ns / 1'000'000'000, .tv_nsec = ns % 1'000'000'000};
            limit = &timeout;
        }
        const int ready = ppoll(fds.data(), fds.size(), limit, nullptr);
        if (ready == 0) return WaitOutcome::kDeadline;
        // A signal arrived (EINTR), or the kernel is short of memory for a moment:
        // the caller's deadline bounds the repetitions.
        if (ready < 0) continue;
        return fds[1].revents != 0 ? WaitOutcome::kInterrupted : WaitOutcome::kReady;
    }
}

}  // namespace qc::io
