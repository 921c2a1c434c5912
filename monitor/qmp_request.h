// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a QMP client sends, taken apart, and what it gets back. Source: the QMP
// specification (QEMU, docs/interop/qmp-spec), sections 2.2 to 2.5.
//
// Threading: plain values and functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "qapi/value.h"
#include "util/result.h"

namespace qc::monitor {

struct QmpRequest {
    bool out_of_band = false;
    std::string command;
    qapi::Object arguments;
    // Echoed in the answer, whatever it is; also that to a bad request.
    std::optional<qapi::Value> id;
    // What is wrong with the request; then the command counts for nothing.
    std::optional<Error> error;
};

enum class OobAllowed : uint8_t { kNo, kYes };

// `input` as it came out of the JSON reader.
QmpRequest parse_qmp_request(Result<qapi::Value> input, OobAllowed oob);

// {"return": ..., "id": ...} or {"error": {...}, "id": ...}
qapi::Object qmp_response(const Result<qapi::Value>& result, std::optional<qapi::Value> id);

// {"timestamp": ..., "event": ..., "data": ...}; `now_ns` is wall time.
qapi::Object qmp_event(std::string_view name, std::optional<qapi::Object> data, int64_t now_ns);

}  // namespace qc::monitor
