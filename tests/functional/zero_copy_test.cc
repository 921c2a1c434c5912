// SPDX-License-Identifier: GPL-2.0-or-later
//
// Multifd that sends pages from where they lie: a guest that writes them meanwhile,
// what the kernel did, and where it is refused.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/functional/accel_test.h"
#include "tests/qtest/guest_memory.h"
#include "tests/qtest/vm_pair.h"

namespace qc::qtest {
namespace {

class ZeroCopy : public AccelTest {
 protected:
    Result<std::unique_ptr<VmPair>> start_pair(Transport transport,
                                               std::vector<std::string> capabilities) const {
        return VmPair::start({.vm = config("page_incrementer_small"),
                              .transport = transport,
                              .capabilities = std::move(capabilities)},
                             directory());
    }
    static std::string error_of(Vm& vm, const std::string& command, const Json& arguments) {
        const auto reply = vm.qmp().execute(command, arguments);
        return reply ? "no error" : reply.error().message();
    }
};
INSTANTIATE_FOR_ACCELS(ZeroCopy);

TEST_P(ZeroCopy, running_guest_arrives_whole_and_copies_are_counted) {
    auto pair = ASSERT_VALUE(start_pair(Transport::kTcp, {"multifd", "zero-copy-send"}));
    Vm& source = pair->primary();
    ASSERT_VALUE(source.serial().wait_for("A", Deadline::in(kUsual)));
    ASSERT_VALUE(source.qmp().execute("migrate", {{"uri", pair->uri()}}));
    ASSERT_VALUE(source.wait_migration("completed", Deadline::in(kUsual)));
    Vm& destination = pair->secondary();
    ASSERT_VALUE(destination.qmp().wait_event("RESUME", Deadline::in(kUsual)));
    ASSERT_VALUE(check_incrementer(destination, kSmallIncrementer));
    ASSERT_VALUE(
        destination.serial().wait_growth(destination.serial().size(), Deadline::in(kUsual)));
    ASSERT_VALUE(check_incrementer(destination, kSmallIncrementer));
    // What goes to the same host the kernel copies, and says so.
    const Json reply = ASSERT_VALUE(source.qmp().execute("query-migrate"));
    EXPECT_GT(reply["ram"].value("dirty-sync-missed-zero-copy", int64_t{0}), 0);
}

TEST_P(ZeroCopy, unix_sockets_are_refused_by_name) {
    auto pair = start_pair(Transport::kUnix, {"multifd", "zero-copy-send"});
    ASSERT_FALSE(pair);
    EXPECT_NE(pair.error().message().find("'zero-copy-send' needs TCP"), std::string::npos)
        << pair.error().message();
}

TEST_P(ZeroCopy, what_copies_is_refused_by_name) {
    auto vm = ASSERT_VALUE(Vm::start(config("page_incrementer_small"), directory()));
    const Json on = {{{"capability", "zero-copy-send"}, {"state", true}}};
    EXPECT_NE(error_of(*vm, "migrate-set-capabilities", {{"capabilities", on}}).find("'multifd'"),
              std::string::npos);
    ASSERT_VALUE(vm->set_capabilities({"multifd", "zero-copy-send"}));
    for (const auto& [name, value] :
         {std::pair("multifd-compression", "zstd"), std::pair("tls-creds", "tls0")}) {
        EXPECT_NE(error_of(*vm, "migrate-set-parameters", {{name, value}}).find("zero-copy-send"),
                  std::string::npos);
    }
}

}  // namespace
}  // namespace qc::qtest
