# SPDX-License-Identifier: GPL-2.0-or-later
"""qapi_X.cc: everything of one module that needs no subsystem, in one file, so
that the headers it needs are compiled once."""
from . import cpp, gen_events, gen_types, gen_visit
from .schema import Event


def generate(schema, module):
    mine = [item for item in schema.types_in_order if item.module == module]
    events = schema.of_module(Event, module)
    includes = [cpp.include("events", module)] if events else []
    includes += [cpp.include("visit", module), "", "#include <utility>", "", '#include "util/assert.h"']
    body = "".join(gen_types.define(item) for item in mine)
    body += "".join(gen_visit.define(item) for item in mine)
    body += "".join(gen_events.define(event) for event in events)
    return {f"qapi_{cpp.snake(module)}.cc":
            cpp.source("Types, conversions and events.", module, includes, body)}
