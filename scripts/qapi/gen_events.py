# SPDX-License-Identifier: GPL-2.0-or-later
"""qapi_events_X.h: one function for each event. qapi_X.cc has the code."""
from . import cpp
from .schema import Event


def generate(schema, module):
    events = schema.of_module(Event, module)
    if not events:
        return {}
    body = "\n".join(cpp.comment(event.doc.body) + signature(event) + ";\n" for event in events)
    includes = ['#include "qapi/event_sink.h"', cpp.include("types", module)]
    return {cpp.file_name("events", module, ".h"):
            cpp.header("Events of the schema.", module, includes, body)}


def signature(event):
    arguments = "EventSink& sink"
    if event.args is not None:
        arguments += f", const {event.args.name}& data"
    return f"void emit_{cpp.snake(event.name)}({arguments})"


def define(event):
    if event.args is None:
        return f"{signature(event)} {{ sink.emit({cpp.quoted(event.name)}, std::nullopt); }}\n\n"
    return (f"{signature(event)} {{\n    Object members;\n    write_members(members, data);\n"
            f"    sink.emit({cpp.quoted(event.name)}, std::move(members));\n}}\n\n")
