// SPDX-License-Identifier: GPL-2.0-or-later
//
// The harness's own tests: a harness that cannot fail proves nothing.
#include <gtest/gtest.h>
#include <signal.h>

#include <string>

#include "tests/qtest/assertions.h"
#include "tests/qtest/guest_memory.h"
#include "tests/qtest/process.h"
#include "tests/qtest/serial_capture.h"
#include "tests/qtest/temp_dir.h"

namespace qc::qtest {
namespace {

Process::Config shell(const TempDir& directory, const std::string& script) {
    return {.arguments = {"/bin/sh", "-c", script},
            .stdout_path = directory.file("out"),
            .stderr_path = directory.file("err")};
}

TEST(Process, run_program_exits_gives_code_and_output) {
    TempDir directory = ASSERT_VALUE(TempDir::create());
    Process process =
        ASSERT_VALUE(Process::spawn(shell(directory, "echo one; echo two >&2; exit 7")));
    EXPECT_EQ(ASSERT_VALUE(process.wait(Deadline::in(kUsual))), ExitStatus::exited(7));
    EXPECT_EQ(process.stdout_text(), "one\n");
    EXPECT_EQ(process.stderr_text(), "two\n");
}

TEST(Process, program_absent_gives_127) {
    TempDir directory = ASSERT_VALUE(TempDir::create());
    Process::Config config = shell(directory, "");
    config.arguments = {"/no/such/program"};
    EXPECT_EQ(ASSERT_VALUE(run(config, Deadline::in(kUsual))), ExitStatus::exited(127));
}

TEST(Process, wait_past_deadline_fails_and_child_can_still_be_killed) {
    TempDir directory = ASSERT_VALUE(TempDir::create());
    Process process = ASSERT_VALUE(Process::spawn(shell(directory, "exec sleep 1000")));
    EXPECT_FALSE(process.wait(Deadline::in(20ms)));
    process.kill_now();
    EXPECT_EQ(process.poll(), ExitStatus::killed(SIGKILL));
}

TEST(Process, destroyed_kills_child) {
    TempDir directory = ASSERT_VALUE(TempDir::create());
    pid_t pid = 0;
    {
        Process process = ASSERT_VALUE(Process::spawn(shell(directory, "exec sleep 1000")));
        pid = process.pid();
        EXPECT_EQ(kill(pid, 0), 0);
    }
    EXPECT_EQ(kill(pid, 0), -1);
}

TEST(SerialCapture, wait_for_text_absent_fails_with_what_was_printed) {
    TempDir directory = ASSERT_VALUE(TempDir::create());
    SerialCapture serial(directory.file("serial"));
    EXPECT_EQ(serial.size(), 0U);
    ASSERT_VALUE(write_file(serial.path(), "abc"));
    ASSERT_VALUE(serial.wait_for("bc", Deadline::in(kUsual)));
    const auto result = serial.wait_for("bc", Deadline::in(10ms), 2);
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message().find("'abc'"), std::string::npos);
    EXPECT_FALSE(serial.wait_growth(3, Deadline::in(10ms)));
}

TEST(CheckOneStep, equal_or_one_step_down_passes) {
    EXPECT_TRUE(check_one_step("\x05\x05\x05"));
    EXPECT_TRUE(check_one_step("\x05\x05\x04"));
    EXPECT_TRUE(check_one_step(std::string_view("\x00\xff\xff", 3)));
}

TEST(CheckOneStep, torn_memory_fails) {
    EXPECT_FALSE(check_one_step("\x05\x06\x06"));      // a page of the future
    EXPECT_FALSE(check_one_step("\x05\x03\x03"));      // two rounds behind
    EXPECT_FALSE(check_one_step("\x05\x04\x03"));      // two steps
    EXPECT_FALSE(check_one_step("\x05\x04\x05\x04"));  // a page that was lost
}

}  // namespace
}  // namespace qc::qtest
