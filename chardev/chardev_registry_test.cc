// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/chardev_registry.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "chardev/ringbuf_chardev.h"
#include "chardev/test_frontend.h"

namespace qc::chardev {
namespace {

class RegistryTest : public testing::Test {
 protected:
    ChardevConfig parsed(std::string_view option) { return *parse_chardev_option(option); }
    Result<Chardev*> add(std::string_view option) {
        return registry_.add(parsed(option), Startup::kMayNotWait);
    }
    std::string change_error(std::string_view option) {
        return registry_.change(parsed(option)).error().message();
    }

    std::unique_ptr<EventLoop> loop_ = *EventLoop::create();
    TestFrontend frontend_;
    ChardevRegistry registry_{ChardevDeps{.loop = *loop_}};
};

TEST_F(RegistryTest, mux_on_makes_two_that_go_together) {
    ASSERT_TRUE(add("null,id=m,mux=on"));
    ASSERT_NE(registry_.find("m-base"), nullptr);
    EXPECT_EQ(registry_.find("m")->backend(), "mux");
    EXPECT_EQ(registry_.remove("m-base").error().message(), "Chardev 'm-base' is busy");
    ASSERT_TRUE(registry_.remove("m"));
    EXPECT_TRUE(registry_.list().empty());
}

TEST_F(RegistryTest, failed_creation_leaves_nothing) {
    EXPECT_FALSE(add("file,id=f,path=/no/such,mux=on"));
    EXPECT_EQ(add("mux,id=m,chardev=zz").error().message(), "mux: base chardev zz not found");
    EXPECT_TRUE(registry_.list().empty());
    ASSERT_TRUE(add("null,id=n"));
    ASSERT_TRUE(add("mux,id=m,chardev=n"));
    EXPECT_EQ(add("mux,id=m2,chardev=n").error().message(), "Chardev 'n' is busy");
    EXPECT_FALSE(add("mux,id=m2,chardev=m"));
    EXPECT_EQ(registry_.list().size(), 2u);
}

TEST_F(RegistryTest, change_moves_the_user_to_the_new_back_end) {
    ASSERT_TRUE(add("null,id=c"));
    ChardevClaim claim = *registry_.claim("c");
    claim.attach(frontend_);
    frontend_.changes = true;
    loop_->run_once(0);
    const Chardev* changed = *registry_.change(parsed("ringbuf,id=c"));
    EXPECT_EQ(changed->backend(), "ringbuf");
    EXPECT_EQ(registry_.find("c"), changed);
    claim.write(text("new"));
    EXPECT_EQ(static_cast<RingbufChardev*>(registry_.find("c"))->read(10), "new");
    for (int i = 0; i < 3; ++i)
        loop_->run_once(0);
    EXPECT_EQ(frontend_.heard, "<open><writable><open>");
    claim = ChardevClaim();
    EXPECT_TRUE(registry_.remove("c"));
}

TEST_F(RegistryTest, change_that_fails_leaves_the_old_one) {
    ASSERT_TRUE(add("ringbuf,id=c"));
    EXPECT_EQ(change_error("null,id=zz"), "Chardev 'zz' does not exist");
    ChardevClaim claim = *registry_.claim("c");
    claim.attach(frontend_);
    EXPECT_EQ(change_error("null,id=c"), "Chardev user does not support chardev hotswap");
    frontend_.changes = true;
    EXPECT_FALSE(registry_.change(parsed("file,id=c,path=/no/such")));
    EXPECT_EQ(change_error("mux,id=c,chardev=c"), "Mux device hotswap not supported yet");
    claim.write(text("old"));
    EXPECT_EQ(static_cast<RingbufChardev*>(registry_.find("c"))->read(10), "old");
}

TEST_F(RegistryTest, change_without_user_replaces) {
    ASSERT_TRUE(add("null,id=c"));
    ASSERT_TRUE(registry_.change(parsed("ringbuf,id=c")));
    EXPECT_EQ(registry_.list().size(), 1u);
}

TEST_F(RegistryTest, descriptor_is_used_up_by_what_fails) {
    const auto socket_of = [](int fd) {
        return ChardevConfig{.id = "m", .backend = SocketConfig{.address = io::FdAddress{fd}}};
    };
    const auto is_open = [](int fd) { return fcntl(fd, F_GETFD) >= 0; };
    ASSERT_TRUE(add("null,id=m,mux=on"));
    const int first = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT_FALSE(registry_.change(socket_of(first)));
    EXPECT_FALSE(is_open(first));
    const int second = socket(AF_UNIX, SOCK_STREAM, 0);
    EXPECT_FALSE(registry_.add(socket_of(second), Startup::kMayNotWait));
    EXPECT_FALSE(is_open(second));
}

TEST_F(RegistryTest, multiplexers_do_not_live_with_the_monitors) {
    auto monitors = *EventLoop::create();
    registry_.place({"own", "shared", "mux"}, *monitors);
    EXPECT_EQ(&registry_.loop_of(**add("null,id=own")), monitors.get());
    EXPECT_EQ(&registry_.loop_of(**add("null,id=shared,mux=on")), loop_.get());
    EXPECT_EQ(&registry_.loop_of(*registry_.find("shared-base")), loop_.get());
    ASSERT_TRUE(add("null,id=base"));
    EXPECT_EQ(&registry_.loop_of(**add("mux,id=mux,chardev=base")), loop_.get());
}

TEST_F(RegistryTest, sockets_only_can_be_yanked) {
    const std::string path = testing::TempDir() + "qc-yank-" + std::to_string(getpid());
    ASSERT_TRUE(add("null,id=n"));
    ASSERT_TRUE(add("socket,id=s,server=on,wait=off,path=" + path));
    EXPECT_EQ(registry_.yankable(), std::vector<std::string>{"s"});
    EXPECT_TRUE(registry_.yank("s"));
    EXPECT_FALSE(registry_.yank("n"));
    EXPECT_FALSE(registry_.yank("zz"));
}

TEST_F(RegistryTest, tls_credentials_that_do_not_exist_are_refused_by_name) {
    EXPECT_EQ(add("socket,id=s,server=on,wait=off,path=/x,tls-creds=zz").error().message(),
              "No TLS credentials with id 'zz'");
}

}  // namespace
}  // namespace qc::chardev
