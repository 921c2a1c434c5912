// SPDX-License-Identifier: GPL-2.0-or-later
//
// Migration and COLO over TLS: who is let in, who is not, what each side says
// about it; and the objects that it needs.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "crypto/test_certificates.h"
#include "tests/functional/accel_test.h"
#include "tests/qtest/guest_memory.h"
#include "tests/qtest/stream_peer.h"
#include "tests/qtest/vm_pair.h"

namespace qc::qtest {
namespace {

constexpr std::string_view kKey = "3a1f77c2d40b9e55";

class Tls : public ::testing::Test {
 protected:
    void SetUp() override { directory_.emplace(ASSERT_VALUE(TempDir::create())); }

    const TempDir& directory() const { return *directory_; }
    PairConfig pair_config(Transport transport) const {
        PairConfig config;
        config.vm.memory_mib = 16;
        config.vm.image = guest_image("page_incrementer_small");
        config.transport = transport;
        return config;
    }
    Result<std::unique_ptr<VmPair>> start_pair(PairConfig config) const {
        auto pair = TRY(VmPair::start(config, directory()));
        TRY(pair->primary().serial().wait_for("A", Deadline::in(kUsual)));
        return pair;
    }

    // A new directory with `qemu:KEY` in keys.psk.
    std::string key_directory(const std::string& name, std::string_view key) const {
        const std::string path = directory().file(name);
        std::filesystem::create_directories(path);
        std::ofstream(path + "/keys.psk") << "qemu:" << key << "\n";
        return path;
    }
    static Result<void> add_psk(Vm& vm, const std::string& endpoint, const std::string& dir,
                                const std::string& id = "tls0") {
        TRY(vm.qmp().execute(
            "object-add",
            {{"qom-type", "tls-creds-psk"}, {"id", id}, {"endpoint", endpoint}, {"dir", dir}}));
        return set_parameter(vm, "tls-creds", id);
    }
    // server/ and client/ with certificates of one authority.
    Result<void> make_certificates(bool with_client = true) {
        auto authority = TRY(crypto::TestAuthority::create("test authority"));
        for (const char* role : {"server", "client"}) {
            const std::string dir = directory().file(role);
            std::filesystem::create_directories(dir);
            TRY(authority.write_ca(dir));
        }
        TRY(authority.issue(directory().file("server"), "server",
                            {"server", "qemu.test", "127.0.0.1"}));
        if (!with_client) return {};
        return authority.issue(directory().file("client"), "client", {"fred", {}, {}});
    }
    Result<void> add_x509(Vm& vm, const std::string& endpoint, bool verify_peer = true) {
        TRY(vm.qmp().execute("object-add", {{"qom-type", "tls-creds-x509"},
                                            {"id", "tls0"},
                                            {"endpoint", endpoint},
                                            {"dir", directory().file(endpoint)},
                                            {"verify-peer", verify_peer}}));
        return set_parameter(vm, "tls-creds", "tls0");
    }

    static Result<void> migrates(VmPair& pair) {
        TRY(pair.primary().qmp().execute("migrate", {{"uri", pair.uri()}}));
        TRY(pair.primary().wait_migration("completed", Deadline::in(kUsual)));
        TRY(pair.secondary().wait_migration("completed", Deadline::in(kUsual)));
        Vm& dest = pair.secondary();
        TRY(check_incrementer(dest, kSmallIncrementer));
        TRY(dest.serial().wait_growth(dest.serial().size(), Deadline::in(kUsual)));
        return check_incrementer(dest, kSmallIncrementer);
    }
    // The error of a migration that fails; the source's guest goes on.
    static Result<std::string> fails(VmPair& pair) {
        Vm& source = pair.primary();
        TRY(source.qmp().execute("migrate", {{"uri", pair.uri()}}));
        std::string error;
        while (true) {
            const Json reply = TRY(source.qmp().execute("query-migrate"));
            error = reply.value("error-desc", "");
            if (reply.value("status", "") == "failed") break;
            if (reply.value("status", "") == "completed") return fail("it completed");
        }
        TRY(source.serial().wait_growth(source.serial().size(), Deadline::in(kUsual)));
        TRY(check_incrementer(source, kSmallIncrementer));
        return error;
    }
    static Result<void> still_waits(Vm& dest) {
        const std::string state = TRY(dest.run_state());
        if (state != "inmigrate") return fail("{} is {}", dest.name(), state);
        return {};
    }
    static std::string said(Vm& vm) { return vm.process().stderr_text(); }

 private:
    std::optional<TempDir> directory_;
};

TEST_F(Tls, equal_keys_carry_a_live_migration) {
    for (Transport transport : {Transport::kUnix, Transport::kTcp}) {
        auto pair = ASSERT_VALUE(start_pair(pair_config(transport)));
        ASSERT_VALUE(add_psk(pair->secondary(), "server", key_directory("a", kKey)));
        ASSERT_VALUE(add_psk(pair->primary(), "client", key_directory("b", kKey)));
        ASSERT_VALUE(migrates(*pair));
        EXPECT_EQ(ASSERT_VALUE(pair->primary().terminate()), ExitStatus::exited(0));
        EXPECT_EQ(ASSERT_VALUE(pair->secondary().terminate()), ExitStatus::exited(0));
    }
}

TEST_F(Tls, nothing_of_the_guest_is_readable_on_the_wire) {
    auto pair = ASSERT_VALUE(start_pair(pair_config(Transport::kUnix)));
    ASSERT_VALUE(add_psk(pair->primary(), "client", key_directory("b", kKey)));
    auto listener = ASSERT_VALUE(StreamListener::listen(directory().file("tap.sock")));
    ASSERT_VALUE(pair->primary().qmp().execute("migrate",
                                               {{"uri", "unix:" + directory().file("tap.sock")}}));
    StreamPeer peer = ASSERT_VALUE(listener.accept(Deadline::in(kUsual)));
    std::string bytes;
    ASSERT_VALUE(peer.receive_until_quiet(bytes, 500ms, Deadline::in(kUsual)));
    ASSERT_GT(bytes.size(), 5U);
    EXPECT_EQ(bytes[0], '\x16') << "not a TLS handshake record";
    EXPECT_EQ(bytes.find("QEVM"), std::string::npos);
    // Nobody answers the handshake: it can be cancelled.
    ASSERT_VALUE(pair->primary().qmp().execute("migrate_cancel"));
    ASSERT_VALUE(pair->primary().wait_migration("cancelled", Deadline::in(kUsual)));
}

TEST_F(Tls, other_key_is_refused_destination_waits_on_for_the_right_one) {
    auto pair = ASSERT_VALUE(start_pair(pair_config(Transport::kTcp)));
    ASSERT_VALUE(add_psk(pair->secondary(), "server", key_directory("a", kKey)));
    ASSERT_VALUE(add_psk(pair->primary(), "client", key_directory("bad", "00112233"), "wrong"));
    const std::string error = ASSERT_VALUE(fails(*pair));
    EXPECT_NE(error, "");
    ASSERT_VALUE(still_waits(pair->secondary()));
    EXPECT_NE(said(pair->secondary()).find("refusing a connection"), std::string::npos);
    ASSERT_VALUE(add_psk(pair->primary(), "client", key_directory("b", kKey), "right"));
    ASSERT_VALUE(migrates(*pair));
}

TEST_F(Tls, source_without_tls_and_strangers_do_not_get_in) {
    auto pair = ASSERT_VALUE(start_pair(pair_config(Transport::kUnix)));
    ASSERT_VALUE(add_psk(pair->secondary(), "server", key_directory("a", kKey)));
    ASSERT_VALUE(fails(*pair));
    ASSERT_VALUE(still_waits(pair->secondary()));
    const std::string path = pair->uri().substr(5);
    std::vector<StreamPeer> strangers;
    for (int i = 0; i < 10; ++i)
        strangers.push_back(ASSERT_VALUE(StreamPeer::connect(path, Deadline::in(kUsual))));
    // Half of a handshake.
    ASSERT_VALUE(strangers[0].send("\x16\x03\x01", Deadline::in(kUsual)));
    ASSERT_VALUE(add_psk(pair->primary(), "client", key_directory("b", kKey)));
    ASSERT_VALUE(migrates(*pair));
}

TEST_F(Tls, certificates_with_the_host_of_the_address_or_another_name) {
    ASSERT_VALUE(make_certificates());
    for (const char* hostname : {"", "qemu.test"}) {
        auto pair = ASSERT_VALUE(
            start_pair(pair_config(*hostname == '\0' ? Transport::kTcp : Transport::kUnix)));
        ASSERT_VALUE(add_x509(pair->secondary(), "server"));
        ASSERT_VALUE(add_x509(pair->primary(), "client"));
        ASSERT_VALUE(set_parameter(pair->primary(), "tls-hostname", hostname));
        ASSERT_VALUE(migrates(*pair));
    }
}

TEST_F(Tls, certificate_for_another_host_ends_the_destination) {
    ASSERT_VALUE(make_certificates());
    for (const char* hostname : {"", "else.test"}) {
        auto pair = ASSERT_VALUE(start_pair(pair_config(Transport::kUnix)));
        ASSERT_VALUE(add_x509(pair->secondary(), "server"));
        ASSERT_VALUE(add_x509(pair->primary(), "client"));
        ASSERT_VALUE(set_parameter(pair->primary(), "tls-hostname", hostname));
        const std::string error = ASSERT_VALUE(fails(*pair));
        EXPECT_NE(error.find(*hostname == '\0' ? "tls-hostname" : "else.test"), std::string::npos)
            << error;
        EXPECT_EQ(ASSERT_VALUE(pair->secondary().process().wait(Deadline::in(kUsual))),
                  ExitStatus::exited(1));
    }
}

TEST_F(Tls, name_of_the_source_is_authorised) {
    ASSERT_VALUE(make_certificates());
    struct {
        Json object;
        bool allowed;
    } cases[] = {
        {{{"qom-type", "authz-simple"}, {"identity", "CN=fred"}}, true},
        {{{"qom-type", "authz-simple"}, {"identity", "CN=bob"}}, false},
        {{{"qom-type", "authz-list"},
          {"policy", "deny"},
          {"rules", {{{"match", "CN=f*"}, {"policy", "allow"}, {"format", "glob"}}}}},
         true},
    };
    for (auto& one : cases) {
        auto pair = ASSERT_VALUE(start_pair(pair_config(Transport::kTcp)));
        ASSERT_VALUE(add_x509(pair->secondary(), "server"));
        one.object["id"] = "authz0";
        ASSERT_VALUE(pair->secondary().qmp().execute("object-add", one.object));
        ASSERT_VALUE(set_parameter(pair->secondary(), "tls-authz", "authz0"));
        ASSERT_VALUE(add_x509(pair->primary(), "client"));
        if (one.allowed) {
            ASSERT_VALUE(migrates(*pair));
            continue;
        }
        ASSERT_VALUE(fails(*pair));
        ASSERT_VALUE(still_waits(pair->secondary()));
        EXPECT_NE(said(pair->secondary()).find("'CN=fred' is not authorised"), std::string::npos)
            << said(pair->secondary());
    }
}

TEST_F(Tls, source_without_a_certificate_gets_in_only_where_it_may) {
    ASSERT_VALUE(make_certificates(false));
    for (bool verify : {true, false}) {
        auto pair = ASSERT_VALUE(start_pair(pair_config(Transport::kTcp)));
        ASSERT_VALUE(add_x509(pair->secondary(), "server", verify));
        ASSERT_VALUE(add_x509(pair->primary(), "client"));
        if (verify) {
            ASSERT_VALUE(fails(*pair));
            ASSERT_VALUE(still_waits(pair->secondary()));
        } else {
            ASSERT_VALUE(migrates(*pair));
        }
    }
}

TEST_F(Tls, colo_takes_checkpoints_and_fails_over) {
    PairConfig config = pair_config(Transport::kTcp);
    config.capabilities = {"x-colo"};
    config.checkpoint_delay_ms = 100;
    auto pair = ASSERT_VALUE(start_pair(config));
    ASSERT_VALUE(add_psk(pair->secondary(), "server", key_directory("a", kKey)));
    ASSERT_VALUE(add_psk(pair->primary(), "client", key_directory("b", kKey)));
    ASSERT_VALUE(
        pair->primary().qmp().execute("migrate-set-parameters", {{"x-colo-verify", true}}));
    ASSERT_VALUE(pair->enter_colo());
    ASSERT_VALUE(pair->wait_checkpoints(20));
    pair->primary().process().kill_now();
    Vm& survivor = pair->secondary();
    ASSERT_VALUE(take_over(survivor));
    ASSERT_VALUE(survivor.qmp().wait_event("COLO_EXIT", Deadline::in(kUsual)));
    ASSERT_VALUE(survivor.serial().wait_growth(survivor.serial().size(), Deadline::in(kUsual)));
    ASSERT_VALUE(check_incrementer(survivor, kSmallIncrementer));
    EXPECT_EQ(ASSERT_VALUE(survivor.run_state()), "running");
}

TEST_F(Tls, multifd_has_tls_on_every_channel) {
    for (const char* creds : {"psk", "x509"}) {
        PairConfig config = pair_config(Transport::kTcp);
        config.capabilities = {"multifd"};
        config.parameters = R"({"multifd-channels": 4})";
        auto pair = ASSERT_VALUE(start_pair(config));
        if (std::string_view(creds) == "psk") {
            ASSERT_VALUE(add_psk(pair->secondary(), "server", key_directory("a", kKey)));
            ASSERT_VALUE(add_psk(pair->primary(), "client", key_directory("b", kKey)));
        } else {
            ASSERT_VALUE(make_certificates());
            ASSERT_VALUE(add_x509(pair->secondary(), "server"));
            ASSERT_VALUE(add_x509(pair->primary(), "client"));
        }
        // A destination with credentials lets no channel in without TLS.
        ASSERT_VALUE(migrates(*pair));
        const Json ram = ASSERT_VALUE(pair->primary().qmp().execute("query-migrate"))["ram"];
        EXPECT_GT(ram["multifd-bytes"], 0);
    }
}

TEST_F(Tls, multifd_with_another_key_fails_and_the_destination_waits_on) {
    PairConfig config = pair_config(Transport::kTcp);
    config.capabilities = {"multifd"};
    auto pair = ASSERT_VALUE(start_pair(config));
    ASSERT_VALUE(add_psk(pair->secondary(), "server", key_directory("a", kKey)));
    ASSERT_VALUE(add_psk(pair->primary(), "client", key_directory("bad", "00112233"), "wrong"));
    ASSERT_VALUE(fails(*pair));
    ASSERT_VALUE(still_waits(pair->secondary()));
    ASSERT_VALUE(add_psk(pair->primary(), "client", key_directory("b", kKey), "right"));
    ASSERT_VALUE(migrates(*pair));
}

TEST_F(Tls, colo_with_multifd_takes_checkpoints) {
    PairConfig config = pair_config(Transport::kTcp);
    config.capabilities = {"x-colo", "multifd"};
    config.checkpoint_delay_ms = 100;
    auto pair = ASSERT_VALUE(start_pair(config));
    ASSERT_VALUE(add_psk(pair->secondary(), "server", key_directory("a", kKey)));
    ASSERT_VALUE(add_psk(pair->primary(), "client", key_directory("b", kKey)));
    ASSERT_VALUE(
        pair->primary().qmp().execute("migrate-set-parameters", {{"x-colo-verify", true}}));
    ASSERT_VALUE(pair->enter_colo());
    ASSERT_VALUE(pair->wait_checkpoints(10));
    ASSERT_VALUE(check_incrementer(pair->primary(), kSmallIncrementer));
}

TEST_F(Tls, objects_are_listed_deleted_and_kept_while_in_use) {
    auto pair = ASSERT_VALUE(start_pair(pair_config(Transport::kUnix)));
    Vm& dest = pair->secondary();
    ASSERT_VALUE(add_psk(dest, "server", key_directory("a", kKey)));
    auto refused = dest.qmp().execute("object-del", {{"id", "tls0"}});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message().find("'tls0' is in use"), std::string::npos);
    const Json types =
        ASSERT_VALUE(dest.qmp().execute("qom-list-types", {{"implements", "user-creatable"}}));
    EXPECT_NE(types.dump().find("tls-creds-x509"), std::string::npos);
    EXPECT_NE(types.dump().find("authz-list-file"), std::string::npos);
    EXPECT_EQ(ASSERT_VALUE(dest.qmp().execute(
                  "qom-get", {{"path", "/objects/tls0"}, {"property", "endpoint"}})),
              "server");
    ASSERT_VALUE(set_parameter(dest, "tls-creds", ""));
    ASSERT_VALUE(dest.qmp().execute("object-del", {{"id", "tls0"}}));
    EXPECT_FALSE(dest.qmp().execute("object-del", {{"id", "tls0"}}));
    EXPECT_FALSE(dest.qmp().execute("migrate-set-parameters", {{"tls-creds", "tls0"}}));
    // A source is told what is missing, by name.
    ASSERT_VALUE(set_parameter(pair->primary(), "tls-creds", "nobody"));
    auto migrated = pair->primary().qmp().execute("migrate", {{"uri", pair->uri()}});
    ASSERT_FALSE(migrated);
    EXPECT_NE(migrated.error().message().find("'nobody'"), std::string::npos);
}

TEST_F(Tls, files_and_commands_have_no_tls) {
    auto pair = ASSERT_VALUE(start_pair(pair_config(Transport::kUnix)));
    ASSERT_VALUE(add_psk(pair->primary(), "client", key_directory("b", kKey)));
    auto refused =
        pair->primary().qmp().execute("migrate", {{"uri", "file:" + directory().file("x")}});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message().find("TLS"), std::string::npos);
}

TEST_F(Tls, command_line_makes_objects_and_names_what_is_wrong) {
    const std::string dir = key_directory("a", kKey);
    VmConfig good;
    good.memory_mib = 16;
    good.extra = {"-object",
                  "tls-creds-psk,id=tls0,endpoint=server,dir=" + dir,
                  "-object",
                  "secret,id=s0,data=Zm9v,format=base64",
                  "-object",
                  R"({"qom-type":"authz-list","id":"a0","policy":"allow",)"
                  R"("rules":[{"match":"x","policy":"deny"}]})"};
    auto vm = ASSERT_VALUE(Vm::start(good, directory()));
    const Json objects = ASSERT_VALUE(vm->qmp().execute("qom-list", {{"path", "/objects"}}));
    for (const char* id : {"tls0", "s0", "a0"})
        EXPECT_NE(objects.dump().find(fmt::format("\"{}\"", id)), std::string::npos) << id;
    EXPECT_FALSE(vm->qmp().execute("qom-get", {{"path", "/objects/s0"}, {"property", "data"}}))
        << "a secret is told";
    struct {
        std::string option;
        std::string named;
    } cases[] = {
        {"tls-creds-psk,id=t,dir=/nowhere,endpoint=server", "/nowhere/keys.psk"},
        {"tls-creds-x509,id=t,dir=/nowhere", "/nowhere/ca-cert.pem"},
        {"tls-creds-x509,id=t,dir=/nowhere,passwordid=s", "'s'"},
        {"secret,id=s,data=x,keyid=k", "'keyid'"},
        {"secret,id=s", "'data'"},
        {"nosuch,id=s", "nosuch"},
        {"secret,data=x", "id"},
        {"secret,id=s,data=x,color=red", "color"},
        {"authz-list,id=a,rules=1", "rules"},
    };
    for (const auto& one : cases) {
        VmConfig bad;
        bad.name = "bad";
        bad.extra = {"-object", one.option};
        Process process =
            ASSERT_VALUE(Process::spawn({.arguments = Vm::command_line(bad, directory()),
                                         .stdout_path = directory().file("out"),
                                         .stderr_path = directory().file("err")}));
        EXPECT_EQ(ASSERT_VALUE(process.wait(Deadline::in(kUsual))), ExitStatus::exited(1))
            << one.option;
        EXPECT_NE(process.stderr_text().find(one.named), std::string::npos)
            << one.option << ": " << process.stderr_text();
    }
}

}  // namespace
}  // namespace qc::qtest
