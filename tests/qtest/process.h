// SPDX-License-Identifier: GPL-2.0-or-later
//
// A child process of a test: its output goes to files, it dies with the test
// (and with this object), and waiting for it has a deadline.
//
// Threading: spawn() from a thread that lives as long as the child is to, for
// the kernel kills the child when that thread ends.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tests/qtest/deadline.h"
#include "util/result.h"
#include "util/unique_fd.h"

namespace qc::qtest {

struct ExitStatus {
    // One of the two is set.
    std::optional<int> code;
    std::optional<int> signal;

    bool operator==(const ExitStatus&) const = default;
    static ExitStatus exited(int code) { return {.code = code, .signal = {}}; }
    static ExitStatus killed(int signal) { return {.code = {}, .signal = signal}; }
};

// "exit code 1", "killed by signal 11 (Segmentation fault)"; also for GoogleTest's messages.
std::string to_string(const ExitStatus& status);
void PrintTo(const ExitStatus& status, std::ostream* stream);

class Process {
 public:
    struct Config {
        std::vector<std::string> arguments;  // arguments[0] is the program, found in PATH
        std::string stdout_path;
        std::string stderr_path;
        std::string stdin_path = "/dev/null";
    };

    static Result<Process> spawn(Config config);
    // Kills the child if it still runs, and reaps it.
    ~Process();
    Process(Process&& other) noexcept;
    Process& operator=(Process&&) = delete;

    pid_t pid() const { return pid_; }
    void send_signal(int signal);
    // SIGKILL, and waits until the child is gone.
    void kill_now();

    // Sets a soft limit (RLIMIT_...) of the running child; the hard one stays, so that it can
    // be set back.
    Result<void> set_limit(int resource, uint64_t limit);
    // Bytes of its address space, as RLIMIT_AS counts them.
    Result<uint64_t> address_space() const;

    // The status if the child has ended, without waiting.
    std::optional<ExitStatus> poll();
    Result<ExitStatus> wait(Deadline deadline);

    std::string stdout_text() const;
    std::string stderr_text() const;

 private:
    Process(Config config, pid_t pid, UniqueFd pid_fd)
        : config_(std::move(config)), pid_(pid), pid_fd_(std::move(pid_fd)) {}

    Config config_;
    pid_t pid_ = -1;
    UniqueFd pid_fd_;
    std::optional<ExitStatus> status_;
};

// Runs a program to its end.
Result<ExitStatus> run(Process::Config config, Deadline deadline);

}  // namespace qc::qtest
