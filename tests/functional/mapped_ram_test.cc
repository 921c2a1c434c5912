// SPDX-License-Identifier: GPL-2.0-or-later
//
// Files in which each page has its place: whole guests through them, stopped and
// running, by one thread and several; files that are not whole; what is refused.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/functional/accel_test.h"
#include "tests/qtest/guest_memory.h"
#include "tests/qtest/vm_pair.h"
#include "util/unique_fd.h"

namespace qc::qtest {
namespace {

constexpr uintmax_t kMemory = uintmax_t{16} << 20;

class MappedRam : public ::testing::Test {
 protected:
    void SetUp() override {
        directory_.emplace(ASSERT_VALUE(TempDir::create()));
        source_ = ASSERT_VALUE(Vm::start(config("source"), *directory_));
        ASSERT_VALUE(set_parameter(source(), "max-bandwidth", 1'000'000'000));
        ASSERT_VALUE(set_parameter(source(), "downtime-limit", 30'000));
        ASSERT_VALUE(source().serial().wait_for("A", Deadline::in(kUsual)));
    }
    VmConfig config(std::string name, std::string incoming = {}) const {
        VmConfig config;
        config.name = std::move(name);
        config.memory_mib = 16;
        config.image = guest_image("page_incrementer_small");
        config.incoming = std::move(incoming);
        return config;
    }
    static Result<void> use(Vm& vm, bool multifd, int channels = 4) {
        TRY(set_capability(vm, "mapped-ram", true));
        if (!multifd) return {};
        TRY(set_capability(vm, "multifd", true));
        return set_parameter(vm, "multifd-channels", channels);
    }
    static Result<void> set_capability(Vm& vm, const std::string& name, bool on) {
        TRY(vm.qmp().execute("migrate-set-capabilities",
                             {{"capabilities", {{{"capability", name}, {"state", on}}}}}));
        return {};
    }
    Result<void> save(const std::string& uri) {
        TRY(source().qmp().execute("migrate", {{"uri", uri}}));
        return source().wait_migration("completed", Deadline::in(kUsual));
    }
    Result<void> goes_on_from(const std::string& uri, bool multifd) {
        auto dest =
            TRY(Vm::start(config("dest" + std::to_string(++destinations_), "defer"), *directory_));
        TRY(use(*dest, multifd, 2));
        TRY(dest->qmp().execute("migrate-incoming", {{"uri", uri}}));
        TRY(dest->wait_migration("completed", Deadline::in(kUsual)));
        if (TRY(dest->run_state()) == "paused") TRY(dest->qmp().execute("cont"));
        if (dest->serial().text().find('A') != std::string::npos) {
            return fail("the guest was restarted");
        }
        TRY(check_incrementer(*dest, kSmallIncrementer));
        TRY(dest->serial().wait_growth(dest->serial().size(), Deadline::in(kUsual)));
        return check_incrementer(*dest, kSmallIncrementer);
    }
    std::string error_of(Vm& vm, const std::string& command, const Json& arguments) {
        auto reply = vm.qmp().execute(command, arguments);
        return reply ? "no error" : reply.error().message();
    }
    Vm& source() { return *source_; }
    std::string file(std::string_view name) const { return directory_->file(std::string(name)); }
    std::string uri() const { return "file:" + file("state"); }
    uintmax_t size() const { return std::filesystem::file_size(file("state")); }

    std::optional<TempDir> directory_;
    std::unique_ptr<Vm> source_;
    int destinations_ = 0;
};

TEST_F(MappedRam, stopped_guest_goes_on_from_its_file) {
    ASSERT_VALUE(use(source(), false));
    ASSERT_VALUE(source().qmp().execute("stop"));
    ASSERT_VALUE(save(uri()));
    ASSERT_VALUE(goes_on_from(uri(), false));
}

TEST_F(MappedRam, running_guest_is_written_in_many_passes_into_a_file_that_does_not_grow) {
    ASSERT_VALUE(use(source(), false));
    ASSERT_VALUE(set_parameter(source(), "max-bandwidth", 3'000'000));
    ASSERT_VALUE(set_parameter(source(), "downtime-limit", 0));
    ASSERT_VALUE(source().qmp().execute("migrate", {{"uri", uri()}}));
    ASSERT_VALUE(source().wait_migration("active", Deadline::in(kUsual)));
    const Deadline deadline = Deadline::in(kUsual);
    for (int64_t passes = 0; passes < 5;) {
        ASSERT_FALSE(deadline.passed()) << passes;
        const Json reply = ASSERT_VALUE(source().qmp().execute("query-migrate"));
        ASSERT_EQ(reply.value("status", ""), "active");
        if (reply.contains("ram")) passes = reply["ram"].value("dirty-sync-count", int64_t{0});
    }
    ASSERT_VALUE(set_parameter(source(), "max-bandwidth", 0));
    ASSERT_VALUE(set_parameter(source(), "downtime-limit", 30'000));
    ASSERT_VALUE(source().wait_migration("completed", Deadline::in(kUsual)));
    EXPECT_LT(size(), kMemory + (uintmax_t{8} << 20));
    ASSERT_VALUE(goes_on_from(uri(), false));
}

TEST_F(MappedRam, several_threads_write_and_read) {
    ASSERT_VALUE(use(source(), true));
    ASSERT_VALUE(save(uri()));
    ASSERT_VALUE(goes_on_from(uri(), true));
    ASSERT_VALUE(goes_on_from(uri(), false));
}

TEST_F(MappedRam, offset_leaves_room_before_the_stream) {
    ASSERT_VALUE(use(source(), false));
    ASSERT_VALUE(save(uri() + ",offset=0x1000"));
    std::ifstream stream(file("state"));
    std::string head(0x1004, 'x');
    stream.read(head.data(), static_cast<std::streamsize>(head.size()));
    EXPECT_EQ(head, std::string(0x1000, '\0') + "QEVM");
    ASSERT_VALUE(goes_on_from(uri() + ",offset=0x1000", true));
}

TEST_F(MappedRam, descriptor_of_a_file_serves_as_well) {
    ASSERT_VALUE(use(source(), true));
    UniqueFd fd(open(file("state").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    ASSERT_TRUE(fd);
    ASSERT_VALUE(source().qmp().pass_fd(fd.get(), "fd-mig"));
    ASSERT_VALUE(save("fd:fd-mig"));
    ASSERT_VALUE(goes_on_from(uri(), false));
}

TEST_F(MappedRam, file_that_was_cut_off_or_changed_ends_the_destination_with_a_reason) {
    ASSERT_VALUE(use(source(), false));
    ASSERT_VALUE(source().qmp().execute("stop"));
    ASSERT_VALUE(save(uri()));
    const uintmax_t whole = size();
    for (uintmax_t length :
         {uintmax_t{0}, uintmax_t{200}, uintmax_t{70000}, whole / 2, whole - 1}) {
        std::filesystem::copy_file(file("state"), file("cut"),
                                   std::filesystem::copy_options::overwrite_existing);
        std::filesystem::resize_file(file("cut"), length);
        auto dest =
            ASSERT_VALUE(Vm::start(config("cut" + std::to_string(length), "defer"), *directory_));
        ASSERT_VALUE(use(*dest, false));
        // The process may be gone before it has answered.
        (void)dest->qmp().execute("migrate-incoming", {{"uri", "file:" + file("cut")}});
        EXPECT_EQ(ASSERT_VALUE(dest->process().wait(Deadline::in(kUsual))), ExitStatus::exited(1))
            << length;
        EXPECT_NE(dest->process().stderr_text().find("load of migration failed"),
                  std::string::npos);
    }
}

TEST_F(MappedRam, ways_without_positions_are_refused_by_name_and_the_guest_runs_on) {
    ASSERT_VALUE(use(source(), false));
    for (const std::string& way : {std::string("tcp:127.0.0.1:1"), "unix:" + file("s"),
                                   std::string("exec:cat > /dev/null")}) {
        const std::string error = error_of(source(), "migrate", {{"uri", way}});
        EXPECT_NE(error.find("'mapped-ram' needs a file"), std::string::npos) << error;
    }
    EXPECT_EQ(ASSERT_VALUE(source().run_state()), "running");
}

TEST_F(MappedRam, what_it_cannot_be_combined_with_is_refused_by_name) {
    ASSERT_VALUE(use(source(), true));
    const auto error_with = [&](const char* capability) {
        return error_of(source(), "migrate-set-capabilities",
                        {{"capabilities", {{{"capability", capability}, {"state", true}}}}});
    };
    EXPECT_NE(error_with("x-colo").find("mapped-ram"), std::string::npos);
    EXPECT_NE(error_with("zero-copy-send").find("mapped-ram"), std::string::npos);
    EXPECT_NE(error_of(source(), "migrate-set-parameters", {{"multifd-compression", "zlib"}})
                  .find("mapped-ram"),
              std::string::npos);
    ASSERT_VALUE(set_capability(source(), "multifd", false));
    EXPECT_NE(error_with("xbzrle").find("mapped-ram"), std::string::npos);
}

// Past the host's cache, where the file system of the test's directory can.
TEST_F(MappedRam, direct_io_writes_and_reads_the_same) {
    UniqueFd direct(open(file("probe").c_str(), O_WRONLY | O_CREAT | O_DIRECT | O_CLOEXEC, 0600));
    if (!direct) GTEST_SKIP() << "no direct I/O on this file system";
    for (const bool multifd : {true, false}) {
        ASSERT_VALUE(use(source(), multifd));
        ASSERT_VALUE(set_parameter(source(), "direct-io", true));
        ASSERT_VALUE(save(uri()));
        ASSERT_VALUE(goes_on_from(uri(), multifd));
        auto dest = ASSERT_VALUE(
            Vm::start(config("direct" + std::to_string(multifd), "defer"), *directory_));
        ASSERT_VALUE(use(*dest, multifd));
        ASSERT_VALUE(set_parameter(*dest, "direct-io", true));
        ASSERT_VALUE(dest->qmp().execute("migrate-incoming", {{"uri", uri()}}));
        ASSERT_VALUE(dest->wait_migration("completed", Deadline::in(kUsual)));
        ASSERT_VALUE(check_incrementer(*dest, kSmallIncrementer));
        ASSERT_VALUE(source().qmp().execute("cont"));
        ASSERT_VALUE(set_capability(source(), "multifd", false));
    }
}

TEST_F(MappedRam, direct_io_that_cannot_be_is_refused_by_name) {
    ASSERT_VALUE(set_parameter(source(), "direct-io", true));
    EXPECT_NE(error_of(source(), "migrate", {{"uri", uri()}})
                  .find("Parameter 'direct-io' requires capability 'mapped-ram'"),
              std::string::npos);
    ASSERT_VALUE(use(source(), true));
    ASSERT_VALUE(source().qmp().execute("migrate", {{"uri", uri() + ",offset=0x200"}}));
    EXPECT_FALSE(source().wait_migration("completed", Deadline::in(kUsual)));
    const Json reply = ASSERT_VALUE(source().qmp().execute("query-migrate"));
    EXPECT_NE(reply.value("error-desc", "").find("direct-io needs a stream that begins at"),
              std::string::npos)
        << reply;
    EXPECT_EQ(ASSERT_VALUE(source().run_state()), "running");
}

}  // namespace
}  // namespace qc::qtest
