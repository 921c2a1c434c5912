// SPDX-License-Identifier: GPL-2.0-or-later
//
// qemu-system-x86_64.

#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <optional>

#include "system/command_line.h"
#include "system/device_nodes.h"
#include "system/linux/background.h"
#include "system/linux/pid_file.h"
#include "system/linux/process_setup.h"
#include "system/linux/sandbox.h"
#include "system/linux/signal_watch.h"
#include "system/machine.h"
#include "system/option_help.h"
#include "system/tracing.h"
#include "system/user_objects.h"
#include "util/bus_error.h"
#include "util/log.h"
#include "util/out_of_memory.h"

namespace {

using namespace qc;

int print(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return std::fflush(stdout) == 0 ? 0 : 1;
}

// The lists that need the options' own values: devices, CPU models, trace events.
Result<std::optional<std::string>> requested_text(const system::Options& options,
                                                  const system::Tracing& tracing) {
    if (auto text = tracing.help(options)) return text;
    if (auto text = TRY(system::UserObjects::help(options.objects))) return text;
    if (options.cpu_model == "help" || options.cpu_model == "?") return system::cpu_help();
    system::DeviceNodes nodes(system::canonical_machine_type(options.machine_type), {});
    return nodes.help(options.devices);
}

Result<void> give_up_rights(const system::ProcessOptions& process, pid_t parent) {
    if (!process.root.empty()) TRY(system::change_root(process.root));
    if (process.user) {
        TRY(system::become_user(*process.user));
        if (process.ends_with_parent) TRY(system::end_with_parent(parent).context("-run-with"));
    }
    if (process.sandbox) TRY(system::enter_sandbox(*process.sandbox).context("-sandbox"));
    return {};
}

// `background` is the caller's: who waits for the answer gets it behind the last message.
Result<int> run(std::span<const char* const> arguments,
                std::optional<system::Background>& background) {
    const pid_t parent = getppid();
    system::CommandLine command_line = TRY(system::parse_command_line(arguments));
    if (auto* text = std::get_if<system::PrintAndExit>(&command_line)) return print(text->text);
    auto& options = std::get<system::Options>(command_line);
    set_report_format({.timestamp = options.messages.timestamp,
                       .guest_name = options.messages.guest_name ? options.vm_name : ""});

    system::Tracing tracing;
    if (auto text = TRY(requested_text(options, tracing))) return print(*text);
    const system::ProcessOptions process = options.process;
    if (process.background) background = TRY(system::Background::enter().context("-daemonize"));
    if (process.ends_with_parent) TRY(system::end_with_parent(parent).context("-run-with"));
    std::optional<system::PidFile> pid_file;
    if (!process.pid_file.empty()) {
        pid_file.emplace(
            TRY(system::PidFile::create(process.pid_file).context("cannot create PID file")));
    }
    TRY(tracing.apply(options));
    if (!options.process_name.empty()) prctl(PR_SET_NAME, options.process_name.c_str());

    const bool incoming = options.incoming.has_value();
    auto loop = TRY(EventLoop::create());
    auto machine = TRY(system::Machine::create(std::move(options), *loop));
    auto signals = TRY(system::SignalWatch::create(*loop, [&](int signal, pid_t sender) {
        report(ReportLevel::kError, fmt::format("terminating on signal {} from pid {} ({})", signal,
                                                sender, system::process_name(sender)));
        machine->requests().request_shutdown(runstate::ShutdownCause::kHostSignal);
    }));
    // What comes in is listened for with the rights of the start.
    if (incoming) TRY(machine->launch());
    TRY(give_up_rights(process, parent));
    if (!incoming) TRY(machine->launch());
    if (background) TRY(background->ready());
    loop->run();
    machine->shut_down();
    return machine->exit_status();
}

}  // namespace

int main(int argc, char** argv) {
    // A peer that went away is an error of the write, not a signal.
    std::signal(SIGPIPE, SIG_IGN);
    // So is a file that may not grow.
    std::signal(SIGXFSZ, SIG_IGN);
    end_when_out_of_memory();
    end_on_bus_error();
    std::optional<system::Background> background;
    auto status =
        run(std::span<const char* const>(argv, static_cast<size_t>(argc)).subspan(1), background);
    if (!status) {
        error_report(status.error());
        return 1;
    }
    return *status;
}
