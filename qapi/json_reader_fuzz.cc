// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whatever bytes come, in whatever pieces: the reader ends, and what it accepts
// reads back the same from its own text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "qapi/json_reader.h"
#include "qapi/json_writer.h"

namespace {

void check_round_trip(const qc::qapi::Value& value) {
    const qc::Result<qc::qapi::Value> again = qc::qapi::parse_json(qc::qapi::to_json(value));
    if (!again || *again != value) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const size_t piece = data[0] % 16 + 1;
    std::string_view rest(reinterpret_cast<const char*>(data + 1), size - 1);
    qc::qapi::JsonReader reader({.bytes = 4096, .tokens = 512, .depth = 64});
    while (!rest.empty()) {
        std::string_view input = rest.substr(0, piece);
        rest.remove_prefix(input.size());
        while (const auto item = reader.next(input)) {
            if (*item) check_round_trip(**item);
        }
    }
    if (const auto item = reader.finish(); item && *item) check_round_trip(**item);
    return 0;
}
