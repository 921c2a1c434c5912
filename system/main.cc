// SPDX-License-Identifier: GPL-2.0-or-later
//
// qemu-system-x86_64.

#include <sys/prctl.h>

#include <csignal>
#include <cstdio>

#include "system/command_line.h"
#include "system/device_nodes.h"
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
    system::DeviceNodes nodes(system::canonical_machine_type(options.machine_type));
    return nodes.help(options.devices);
}

Result<int> run(std::span<const char* const> arguments) {
    system::CommandLine command_line = TRY(system::parse_command_line(arguments));
    if (auto* text = std::get_if<system::PrintAndExit>(&command_line)) return print(text->text);
    auto& options = std::get<system::Options>(command_line);

    system::Tracing tracing;
    if (auto text = TRY(requested_text(options, tracing))) return print(*text);
    TRY(tracing.apply(options));
    if (!options.process_name.empty()) prctl(PR_SET_NAME, options.process_name.c_str());

    auto loop = TRY(EventLoop::create());
    auto machine = TRY(system::Machine::create(std::move(options), *loop));
    auto signals = TRY(system::SignalWatch::create(*loop, [&](int signal, pid_t sender) {
        report(ReportLevel::kError, fmt::format("terminating on signal {} from pid {} ({})", signal,
                                                sender, system::process_name(sender)));
        machine->requests().request_shutdown(runstate::ShutdownCause::kHostSignal);
    }));
    TRY(machine->launch());
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
    auto status = run(std::span<const char* const>(argv, static_cast<size_t>(argc)).subspan(1));
    if (!status) {
        error_report(status.error());
        return 1;
    }
    return *status;
}
