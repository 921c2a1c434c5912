// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/cli/handlers.h"
#include "system/linux/process_setup.h"

namespace qc::system {

Result<void> enter_background(Parse& parse, const std::string&, const std::string&) {
    parse.options.process.background = true;
    return {};
}

Result<void> set_pid_file(Parse& parse, const std::string& value, const std::string&) {
    if (value.empty()) return fail("a path is missing");
    parse.options.process.pid_file = value;
    return {};
}

Result<void> set_user(Parse& parse, const std::string& value, const std::string&) {
    parse.options.process.user = TRY(find_user(value));
    return {};
}

Result<void> set_root(Parse& parse, const std::string& value, const std::string&) {
    if (value.empty()) return fail("a path is missing");
    parse.options.process.root = value;
    return {};
}

Result<void> run_with(Parse& parse, const std::string& value, const std::string& origin) {
    auto options = TRY(OptionString::parse(value, ""));
    if (auto with_parent = TRY(options.take_bool("exit-with-parent"))) {
        parse.options.process.ends_with_parent = *with_parent;
    }
    // A process that shares the memory would have to be there from the start.
    if (TRY(options.take_bool("async-teardown")).value_or(false)) {
        return fail("async-teardown=on is not supported by this version");
    }
    if (auto root = options.take("chroot")) TRY(set_root(parse, *root, origin));
    if (auto user = options.take("user")) TRY(set_user(parse, *user, origin));
    return options.expect_empty();
}

Result<void> set_sandbox(Parse& parse, const std::string& value, const std::string&) {
    auto options = TRY(OptionString::parse(value, "enable"));
    const auto denied = [&](std::string_view key, bool usual) -> Result<bool> {
        const auto text = options.take(key);
        if (!text) return usual;
        if (*text != "allow" && *text != "deny") return fail("invalid argument for {}", key);
        return *text == "deny";
    };
    const bool enable = TRY(options.take_bool("enable")).value_or(false);
    SandboxOptions sandbox;
    sandbox.deny_obsolete = TRY(denied("obsolete", true));
    // The children of a sandbox cannot gain privileges anyway.
    if (auto elevation = options.take("elevateprivileges")) {
        sandbox.deny_elevation = *elevation == "deny" || *elevation == "children";
        if (!sandbox.deny_elevation && *elevation != "allow") {
            return fail("invalid argument for elevateprivileges");
        }
    }
    sandbox.deny_spawn = TRY(denied("spawn", false));
    sandbox.deny_resource_control = TRY(denied("resourcecontrol", false));
    TRY(options.expect_empty());
    parse.options.process.sandbox.reset();
    if (enable) parse.options.process.sandbox = sandbox;
    return {};
}

Result<void> set_messages(Parse& parse, const std::string& value, const std::string&) {
    auto options = TRY(OptionString::parse(value, ""));
    parse.options.messages = {.timestamp = TRY(options.take_bool("timestamp")).value_or(false),
                              .guest_name = TRY(options.take_bool("guest-name")).value_or(false)};
    return options.expect_empty();
}

}  // namespace qc::system
