// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the destination says to the source before and after the switchover
// (docs/devel/migration-stream.rst, "The way back").
#pragma once

#include <cstdint>
#include <string>

#include "migration/gather_writer.h"
#include "migration/stream_format.h"
#include "migration/stream_reader.h"

namespace qc::migration {

struct ReturnReply {
    ReturnMessage type = ReturnMessage::kShut;
    uint32_t status = 0;  // kShut
    std::string text;     // kShut: why not 0; printable
};

void write_loaded(GatherWriter& out);
void write_switchover_ack(GatherWriter& out);
void write_shut(GatherWriter& out, uint32_t status, std::string_view text);
Result<ReturnReply> read_reply(StreamReader& in);

// `text` cut to `limit` bytes, without control characters: a peer's words go to
// our user's terminal.
std::string printable(std::string_view text, size_t limit);

}  // namespace qc::migration
