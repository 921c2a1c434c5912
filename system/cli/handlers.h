// SPDX-License-Identifier: GPL-2.0-or-later
//
// Who reads the values of options: one function for each option that is more than a
// flag or a string. The option's name is in the table.
//
// Threading: main thread.
#pragma once

#include <string>

#include "system/cli/option_entry.h"

namespace qc::system {

// machine_handlers.cc
Result<void> set_accelerator(Parse& parse, const std::string& value, const std::string& origin);
Result<void> enable_kvm(Parse& parse, const std::string& value, const std::string& origin);
Result<void> set_machine(Parse& parse, const std::string& value, const std::string& origin);
Result<void> set_memory(Parse& parse, const std::string& value, const std::string& origin);
Result<void> set_memory_path(Parse& parse, const std::string& value, const std::string& origin);
Result<void> set_memory_prealloc(Parse& parse, const std::string& value, const std::string& origin);
Result<void> set_cpus(Parse& parse, const std::string& value, const std::string& origin);
Result<void> add_numa(Parse& parse, const std::string& value, const std::string& origin);
Result<void> add_smbios(Parse& parse, const std::string& value, const std::string& origin);
Result<void> set_firmware(Parse& parse, const std::string& value, const std::string& origin);
Result<void> add_data_dir(Parse& parse, const std::string& value, const std::string& origin);

// read_config.cc
Result<void> read_config(Parse& parse, const std::string& value, const std::string& origin);

// global_option.cc
Result<void> set_global(Parse& parse, const std::string& value, const std::string& origin);

// device_handlers.cc
Result<void> add_drive(Parse& parse, const std::string& value, const std::string& origin);
Result<void> add_image(Parse& parse, std::string_view options, const std::string& file,
                       const std::string& origin);
Result<void> add_cdrom(Parse& parse, const std::string& value, const std::string& origin);
Result<void> add_device(Parse& parse, const std::string& value, const std::string& origin);
Result<void> add_object(Parse& parse, const std::string& value, const std::string& origin);
Result<void> add_chardev(Parse& parse, const std::string& value, const std::string& origin);
Result<void> add_monitor(Parse& parse, const std::string& value, const std::string& origin);
Result<void> add_human_monitor(Parse& parse, const std::string& value, const std::string& origin);
Result<void> add_qmp(Parse& parse, const std::string& value, const std::string& origin);
Result<void> add_pretty_qmp(Parse& parse, const std::string& value, const std::string& origin);
Result<void> set_qtest(Parse& parse, const std::string& value, const std::string& origin);
Result<void> set_display(Parse& parse, const std::string& value, const std::string& origin);
Result<void> set_vga(Parse& parse, const std::string& value, const std::string& origin);
Result<void> set_audio(Parse& parse, const std::string& value, const std::string& origin);

// life_handlers.cc
Result<void> set_boot(Parse& parse, const std::string& value, const std::string& origin);
Result<void> set_action(Parse& parse, const std::string& value, const std::string& origin);
Result<void> set_watchdog_action(Parse& parse, const std::string& value, const std::string& origin);
Result<void> set_rtc(Parse& parse, const std::string& value, const std::string& origin);
Result<void> do_nothing(Parse& parse, const std::string& value, const std::string& origin);
Result<void> set_incoming(Parse& parse, const std::string& value, const std::string& origin);

// process_handlers.cc
Result<void> enter_background(Parse& parse, const std::string& value, const std::string& origin);
Result<void> set_pid_file(Parse& parse, const std::string& value, const std::string& origin);
Result<void> run_with(Parse& parse, const std::string& value, const std::string& origin);
Result<void> set_user(Parse& parse, const std::string& value, const std::string& origin);
Result<void> set_root(Parse& parse, const std::string& value, const std::string& origin);
Result<void> set_sandbox(Parse& parse, const std::string& value, const std::string& origin);
Result<void> set_messages(Parse& parse, const std::string& value, const std::string& origin);

// identity_handlers.cc
Result<void> set_name(Parse& parse, const std::string& value, const std::string& origin);
Result<void> set_uuid(Parse& parse, const std::string& value, const std::string& origin);

template <int kIndex>
Result<void> add_hard_disk(Parse& parse, const std::string& value, const std::string& origin) {
    return add_image(parse, fmt::format("index={},media=disk", kIndex), value, origin);
}

template <std::vector<RawOption> Options::* kMember>
Result<void> append_raw(Parse& parse, const std::string& value, const std::string& origin) {
    (parse.options.*kMember).push_back({value, origin});
    return {};
}

template <bool Options::* kMember, bool kValue = true>
Result<void> set_flag(Parse& parse, const std::string&, const std::string&) {
    parse.options.*kMember = kValue;
    return {};
}

template <std::string Options::* kMember>
Result<void> set_string(Parse& parse, const std::string& value, const std::string&) {
    parse.options.*kMember = value;
    return {};
}

}  // namespace qc::system
