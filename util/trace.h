// SPDX-License-Identifier: GPL-2.0-or-later
//
// Trace events. scripts/tracetool.py makes a function of every line in a
// folder's trace-events file; an event that is off costs it one load and one
// branch. The registry switches events on by glob pattern and owns the sink
// that they write to. docs/devel/tracing.rst shows the use.
//
// Threading: events and the sink are thread-safe; the registry is main-loop
// only. The events are constants of the program apart from their switch, which
// belongs to the one registry that lives at a time; it outlives every thread
// that traces.
#pragma once

#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "util/log_file.h"
#include "util/result.h"

namespace qc::trace {

class TraceEvent;

// One argument of an event.
struct TraceValue {
    enum class Kind : uint8_t { kUnsigned, kSigned, kBool, kString };

    constexpr explicit TraceValue(bool value) : kind(Kind::kBool), number(value) {}
    constexpr explicit TraceValue(std::unsigned_integral auto value)
        : kind(Kind::kUnsigned), number(value) {}
    constexpr explicit TraceValue(std::signed_integral auto value)
        : kind(Kind::kSigned), number(static_cast<uint64_t>(int64_t{value})) {}
    constexpr explicit TraceValue(std::string_view value) : kind(Kind::kString), text(value) {}
    // Or a literal would become a bool.
    constexpr explicit TraceValue(const char* value) : TraceValue(std::string_view(value)) {}

    Kind kind;
    uint64_t number = 0;
    std::string_view text;
};

// Where enabled events go.
class TraceSink {
 public:
    virtual ~TraceSink() = default;
    virtual void emit(const TraceEvent& event, std::span<const TraceValue> values) = 0;
};

class TraceEvent {
 public:
    // `text` is a {fmt} format that tracetool.py has checked.
    constexpr TraceEvent(std::string_view name, std::string_view text) : name_(name), text_(text) {}

    std::string_view name() const { return name_; }
    std::string_view text() const { return text_; }
    // Null while the event is off.
    TraceSink* sink() const { return sink_.load(std::memory_order_acquire); }
    void set_sink(TraceSink* sink) { sink_.store(sink, std::memory_order_release); }

 private:
    std::string_view name_;
    std::string_view text_;
    std::atomic<TraceSink*> sink_{nullptr};
};

// The events of one folder.
using TraceGroup = std::span<TraceEvent* const>;

// The text of an event with its values; control characters in strings are
// escaped, so that it is always one line.
std::string format_event(const TraceEvent& event, std::span<const TraceValue> values);

class TraceRegistry {
 public:
    // `groups` is the generated table; it must outlive the registry.
    explicit TraceRegistry(std::span<const TraceGroup> groups);
    // Switches every event off.
    ~TraceRegistry();
    TraceRegistry(const TraceRegistry&) = delete;
    TraceRegistry& operator=(const TraceRegistry&) = delete;

    // The argument of -trace: "[enable=]PATTERN[,events=FILE][,file=FILE]".
    // `help` is the caller's: it prints names(). A pattern that matches nothing
    // is warned about.
    Result<void> apply_option(std::string_view text);

    // -D: where the lines go; stderr until then.
    Result<void> set_file(const std::string& path);

    // Switches the events that match the glob pattern, "-PATTERN" off; returns
    // how many match.
    size_t apply_pattern(std::string_view pattern);

    // All events, in the order of the table.
    std::vector<const TraceEvent*> events() const;

 private:
    class LineSink;
    Result<void> apply_events_file(const std::string& path);

    std::span<const TraceGroup> groups_;
    LogFile file_;
    std::unique_ptr<LineSink> sink_;
};

}  // namespace qc::trace
