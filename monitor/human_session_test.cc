// SPDX-License-Identifier: GPL-2.0-or-later
#include "monitor/human_session.h"

#include <gtest/gtest.h>

#include "monitor/test_support.h"

namespace qc::monitor {
namespace {

Result<qapi::Value> run_ok(MonitorContext&, const qapi::Object&) {
    return qapi::Value(qapi::Object());
}
Result<qapi::Value> run_show(MonitorContext&, const qapi::Object&) {
    return fail("no way");
}
Result<qapi::Value> run_chardevs(MonitorContext&, const qapi::Object&) {
    qapi::Array list;
    for (const char* label : {"serial0", "second"}) {
        qapi::Object info;
        info.append("label", label);
        list.push_back(std::move(info));
    }
    return qapi::Value(std::move(list));
}
constexpr qapi::CommandDef kCommands[] = {
    {.name = "stop", .invoke = run_ok},
    {.name = "cont", .invoke = run_show},
    {.name = "query-chardev", .invoke = run_chardevs},
};

class HumanSessionTest : public testing::Test {
 protected:
    HumanSessionTest() { commands.add(kCommands); }

    std::string type(std::string_view keys) {
        session.received(keys);
        return terminal.take();
    }

    qapi::CommandTable commands;
    MonitorFixture fixture{commands};
    FakeTransport terminal;
    HumanSession& session{fixture.monitor.add_human(terminal)};
};

constexpr std::string_view kGreeting =
    "QEMU 9.0.1 monitor - type 'help' for more information\n(qemu) ";

TEST_F(HumanSessionTest, person_is_greeted_and_prompted) {
    session.opened();
    EXPECT_EQ(terminal.take(), kGreeting);
    EXPECT_EQ(type("\r"), "\n(qemu) ");
}

TEST_F(HumanSessionTest, commands_are_executed_and_answered_in_order) {
    session.opened();
    terminal.take();
    EXPECT_EQ(type("stop\rcont\rfoo\r"),
              "stop\n(qemu) cont\nError: no way\n(qemu) foo\nunknown command: 'foo'\n(qemu) ");
}

TEST_F(HumanSessionTest, tab_completes_commands_topics_and_arguments) {
    session.opened();
    terminal.take();
    EXPECT_EQ(type("qu\t"), "quit ");
    EXPECT_EQ(type("\x15info stat\t").substr(0, 8), "\x1b[5D\x1b[Ki");
    EXPECT_EQ(type("\x03"), "^C\n(qemu) ");
    EXPECT_EQ(type("chardev-remove se\t"),
              "chardev-remove se\nsecond   serial0\n(qemu) chardev-remove se\x1b[K");
    EXPECT_EQ(type("r\t"), "rial0 ");
    EXPECT_EQ(type("\x03help info sta\t"), "^C\n(qemu) help info status ");
    EXPECT_EQ(type("\x03migrate_set_capability x o\t"),
              "^C\n(qemu) migrate_set_capability x o\noff  on\n(qemu) migrate_set_capability x "
              "o\x1b[K");
    EXPECT_EQ(type("\x03nosuch \tq\t"), "^C\n(qemu) nosuch q");
}

TEST_F(HumanSessionTest, next_person_begins_anew) {
    session.opened();
    type("sto");
    session.closed();
    session.opened();
    EXPECT_EQ(terminal.take(), kGreeting);
    EXPECT_EQ(type("p\r"), "p\nunknown command: 'p'\n(qemu) ");
}

TEST_F(HumanSessionTest, who_does_not_read_is_not_read_from) {
    session.opened();
    terminal.room = 0;
    int helps = 0;
    for (; terminal.reading && helps < 10'000; ++helps)
        session.received("help\r");
    EXPECT_LT(helps, 10'000);
    terminal.take();
    // What comes all the same is kept, and executed when there is room.
    session.received("stop\r");
    EXPECT_EQ(terminal.take(), "");
    terminal.room = SIZE_MAX;
    session.can_write();
    EXPECT_TRUE(terminal.take().ends_with("stop\n(qemu) "));
    EXPECT_TRUE(terminal.reading);
}

TEST_F(HumanSessionTest, greeting_waits_for_the_focus) {
    session.focus_changed(false);
    session.opened();
    EXPECT_EQ(terminal.take(), "");
    session.focus_changed(true);
    EXPECT_EQ(terminal.take(), kGreeting);
    EXPECT_EQ(type("abc"), "abc");
    session.focus_changed(false);
    EXPECT_EQ(terminal.take(), "\n");
    session.focus_changed(true);
    EXPECT_EQ(type("stop\r"), "(qemu) stop\n(qemu) ");
}

TEST_F(HumanSessionTest, info_history_lists_the_lines) {
    session.opened();
    type("stop\rinfo history\r");
    EXPECT_EQ(type("info history\r"), "info history\n0: 'stop'\n1: 'info history'\n(qemu) ");
}

}  // namespace
}  // namespace qc::monitor
