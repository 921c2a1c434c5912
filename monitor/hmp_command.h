// SPDX-License-Identifier: GPL-2.0-or-later
//
// The table behind the human monitor. A command is one constexpr entry: what it
// takes, what `help` says, and a function that returns the text to show (lines
// end with \n). An error is shown as "Error: ...".
//
// Threading: plain data and functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "monitor/context.h"
#include "monitor/hmp_format.h"
#include "qapi/convert.h"
#include "qapi/value.h"
#include "util/result.h"

namespace qc::monitor {

// Adds words that begin with `prefix`, or any: the others are left out later.
using HmpWords = void (*)(MonitorContext& context, std::string_view prefix,
                          std::vector<std::string>& words);

struct HmpParameter {
    enum class Kind : uint8_t {
        kFlag,    // -d
        kWord,    // up to white space, or in quotes
        kNumber,  // an expression: hmp_expression.h
        kFormat,  // "/8xb" before the rest, always optional
        kOnOff,
        kRest,  // of the line
    };
    std::string_view name;
    Kind kind = Kind::kWord;
    char letter = 0;        // of a flag
    bool optional = false;  // a flag always is
    // What Tab offers. Null: nothing.
    HmpWords words = nullptr;
};

// The words of one command, by parameter.
class HmpArgs {
 public:
    void set(std::string_view name, std::string_view value, int64_t number = 0) {
        values_.push_back({name, value, number});
    }
    void set_format(const HmpFormat& format) { format_ = format; }
    bool has(std::string_view name) const;
    // Empty if it was not given.
    std::string_view get(std::string_view name) const;
    bool on(std::string_view name) const { return get(name) == "on"; }
    // Of a kNumber; 0 if it was not given.
    int64_t number(std::string_view name) const;
    const HmpFormat& format() const { return format_; }

 private:
    struct Value {
        std::string_view name;
        std::string_view value;
        int64_t number;
    };
    const Value* find(std::string_view name) const;

    std::vector<Value> values_;
    HmpFormat format_;
};

struct HmpCommand {
    std::string_view names;  // "stop|s"
    std::span<const HmpParameter> parameters;
    std::string_view usage;  // what `help` shows of them
    std::string_view help;
    Result<std::string> (*run)(MonitorContext& context, const HmpArgs& args);
};

// The commands that there are beside this room's own, for Monitor::Deps.
struct HmpTables {
    std::vector<std::span<const HmpCommand>> commands;
    std::vector<std::span<const HmpCommand>> info;
    // A register of the processor that `cpu` has chosen, for expressions: "pc". Null:
    // there are none.
    Result<int64_t> (*read_register)(MonitorContext& context, std::string_view name) = nullptr;
};

// Each file of commands has its table; `info` has one of its own.
std::span<const HmpCommand> hmp_basic_commands();
std::span<const HmpCommand> hmp_chardev_commands();
std::span<const HmpCommand> hmp_migration_commands();
std::span<const HmpCommand> hmp_info_commands();
std::span<const HmpCommand> hmp_device_info();
std::span<const HmpCommand> hmp_migration_info();
std::span<const HmpCommand> hmp_object_info();

bool has_name(const HmpCommand& command, std::string_view name);

// An error is text for the person, without "Error: ".
Result<HmpArgs> parse_hmp_args(MonitorContext& context, const HmpCommand& command,
                               std::string_view text);

// Executes a QMP command.
Result<qapi::Value> call_qmp(MonitorContext& context, std::string_view name,
                             const qapi::Object& arguments = {});

template <typename T>
Result<T> query_qmp(MonitorContext& context, std::string_view name) {
    return qapi::from_value<T>(TRY(call_qmp(context, name)));
}

// For commands that show nothing.
Result<std::string> do_qmp(MonitorContext& context, std::string_view name,
                           const qapi::Object& arguments = {});

inline std::string_view on_off(bool value) {
    return value ? "on" : "off";
}

}  // namespace qc::monitor
