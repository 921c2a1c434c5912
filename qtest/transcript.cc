// SPDX-License-Identifier: GPL-2.0-or-later
#include "qtest/transcript.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace qc::qtest_server {

Result<Transcript> Transcript::open(const std::string& path) {
    if (path == "none") return Transcript(UniqueFd());
    UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666));
    if (!fd) return fail_errno(errno, "cannot open the qtest log {}", path);
    return Transcript(std::move(fd));
}

Transcript Transcript::to_stderr() {
    return Transcript(UniqueFd(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0)));
}

void Transcript::restart() {
    start_ns_ = RealtimeClock().now_ns();
}

void Transcript::log(Kind kind, std::string_view line) {
    if (!fd_) return;
    const int64_t us = (RealtimeClock().now_ns() - start_ns_) / 1000;
    std::string text = fmt::format("[{} +{}.{:06}] {}", static_cast<char>(kind), us / 1'000'000,
                                   us % 1'000'000, line);
    text += '\n';
    // A log that cannot be written is no reason to disturb the test.
    (void)!write(fd_.get(), text.data(), text.size());
}

}  // namespace qc::qtest_server
