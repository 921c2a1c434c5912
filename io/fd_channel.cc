// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/fd_channel.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

namespace qc::io {

namespace {

// Blocks SIGPIPE in this thread, and takes back the one that the write raised.
class SigpipeGuard {
 public:
    SigpipeGuard() {
        sigset_t pending;
        sigpending(&pending);
        was_pending_ = sigismember(&pending, SIGPIPE) == 1;
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &pipe_, &old_);
    }
    ~SigpipeGuard() {
        if (raised_ && !was_pending_) {
            const timespec at_once = {};
            while (sigtimedwait(&pipe_, nullptr, &at_once) < 0 && errno == EINTR) {
            }
        }
        pthread_sigmask(SIG_SETMASK, &old_, nullptr);
    }
    void raised() { raised_ = true; }

 private:
    sigset_t pipe_;
    sigset_t old_;
    bool was_pending_;
    bool raised_ = false;
};

}  // namespace

ssize_t write_without_sigpipe(int fd, std::span<const ConstBytes> parts) {
    std::array<iovec, 64> vectors;
    const size_t used = std::min(parts.size(), vectors.size());
    for (size_t i = 0; i < used; ++i) {
        vectors[i] = {const_cast<std::byte*>(parts[i].data()), parts[i].size()};
    }
    int error = 0;
    ssize_t count;
    {
        SigpipeGuard guard;
        count = writev(fd, vectors.data(), static_cast<int>(used));
        error = errno;
        if (count < 0 && error == EPIPE) guard.raised();
    }
    errno = error;
    return count;
}

Result<std::optional<size_t>> try_read_fd(int fd, Bytes buffer, std::string_view name) {
    while (true) {
        const ssize_t count = read(fd, buffer.data(), buffer.size());
        if (count >= 0) return std::optional<size_t>(static_cast<size_t>(count));
        if (errno == EAGAIN) return std::optional<size_t>();
        if (errno != EINTR) return fail_errno(errno, "reading from {}", name);
    }
}

Result<std::optional<size_t>> try_write_fd(int fd, std::span<const ConstBytes> parts,
                                           std::string_view name) {
    while (true) {
        const ssize_t count = write_without_sigpipe(fd, parts);
        if (count >= 0) return std::optional<size_t>(static_cast<size_t>(count));
        if (errno == EAGAIN) return std::optional<size_t>();
        if (errno != EINTR) return fail_errno(errno, "writing to {}", name);
    }
}

Result<void> set_nonblocking(int fd, std::string_view name) {
    const int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
        return fail_errno(errno, "file descriptor {} of {}", fd, name);
    }
    return {};
}

FdChannel::FdChannel(UniqueFd read_fd, UniqueFd write_fd, std::string name,
                     std::unique_ptr<Interrupt> interrupt)
    : read_fd_(std::move(read_fd)),
      write_fd_(std::move(write_fd)),
      name_(std::move(name)),
      interrupt_(std::move(interrupt)) {}

Result<std::unique_ptr<FdChannel>> FdChannel::create(UniqueFd read_fd, UniqueFd write_fd,
                                                     std::string name) {
    if (read_fd) TRY(set_nonblocking(read_fd.get(), name));
    if (write_fd) TRY(set_nonblocking(write_fd.get(), name));
    std::unique_ptr<Interrupt> interrupt = TRY(Interrupt::create());
    return std::unique_ptr<FdChannel>(new FdChannel(std::move(read_fd), std::move(write_fd),
                                                    std::move(name), std::move(interrupt)));
}

Result<std::optional<size_t>> FdChannel::try_read(Bytes buffer) {
    TRY(check_open("reading from"));
    if (!read_fd_) return std::optional<size_t>(0);
    return try_read_fd(read_fd_.get(), buffer, name_);
}

Result<std::optional<size_t>> FdChannel::try_write(std::span<const ConstBytes> parts) {
    TRY(check_open("writing to"));
    if (!write_fd_) return fail("writing to {}: it is open for reading only", name_);
    return try_write_fd(write_fd_.get(), parts, name_);
}

WaitOutcome FdChannel::wait(FdEvents direction, Deadline deadline) {
    const int fd = direction == FdEvents::kRead ? read_fd_.get() : write_fd_.get();
    if (fd < 0) return WaitOutcome::kReady;
    return wait_for(fd, direction, interrupt_.get(), deadline);
}

void FdChannel::on_shutdown() noexcept {
    interrupt_->trigger();
}

}  // namespace qc::io
