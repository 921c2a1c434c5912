// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/trace.h"

#include <fmt/args.h>
#include <fmt/format.h>
#include <fnmatch.h>
#include <unistd.h>

#include <fstream>

#include "util/clock.h"
#include "util/log.h"
#include "util/option_string.h"

namespace qc::trace {

namespace {

std::string escaped(std::string_view text) {
    std::string result;
    for (char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            result += fmt::format("\\x{:02x}", byte);
        } else {
            result += c;
        }
    }
    return result;
}

}  // namespace

std::string format_event(const TraceEvent& event, std::span<const TraceValue> values) {
    fmt::dynamic_format_arg_store<fmt::format_context> arguments;
    for (const TraceValue& value : values) {
        switch (value.kind) {
            case TraceValue::Kind::kUnsigned: arguments.push_back(value.number); break;
            case TraceValue::Kind::kSigned:
                arguments.push_back(static_cast<int64_t>(value.number));
                break;
            case TraceValue::Kind::kBool: arguments.push_back(value.number != 0); break;
            case TraceValue::Kind::kString: arguments.push_back(escaped(value.text)); break;
        }
    }
    return fmt::vformat(event.text(), arguments);
}

// "THREAD@SECONDS.MICROSECONDS:NAME TEXT", wall time.
class TraceRegistry::LineSink final : public TraceSink {
 public:
    explicit LineSink(LogFile& file) : file_(file) {}

    void emit(const TraceEvent& event, std::span<const TraceValue> values) override {
        const int64_t now_us = HostClock().now_ns() / 1000;
        file_.write_line(fmt::format("{}@{}.{:06}:{} {}", gettid(), now_us / 1'000'000,
                                     now_us % 1'000'000, event.name(),
                                     format_event(event, values)));
    }

 private:
    LogFile& file_;
};

TraceRegistry::TraceRegistry(std::span<const TraceGroup> groups)
    : groups_(groups), sink_(std::make_unique<LineSink>(file_)) {}

TraceRegistry::~TraceRegistry() {
    apply_pattern("-*");
}

Result<void> TraceRegistry::apply_option(std::string_view text) {
    OptionString options = TRY(OptionString::parse(text, "enable"));
    const std::optional<std::string> pattern = options.take("enable");
    const std::optional<std::string> events = options.take("events");
    const std::optional<std::string> file = options.take("file");
    TRY(options.expect_empty());

    if (file) TRY(set_file(*file));
    if (events) TRY(apply_events_file(*events));
    if (pattern && apply_pattern(*pattern) == 0) {
        warn_report("trace event '{}' does not exist", *pattern);
    }
    return {};
}

Result<void> TraceRegistry::set_file(const std::string& path) {
    return file_.open(path);
}

Result<void> TraceRegistry::apply_events_file(const std::string& path) {
    std::ifstream file(path);
    if (!file) return fail_errno(errno, "cannot open the trace events file '{}'", path);
    std::string line;
    while (std::getline(file, line)) {
        if (line.empty() || line.front() == '#') continue;
        if (apply_pattern(line) == 0) warn_report("trace event '{}' does not exist", line);
    }
    return {};
}

size_t TraceRegistry::apply_pattern(std::string_view pattern) {
    const bool on = !pattern.starts_with('-');
    if (!on) pattern.remove_prefix(1);
    const std::string glob(pattern);
    size_t matches = 0;
    for (const TraceGroup& group : groups_) {
        for (TraceEvent* event : group) {
            if (fnmatch(glob.c_str(), std::string(event->name()).c_str(), 0) != 0) continue;
            event->set_sink(on ? sink_.get() : nullptr);
            ++matches;
        }
    }
    return matches;
}

std::vector<const TraceEvent*> TraceRegistry::events() const {
    std::vector<const TraceEvent*> all;
    for (const TraceGroup& group : groups_)
        all.insert(all.end(), group.begin(), group.end());
    return all;
}

}  // namespace qc::trace
