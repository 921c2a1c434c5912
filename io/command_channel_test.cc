// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/command_channel.h"

#include <gtest/gtest.h>

#include "util/thread.h"

namespace qc::io {
namespace {

using Direction = CommandChannel::Direction;

Deadline patience() {
    return deadline_in_ms(20'000);
}

Result<std::unique_ptr<CommandChannel>> shell(const std::string& command, Direction direction) {
    return CommandChannel::start({"/bin/sh", "-c", command}, direction);
}

std::string read_all(Channel& channel, std::string* error) {
    std::string text;
    std::array<std::byte, 100> buffer;
    while (true) {
        Result<size_t> count = channel.read_some(buffer, patience());
        if (!count) *error = count.error().message();
        if (!count || *count == 0) return text;
        text.append(reinterpret_cast<const char*>(buffer.data()), *count);
    }
}

TEST(CommandChannelTest, output_is_read_to_its_end) {
    auto channel = shell("echo one; echo two", Direction::kRead);
    ASSERT_TRUE(channel) << channel.error().message();
    std::string error;
    EXPECT_EQ(read_all(**channel, &error), "one\ntwo\n");
    EXPECT_EQ(error, "");
    EXPECT_FALSE((*channel)->two_way());
}

TEST(CommandChannelTest, failing_source_is_an_error_and_not_an_end) {
    auto channel = *shell("echo one; exit 3", Direction::kRead);
    std::string error;
    EXPECT_EQ(read_all(*channel, &error), "one\n");
    EXPECT_EQ(error, "exec:echo one; exit 3: the command ended with status 3");
}

TEST(CommandChannelTest, killed_command_is_named_with_its_signal) {
    auto channel = *shell("kill -9 $$", Direction::kRead);
    std::string error;
    EXPECT_EQ(read_all(*channel, &error), "");
    EXPECT_EQ(error, "exec:kill -9 $$: the command was killed by signal 9");
}

TEST(CommandChannelTest, input_arrives_before_finish_returns) {
    const std::string path = testing::TempDir() + "qc-command-" + std::to_string(getpid());
    auto channel = *shell("sleep 0.1; cat > " + path, Direction::kWrite);
    const std::string text = "hello";
    ASSERT_TRUE(channel->write_all(std::as_bytes(std::span(text)), patience()));
    ASSERT_TRUE(channel->finish_writing(patience()));
    std::string error;
    EXPECT_EQ(read_all(**shell("cat " + path + "; rm " + path, Direction::kRead), &error), "hello");
}

TEST(CommandChannelTest, failure_after_the_last_byte_is_seen_by_finish) {
    auto channel = *shell("cat > /dev/null; exit 7", Direction::kWrite);
    Result<void> finished = channel->finish_writing(patience());
    ASSERT_FALSE(finished);
    EXPECT_NE(finished.error().message().find("status 7"), std::string::npos);
}

TEST(CommandChannelTest, writing_to_a_command_that_ended_names_its_status) {
    auto channel = *shell("exit 5", Direction::kWrite);
    const std::vector<std::byte> data(1024 * 1024);
    Result<void> written = channel->write_all(data, patience());
    ASSERT_FALSE(written);
    EXPECT_NE(written.error().message().find("status 5"), std::string::npos)
        << written.error().message();
}

TEST(CommandChannelTest, program_that_is_not_there_is_named) {
    auto channel = CommandChannel::start({"/nowhere/program", "x"}, Direction::kRead);
    ASSERT_FALSE(channel);
    EXPECT_NE(channel.error().message().find("/nowhere/program"), std::string::npos);
    EXPECT_FALSE(CommandChannel::start({}, Direction::kRead));
}

TEST(CommandChannelTest, shutdown_ends_a_read_from_a_silent_command_and_the_command) {
    auto channel = *shell("sleep 1000", Direction::kRead);
    Thread other("test", [&] { channel->shutdown(); });
    std::array<std::byte, 1> byte;
    EXPECT_FALSE(channel->read_some(byte, patience()));
    other.join();
    channel.reset();
}

TEST(CommandChannelTest, command_that_never_ends_runs_into_the_deadline) {
    auto channel = *shell("sleep 1000", Direction::kWrite);
    Result<void> finished = channel->finish_writing(deadline_in_ms(20));
    ASSERT_FALSE(finished);
    EXPECT_NE(finished.error().message().find("does not end"), std::string::npos);
}

}  // namespace
}  // namespace qc::io
