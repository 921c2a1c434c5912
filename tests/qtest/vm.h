// SPDX-License-Identifier: GPL-2.0-or-later
//
// One virtual machine under test: the process, its QMP session and its serial
// port. The binary is $QEMU_BINARY, else the one of this build.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/qtest/process.h"
#include "tests/qtest/qmp_client.h"
#include "tests/qtest/serial_capture.h"
#include "tests/qtest/temp_dir.h"

namespace qc::qtest {

// The program under test, and a guest program's image of this build ("counter").
std::string binary_path();
std::string guest_image(std::string_view name);

// Whether KVM can make a machine here; the reason if not.
Result<void> kvm_usable();

struct VmConfig {
    std::string name = "vm";  // also the stem of its files in the test's directory
    std::string accel = "tcg";
    std::string machine = "q35";
    int memory_mib = 64;
    std::string image;                // a raw boot disk, used with -snapshot; empty: no disk
    std::string incoming;             // -incoming's value; empty: none
    bool paused = false;              // -S
    std::vector<std::string> prefix;  // of the command line: {"ip", "netns", "exec", "x"}
    std::vector<std::string> extra;
};

class Vm {
 public:
    // Starts the process, waits for its QMP greeting and negotiates. If it dies
    // before that, the error holds what it printed.
    static Result<std::unique_ptr<Vm>> start(const VmConfig& config, const TempDir& directory);

    // The command line that start() uses, for tests that look at the process only.
    static std::vector<std::string> command_line(const VmConfig& config, const TempDir& directory);

    const std::string& name() const { return name_; }
    Process& process() { return process_; }
    QmpClient& qmp() { return qmp_; }
    const SerialCapture& serial() const { return serial_; }

    // `query-status`'s and `query-migrate`'s status ("none" if there is none).
    Result<std::string> run_state();
    Result<std::string> migration_status();
    // Polls until the migration's status is `wanted`; ends early if it is failed.
    Result<void> wait_migration(std::string_view wanted, Deadline deadline);
    Result<void> set_capabilities(const std::vector<std::string>& names);

    // Guest memory [first, first + size), by way of `pmemsave`.
    Result<std::string> read_memory(uint64_t first, uint64_t size);

    // SIGTERM, and the exit status that follows.
    Result<ExitStatus> terminate();

 private:
    Vm(std::string name, Process process, QmpClient qmp, SerialCapture serial, std::string dump)
        : name_(std::move(name)),
          process_(std::move(process)),
          qmp_(std::move(qmp)),
          serial_(std::move(serial)),
          dump_path_(std::move(dump)) {}

    std::string name_;
    Process process_;
    QmpClient qmp_;
    SerialCapture serial_;
    std::string dump_path_;
};

}  // namespace qc::qtest
