// SPDX-License-Identifier: GPL-2.0-or-later
#include "monitor/context_fds.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace qc::monitor {
namespace {

std::vector<UniqueFd> some(size_t count, std::vector<int>* numbers = nullptr) {
    std::vector<UniqueFd> fds;
    for (size_t i = 0; i < count; ++i) {
        fds.emplace_back(open("/dev/null", O_RDONLY | O_CLOEXEC));
        if (numbers != nullptr) numbers->push_back(fds.back().get());
    }
    return fds;
}

bool is_open(int fd) {
    return fcntl(fd, F_GETFD) >= 0;
}

TEST(ContextFdsTest, names_are_given_in_the_order_of_arrival) {
    ContextFds fds;
    std::vector<int> numbers;
    fds.arrived(some(2, &numbers));
    ASSERT_TRUE(fds.assign("one"));
    ASSERT_TRUE(fds.assign("two"));
    EXPECT_EQ(fds.take("two")->get(), numbers[1]);
    EXPECT_EQ(fds.take("one")->get(), numbers[0]);
}

TEST(ContextFdsTest, descriptor_that_was_taken_is_not_found_any_more) {
    ContextFds fds;
    fds.arrived(some(1));
    ASSERT_TRUE(fds.assign("fd-mig"));
    ASSERT_TRUE(fds.take("fd-mig"));
    EXPECT_EQ(fds.close("fd-mig").error().message(), "File descriptor named 'fd-mig' not found");
    EXPECT_EQ(fds.take("fd-mig").error().message(),
              "File descriptor named 'fd-mig' has not been found");
}

TEST(ContextFdsTest, name_without_a_descriptor_and_bad_names_are_refused) {
    ContextFds fds;
    EXPECT_EQ(fds.assign("x").error().message(), "No file descriptor supplied via SCM_RIGHTS");
    for (const char* name : {"0", "9lives"}) {
        std::vector<int> numbers;
        fds.arrived(some(1, &numbers));
        EXPECT_FALSE(fds.assign(name));
        EXPECT_FALSE(is_open(numbers[0])) << name;
    }
}

TEST(ContextFdsTest, name_that_is_given_again_closes_the_first) {
    ContextFds fds;
    std::vector<int> numbers;
    fds.arrived(some(2, &numbers));
    ASSERT_TRUE(fds.assign("a"));
    ASSERT_TRUE(fds.assign("a"));
    EXPECT_FALSE(is_open(numbers[0]));
    EXPECT_TRUE(is_open(numbers[1]));
    ASSERT_TRUE(fds.close("a"));
    EXPECT_FALSE(is_open(numbers[1]));
}

TEST(ContextFdsTest, flood_keeps_the_newest_only) {
    ContextFds fds;
    std::vector<int> numbers;
    fds.arrived(some(ContextFds::kMaxWaiting + 3, &numbers));
    EXPECT_FALSE(is_open(numbers[2]));
    EXPECT_TRUE(is_open(numbers[3]));
    fds.drop_waiting();
    EXPECT_FALSE(is_open(numbers.back()));
}

}  // namespace
}  // namespace qc::monitor
