// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/fd_sets.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <string>

namespace qc {
namespace {

bool is_open(int fd) {
    return fcntl(fd, F_GETFD) >= 0;
}

class FdSetsTest : public testing::Test {
 protected:
    // A file without a name, with five bytes in it.
    static UniqueFd file(int access) {
        UniqueFd fd(open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
        if (write(fd.get(), "12345", 5) != 5) return {};
        const std::string again = fmt::format("/proc/self/fd/{}", fd.get());
        return UniqueFd(open(again.c_str(), access | O_CLOEXEC));
    }
    int added(int access, std::optional<int64_t> set = {}) {
        return sets.add(file(access), set, std::nullopt)->fd;
    }
    static std::string text(int64_t set) { return fmt::format("/dev/fdset/{}", set); }
    // The error of open_path(), 0 if it succeeds.
    int error_of(const std::string& path, int flags) {
        errno = 0;
        return open_path(&sets, path, flags).fd ? 0 : errno;
    }

    FdSets sets;
};

TEST_F(FdSetsTest, add_without_a_number_takes_the_lowest_free_one) {
    EXPECT_EQ(sets.add(file(O_RDWR), std::nullopt, "a")->set, 0);
    EXPECT_EQ(sets.add(file(O_RDWR), 2, std::nullopt)->set, 2);
    EXPECT_EQ(sets.add(file(O_RDWR), std::nullopt, std::nullopt)->set, 1);
    EXPECT_EQ(sets.add(file(O_RDWR), std::nullopt, std::nullopt)->set, 3);
    EXPECT_EQ(sets.add(file(O_RDWR), -1, std::nullopt).error().message(),
              "Parameter 'fdset-id' expects a non-negative value");
    const auto list = sets.list();
    ASSERT_EQ(list.size(), 4u);
    EXPECT_EQ(list.front().id, 3);
    EXPECT_EQ(list.back().descriptors.at(0).opaque, "a");
}

TEST_F(FdSetsTest, path_opens_the_descriptor_with_the_same_access) {
    const int reads = added(O_RDONLY, 4);
    const int writes = added(O_WRONLY, 4);
    const OpenedPath opened = open_path(&sets, text(4), O_RDONLY);
    ASSERT_TRUE(opened.fd);
    EXPECT_NE(opened.fd.get(), reads);
    char byte = 0;
    EXPECT_EQ(pread(opened.fd.get(), &byte, 1, 1), 1);
    EXPECT_EQ(byte, '2');
    EXPECT_TRUE(open_path(&sets, text(4), O_WRONLY).fd);
    EXPECT_TRUE(is_open(writes));
}

TEST_F(FdSetsTest, path_that_fits_nothing_says_why) {
    added(O_RDONLY, 4);
    EXPECT_EQ(error_of(text(4), O_RDWR), EACCES);
    EXPECT_EQ(error_of(text(5), O_RDONLY), ENOENT);
    EXPECT_EQ(error_of("/dev/fdset/", O_RDONLY), EINVAL);
    EXPECT_EQ(error_of("/dev/fdset/4x", O_RDONLY), EINVAL);
    EXPECT_EQ(error_of("/dev/fdset/-4", O_RDONLY), EINVAL);
    EXPECT_EQ(error_of(text(4), O_RDONLY | O_CREAT | O_EXCL), EEXIST);
    errno = 0;
    EXPECT_FALSE(open_path(nullptr, text(4), O_RDONLY).fd);
    EXPECT_EQ(errno, ENOENT);
    EXPECT_TRUE(open_path(&sets, "/dev/null", O_RDONLY).fd);
}

TEST_F(FdSetsTest, flags_of_the_opener_are_obeyed) {
    const int fd = added(O_RDWR, 0);
    const OpenedPath opened =
        open_path(&sets, text(0), O_RDWR | O_TRUNC | O_APPEND | O_NONBLOCK, 0600);
    ASSERT_TRUE(opened.fd);
    EXPECT_EQ(lseek(fd, 0, SEEK_END), 0);
    const int flags = fcntl(opened.fd.get(), F_GETFL);
    EXPECT_EQ(flags & (O_APPEND | O_NONBLOCK), O_APPEND | O_NONBLOCK);
    EXPECT_NE(fcntl(opened.fd.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST_F(FdSetsTest, removed_descriptor_is_closed_and_its_set_stays_while_it_is_used) {
    const int fd = added(O_RDWR, 0);
    {
        const OpenedPath opened = open_path(&sets, text(0), O_RDWR);
        ASSERT_TRUE(sets.remove(0, fd));
        EXPECT_FALSE(is_open(fd));
        EXPECT_TRUE(is_open(opened.fd.get()));
        ASSERT_EQ(sets.list().size(), 1u);
        EXPECT_TRUE(sets.list()[0].descriptors.empty());
    }
    EXPECT_TRUE(sets.list().empty());
}

TEST_F(FdSetsTest, what_is_not_there_cannot_be_removed) {
    added(O_RDWR, 1);
    EXPECT_EQ(sets.remove(2, std::nullopt).error().message(),
              "File descriptor named 'fdset-id:2' not found");
    EXPECT_EQ(sets.remove(1, 99999).error().message(),
              "File descriptor named 'fdset-id:1, fd:99999' not found");
    ASSERT_TRUE(sets.remove(1, std::nullopt));
    EXPECT_TRUE(sets.list().empty());
}

TEST_F(FdSetsTest, last_client_that_goes_leaves_what_is_used) {
    const int used = added(O_RDWR, 0);
    const int unused = added(O_RDWR, 1);
    OpenedPath opened = open_path(&sets, text(0), O_RDWR);
    sets.set_guest_runs(true);
    sets.client_came();
    sets.client_came();
    sets.client_went();
    EXPECT_TRUE(is_open(unused));
    sets.client_went();
    EXPECT_FALSE(is_open(unused));
    EXPECT_TRUE(is_open(used));
    opened = {};
    EXPECT_FALSE(is_open(used));
    EXPECT_TRUE(sets.list().empty());
}

TEST_F(FdSetsTest, before_the_guest_runs_nothing_is_dropped) {
    const int fd = added(O_RDWR, 0);
    sets.client_came();
    sets.client_went();
    {
        const OpenedPath opened = open_path(&sets, text(0), O_RDWR);
    }
    EXPECT_TRUE(is_open(fd));
}

TEST_F(FdSetsTest, use_may_outlive_the_sets) {
    auto own = std::make_unique<FdSets>();
    ASSERT_TRUE(own->add(file(O_RDWR), 0, std::nullopt));
    const OpenedPath opened = open_path(own.get(), text(0), O_RDWR);
    own.reset();
    EXPECT_TRUE(is_open(opened.fd.get()));
}

}  // namespace
}  // namespace qc
