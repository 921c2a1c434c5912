// SPDX-License-Identifier: GPL-2.0-or-later
//
// One person after the other at a terminal: a prompt, a line editor (line_editor.h),
// commands (hmp.h), their text.
//
//   closed --opened()--> greeting, prompt <--> a line is typed --Return--> it is executed
//     ^                                                                        |
//     +---------closed()-------------------------------------------------------+
//
// A person who does not read the output is not read from either, so that what is kept
// stays bounded (output_queue.h). Where others share the terminal, greeting and prompt
// come when the person turns to this session.
//
// Threading: the main loop's thread, where the transport lives, too. Owned by the Monitor.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "monitor/context.h"
#include "monitor/context_fds.h"
#include "monitor/line_editor.h"
#include "monitor/output_queue.h"
#include "monitor/session.h"
#include "monitor/transport.h"

namespace qc::monitor {

class Monitor;

class HumanSession final : public Session {
 public:
    HumanSession(Monitor& monitor, Transport& transport);

    void opened() override;
    void received(std::string_view bytes) override;
    void received_fds(std::vector<UniqueFd> fds) override { fds_.arrived(std::move(fds)); }
    void can_write() override;
    void closed() override;
    void finish() override { flush(); }
    void focus_changed(bool has_focus) override;

 private:
    void greet();
    void read_input();
    void obey(LineEditor::Event event);
    void say(std::string_view text) { output_.add(text); }
    void flush();
    MonitorContext context();

    Monitor& monitor_;
    Transport& transport_;
    OutputQueue output_;
    ContextFds fds_;
    LineEditor editor_;
    HumanState state_;
    std::string input_;  // received and not read yet
    bool open_ = false;
    bool focus_ = true;
    bool greeted_ = false;
    bool reading_ = true;
    bool in_read_input_ = false;
    bool in_flush_ = false;
    uint64_t connection_ = 0;
};

}  // namespace qc::monitor
