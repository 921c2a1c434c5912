// SPDX-License-Identifier: GPL-2.0-or-later
//
// Human monitor: character devices.
#include <charconv>

#include "monitor/hmp_command.h"

namespace qc::monitor {

namespace {

using Kind = HmpParameter::Kind;

Result<std::string> run_remove(MonitorContext& context, const HmpArgs& args) {
    qapi::Object arguments;
    arguments.append("id", args.get("id"));
    return do_qmp(context, "chardev-remove", arguments);
}

Result<std::string> run_send_break(MonitorContext& context, const HmpArgs& args) {
    qapi::Object arguments;
    arguments.append("id", args.get("id"));
    return do_qmp(context, "chardev-send-break", arguments);
}

Result<std::string> run_write(MonitorContext& context, const HmpArgs& args) {
    qapi::Object arguments;
    arguments.append("device", args.get("device"));
    arguments.append("data", args.get("data"));
    return do_qmp(context, "ringbuf-write", arguments);
}

// What a terminal would not show as it is appears as \NNN, in octal.
Result<std::string> run_read(MonitorContext& context, const HmpArgs& args) {
    const std::string_view digits = args.get("size");
    int64_t size = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), size);
    if (error != std::errc() || end != digits.data() + digits.size()) {
        return fail("'{}' is not a number", digits);
    }
    qapi::Object arguments;
    arguments.append("device", args.get("device"));
    arguments.append("size", size);
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

constexpr HmpParameter kId[] = {{.name = "id"}};
constexpr HmpParameter kDeviceAndData[] = {{.name = "device"},
                                           {.name = "data", .kind = Kind::kRest}};
constexpr HmpParameter kDeviceAndSize[] = {{.name = "device"}, {.name = "size"}};

constexpr HmpCommand kCommands[] = {
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
