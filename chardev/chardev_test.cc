// SPDX-License-Identifier: GPL-2.0-or-later
//
// The registry, and the back ends null, file and stdio.
#include "chardev/chardev.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include "chardev/chardev_registry.h"
#include "chardev/file_chardev.h"
#include "chardev/stdio_chardev.h"
#include "chardev/test_frontend.h"
#include "util/machine_lock.h"
#include "util/thread.h"

namespace qc::chardev {
namespace {

class ChardevTest : public testing::Test {
 protected:
    void TearDown() override { unlink(path_.c_str()); }
    void turn() {
        for (int i = 0; i < 4; ++i)
            loop_->run_once(0);
    }
    std::string written() const {
        std::stringstream content;
        content << std::ifstream(path_).rdbuf();
        return content.str();
    }
    ChardevClaim claim_of(std::string_view id) { return *registry_.claim(id); }
    Result<Chardev*> add(std::string_view option) {
        return registry_.add(*parse_chardev_option(option), Startup::kMayWait);
    }

    const std::string path_ = testing::TempDir() + "qc-chardev-" + std::to_string(getpid());
    std::unique_ptr<EventLoop> loop_ = *EventLoop::create();
    ChardevRegistry registry_{ChardevDeps{.loop = *loop_}};
    TestFrontend frontend_;
};

TEST_F(ChardevTest, registry_knows_ids) {
    ASSERT_TRUE(add("null,id=a"));
    EXPECT_EQ(add("null,id=a").error().message(), "Chardev with id 'a' already exists");
    EXPECT_EQ(registry_.claim("b").error().message(), "Chardev 'b' not found");
    EXPECT_EQ(registry_.remove("b").error().message(), "Chardev 'b' not found");
    ASSERT_EQ(registry_.list().size(), 1u);
    EXPECT_EQ(registry_.list()[0]->description(), "null");
    EXPECT_TRUE(registry_.remove("a"));
    EXPECT_EQ(registry_.find("a"), nullptr);
}

TEST_F(ChardevTest, claimed_chardev_is_busy) {
    ASSERT_TRUE(add("null,id=a"));
    {
        const ChardevClaim claim = claim_of("a");
        EXPECT_EQ(registry_.claim("a").error().message(), "Chardev 'a' is busy");
        EXPECT_EQ(registry_.remove("a").error().message(), "Chardev 'a' is busy");
    }
    EXPECT_TRUE(registry_.claim("a"));
    EXPECT_TRUE(registry_.remove("a"));
}

TEST_F(ChardevTest, short_form_makes_finds_or_is_nothing) {
    EXPECT_EQ(*registry_.find_legacy("serial0", "none", Startup::kMayWait), nullptr);
    Chardev* const made = *registry_.find_legacy("serial0", "null", Startup::kMayWait);
    EXPECT_EQ(made->id(), "serial0");
    EXPECT_EQ(*registry_.find_legacy("serial1", "chardev:serial0", Startup::kMayWait), made);
    EXPECT_FALSE(registry_.find_legacy("serial1", "chardev:x", Startup::kMayWait));
    EXPECT_EQ((*registry_.find_legacy("serial2", "mon:null", Startup::kMayWait))->backend(), "mux");
    EXPECT_FALSE(registry_.find_legacy("serial3", "mon:none", Startup::kMayWait));
}

TEST_F(ChardevTest, log_gets_all_output) {
    for (const char* back_end : {"null", "ringbuf", "null,mux=on"}) {
        std::ofstream(path_) << "old";
        ASSERT_TRUE(add(fmt::format("{},id=c,logfile={}", back_end, path_)));
        claim_of("c").write(text("one "));
        claim_of("c").write(text("two"));
        turn();
        EXPECT_EQ(written(), "one two") << back_end;
        ASSERT_TRUE(registry_.remove("c"));
    }
    ASSERT_TRUE(add("null,id=c,logappend=on,logfile=" + path_));
    claim_of("c").write(text("!"));
    turn();
    EXPECT_EQ(written(), "one two!");
    ASSERT_TRUE(add("mux,id=m,chardev=c,logfile=" + path_));
    claim_of("m").write(text("mux"));
    turn();
    EXPECT_EQ(written(), "mux");
    ASSERT_TRUE(registry_.remove("m"));
    EXPECT_EQ(add("null,id=d,logfile=/no/such/x").error().message(),
              "Could not open '/no/such/x': No such file or directory");
    EXPECT_EQ(parse_chardev_option("null,id=d,logappend=on").error().message(),
              "'logappend' option requires 'logfile' option");
}

TEST_F(ChardevTest, null_opens_and_takes_everything) {
    ASSERT_TRUE(add("null,id=a"));
    ChardevClaim claim = claim_of("a");
    claim.attach(frontend_);
    EXPECT_EQ(frontend_.heard, "");
    turn();
    EXPECT_EQ(frontend_.heard, "<open>");
    EXPECT_EQ(claim.write(text("abc")), 3u);
    EXPECT_EQ(claim.chardev().counters().bytes_written, 3u);
}

TEST_F(ChardevTest, file_gets_what_is_written) {
    std::ofstream(path_) << "old";
    ASSERT_TRUE(add("file,id=f,path=" + path_));
    ChardevClaim claim = claim_of("f");
    claim.attach(frontend_);
    EXPECT_EQ(claim.write(text("one ")), 4u);
    EXPECT_EQ(claim.write(text("two")), 3u);
    turn();
    EXPECT_EQ(written(), "one two");
    EXPECT_EQ(frontend_.heard, "<open>");
    EXPECT_EQ(claim.chardev().counters().bytes_written, 7u);
}

TEST_F(ChardevTest, file_in_append_mode_keeps_its_content) {
    std::ofstream(path_) << "old ";
    ASSERT_TRUE(add("file,id=f,append=on,path=" + path_));
    claim_of("f").write(text("new"));
    turn();
    EXPECT_EQ(written(), "old new");
}

TEST_F(ChardevTest, write_from_a_vcpu_under_the_machine_lock_arrives) {
    ASSERT_TRUE(add("file,id=f,path=" + path_));
    ChardevClaim claim = claim_of("f");
    MachineLock lock;
    Thread vcpu("vcpu", [&] {
        MachineLockGuard guard(lock);
        EXPECT_EQ(claim.write(text("from a vCPU")), 11u);
    });
    vcpu.join();
    EXPECT_EQ(written(), "");
    turn();
    EXPECT_EQ(written(), "from a vCPU");
}

TEST_F(ChardevTest, output_queued_at_the_end_is_not_lost) {
    ASSERT_TRUE(add("file,id=f,path=" + path_));
    {
        ChardevClaim claim = claim_of("f");
        Thread vcpu("vcpu", [&] { claim.write(text("last words")); });
        vcpu.join();
    }
    ASSERT_TRUE(registry_.remove("f"));
    EXPECT_EQ(written(), "last words");
    turn();
}

TEST_F(ChardevTest, full_disk_is_reported_once_counted_and_survived) {
    ASSERT_TRUE(add("file,id=log,path=/dev/full"));
    ChardevClaim claim = claim_of("log");
    testing::internal::CaptureStderr();
    for (int i = 0; i < 3; ++i) {
        EXPECT_EQ(claim.write(text("abc")), 3u);
        turn();
    }
    EXPECT_EQ(testing::internal::GetCapturedStderr(),
              "chardev_test: warning: chardev 'log': writing to '/dev/full': No space left on "
              "device; output is lost until the file takes it again\n");
    const ChardevCounters counters = claim.chardev().counters();
    EXPECT_EQ(counters.bytes_dropped, 9u);
    EXPECT_EQ(counters.bytes_written, 0u);
    EXPECT_EQ(counters.host_errors, 3u);
}

TEST_F(ChardevTest, file_that_cannot_be_opened_is_named) {
    EXPECT_EQ(add("file,id=f,path=/nonexistent/x").error().message(),
              "Could not open '/nonexistent/x': No such file or directory");
    EXPECT_EQ(registry_.find("f"), nullptr);
}

TEST_F(ChardevTest, second_stdio_is_refused) {
    ASSERT_TRUE(add("stdio,id=a"));
    EXPECT_EQ(add("stdio,id=b").error().message(),
              "cannot use stdio by multiple character devices");
    ASSERT_TRUE(registry_.remove("a"));
    EXPECT_TRUE(add("stdio,id=b"));
}

// Standard input and output as two pipes.
class StdioTest : public ChardevTest {
 protected:
    void SetUp() override {
        int in[2], out[2];
        ASSERT_EQ(pipe(in), 0);
        ASSERT_EQ(pipe(out), 0);
        input_.reset(in[0]);
        keyboard_.reset(in[1]);
        screen_.reset(out[0]);
        output_.reset(out[1]);
        fcntl(screen_.get(), F_SETFL, O_NONBLOCK);
        stdio_ = *StdioChardev::create(*loop_, "stdio", TerminalSignals::kOff, input_.get(),
                                       output_.get());
        claim_ = *ChardevClaim::claim(*stdio_);
    }
    void TearDown() override {
        claim_ = {};
        stdio_.reset();
    }
    void type(std::string_view keys) {
        ASSERT_EQ(::write(keyboard_.get(), keys.data(), keys.size()),
                  static_cast<ssize_t>(keys.size()));
    }
    size_t drain_screen() {
        char buffer[65536];
        size_t total = 0;
        while (true) {
            const ssize_t count = ::read(screen_.get(), buffer, sizeof(buffer));
            if (count <= 0) return total;
            total += static_cast<size_t>(count);
        }
    }

    UniqueFd input_, keyboard_, screen_, output_;
    std::unique_ptr<StdioChardev> stdio_;
    ChardevClaim claim_;
};

TEST_F(StdioTest, input_reaches_the_front_end_after_opened) {
    type("ab");
    claim_.attach(frontend_);
    turn();
    EXPECT_EQ(frontend_.heard, "<open>ab");
}

TEST_F(StdioTest, front_end_without_room_gets_input_later) {
    frontend_.room = 0;
    claim_.attach(frontend_);
    type("abc");
    turn();
    EXPECT_EQ(frontend_.heard, "<open>");
    frontend_.room = 2;
    claim_.accept_input();
    turn();
    EXPECT_EQ(frontend_.heard, "<open>abc");
}

TEST_F(StdioTest, end_of_input_closes_but_output_goes_on) {
    claim_.attach(frontend_);
    keyboard_.reset();
    turn();
    EXPECT_EQ(frontend_.heard, "<open><close>");
    claim_.write(text("bye"));
    turn();
    EXPECT_EQ(drain_screen(), 3u);
}

TEST_F(StdioTest, detached_front_end_hears_nothing) {
    claim_.attach(frontend_);
    claim_.detach();
    type("a");
    turn();
    EXPECT_EQ(frontend_.heard, "");
}

TEST_F(StdioTest, blocking_mode_of_the_callers_descriptors_is_kept) {
    EXPECT_EQ(fcntl(input_.get(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_EQ(fcntl(output_.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(StdioTest, reader_that_is_slow_means_back_pressure_and_no_loss) {
    claim_.attach(frontend_);
    turn();
    const std::string chunk(100'000, 'x');
    size_t taken = 0;
    while (true) {
        const size_t count = claim_.write(text(chunk));
        taken += count;
        if (count < chunk.size()) break;
    }
    EXPECT_GE(taken, ChannelChardev::kQueueLimit);
    EXPECT_EQ(claim_.write(text("y")), 0u);
    size_t received = 0;
    for (int i = 0; i < 1000 && received < taken; ++i) {
        received += drain_screen();
        loop_->run_once(0);
    }
    EXPECT_EQ(received, taken);
    EXPECT_EQ(frontend_.heard, "<open><writable>");
    EXPECT_EQ(stdio_->counters().bytes_dropped, 0u);
}

TEST_F(StdioTest, reader_that_is_gone_is_reported_once) {
    screen_.reset();
    testing::internal::CaptureStderr();
    for (int i = 0; i < 2; ++i) {
        claim_.write(text("abc"));
        turn();
    }
    EXPECT_EQ(testing::internal::GetCapturedStderr(),
              "chardev_test: warning: chardev 'stdio': writing to stdio: Broken pipe; output is "
              "lost\n");
    EXPECT_EQ(stdio_->counters().bytes_dropped, 6u);
}

}  // namespace
}  // namespace qc::chardev
