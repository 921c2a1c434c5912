// SPDX-License-Identifier: GPL-2.0-or-later
//
// Human monitor: character devices.
#include "chardev/chardev_registry.h"
#include "chardev/pty_chardev.h"
#include "monitor/hmp_command.h"
#include "monitor/hmp_words.h"

namespace qc::monitor {

namespace {

using Kind = HmpParameter::Kind;

// QMP says what a back end is made of in another way than people do, who write it as after
// -chardev. Both come to the same registry.
Result<std::string> made(MonitorContext& context, chardev::ChardevConfig config,
                         Result<chardev::Chardev*> (*make)(chardev::ChardevRegistry& chardevs,
                                                           const chardev::ChardevConfig& config)) {
    if (context.chardevs == nullptr) return fail("There is no machine");
    const chardev::Chardev* const chardev = TRY(make(*context.chardevs, config));
    if (chardev->backend() != "pty") return std::string();
    return fmt::format("char device redirected to {} (label {})\n",
                       static_cast<const chardev::PtyChardev*>(chardev)->path(), config.id);
}

Result<std::string> run_add(MonitorContext& context, const HmpArgs& args) {
    return made(context, TRY(chardev::parse_chardev_option(args.get("args"))),
                [](chardev::ChardevRegistry& chardevs, const chardev::ChardevConfig& config) {
                    return chardevs.add(config, chardev::Startup::kMayNotWait);
                });
}

Result<std::string> run_change(MonitorContext& context, const HmpArgs& args) {
    OptionString options = TRY(OptionString::parse(args.get("args"), "backend"));
    const std::string backend = TRY(options.take_required("backend"));
    return made(
        context,
        TRY(chardev::parse_backend(std::string(args.get("id")), backend, std::move(options))),
        [](chardev::ChardevRegistry& chardevs, const chardev::ChardevConfig& config) {
            return chardevs.change(config);
        });
}

// A command about the chardev of this id.
Result<std::string> with_id(MonitorContext& context, const HmpArgs& args, const char* command) {
    qapi::Object arguments;
    arguments.append("id", args.get("id"));
    return do_qmp(context, command, arguments);
}

Result<std::string> run_remove(MonitorContext& context, const HmpArgs& args) {
    return with_id(context, args, "chardev-remove");
}

Result<std::string> run_send_break(MonitorContext& context, const HmpArgs& args) {
    return with_id(context, args, "chardev-send-break");
}

Result<std::string> run_write(MonitorContext& context, const HmpArgs& args) {
    qapi::Object arguments;
    arguments.append("device", args.get("device"));
    arguments.append("data", args.get("data"));
    return do_qmp(context, "ringbuf-write", arguments);
}

// What a terminal would not show as it is appears as \NNN, in octal.
Result<std::string> run_read(MonitorContext& context, const HmpArgs& args) {
    qapi::Object arguments;
    arguments.append("device", args.get("device"));
    arguments.append("size", args.number("size"));
    const auto data =
        TRY(qapi::from_value<std::string>(TRY(call_qmp(context, "ringbuf-read", arguments))));
    std::string text;
    for (const char c : data) {
        const auto byte = static_cast<uint8_t>(c);
        const bool control = (byte < 32 && c != '\n' && c != '\t') || byte == 127;
        if (c == '\\') text += '\\';
        if (control) {
            text += fmt::format("\\{:03o}", byte);
        } else {
            text += c;
        }
    }
    return text + "\n";
}

constexpr HmpParameter kArgs[] = {{.name = "args", .words = chardev_backend_words}};
constexpr HmpParameter kIdAndArgs[] = {{.name = "id", .words = chardev_words},
                                       {.name = "args", .words = chardev_backend_words}};
constexpr HmpParameter kId[] = {{.name = "id", .words = chardev_words}};
constexpr HmpParameter kDeviceAndData[] = {{.name = "device", .words = ringbuf_words},
                                           {.name = "data", .kind = Kind::kRest}};
constexpr HmpParameter kDeviceAndSize[] = {{.name = "device", .words = ringbuf_words},
                                           {.name = "size", .kind = Kind::kNumber}};

constexpr HmpCommand kCommands[] = {
    {.names = "chardev-add",
     .parameters = kArgs,
     .usage = "args",
     .help = "add a character device; args as after -chardev",
     .run = run_add},
    {.names = "chardev-change",
     .parameters = kIdAndArgs,
     .usage = "id args",
     .help = "put another back end under the user of a character device",
     .run = run_change},
    {.names = "chardev-remove",
     .parameters = kId,
     .usage = "id",
     .help = "remove a character device",
     .run = run_remove},
    {.names = "chardev-send-break",
     .parameters = kId,
     .usage = "id",
     .help = "send a break to the user of a character device",
     .run = run_send_break},
    {.names = "ringbuf_write",
     .parameters = kDeviceAndData,
     .usage = "device data",
     .help = "write to a ring buffer",
     .run = run_write},
    {.names = "ringbuf_read",
     .parameters = kDeviceAndSize,
     .usage = "device size",
     .help = "take bytes out of a ring buffer",
     .run = run_read},
};

}  // namespace

std::span<const HmpCommand> hmp_chardev_commands() {
    return kCommands;
}

}  // namespace qc::monitor
