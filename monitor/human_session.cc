// SPDX-License-Identifier: GPL-2.0-or-later
#include "monitor/human_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "monitor/hmp.h"
#include "monitor/monitor.h"

namespace qc::monitor {

namespace {

constexpr std::string_view kPrompt = "(qemu) ";

}  // namespace

HumanSession::HumanSession(Monitor& monitor, Transport& transport)
    : monitor_(monitor), transport_(transport), editor_(std::string(kPrompt)) {
    state_.history = &editor_.history();
}

MonitorContext HumanSession::context() {
    return monitor_.context_for(fds_, state_);
}

void HumanSession::opened() {
    if (!std::exchange(open_, true)) monitor_.client_came();
    greeted_ = false;
    ++connection_;
    input_.clear();
    output_.clear();
    fds_.drop_waiting();
    if (focus_) greet();
    reading_ = true;
    transport_.set_reading(true);
}

void HumanSession::closed() {
    const bool was_open = std::exchange(open_, false);
    input_.clear();
    output_.clear();
    fds_.drop_waiting();
    if (was_open) monitor_.client_went();
}

void HumanSession::focus_changed(bool has_focus) {
    focus_ = has_focus;
    if (!open_) return;
    if (has_focus) {
        greet();
    } else {
        say("\r\n");
        flush();
    }
}

void HumanSession::greet() {
    const qapi::VersionTriple& version = monitor_.version().qemu;
    if (!std::exchange(greeted_, true)) {
        say(fmt::format("QEMU {}.{}.{} monitor - type 'help' for more information\r\n",
                        version.major, version.minor, version.micro));
    }
    editor_.begin_line();
    say(editor_.take_output());
    flush();
}

void HumanSession::received(std::string_view bytes) {
    if (!open_) return;
    input_ += bytes;
    read_input();
}

void HumanSession::can_write() {
    flush();
    read_input();
}

void HumanSession::read_input() {
    // A command may have the transport call back.
    if (in_read_input_) return;
    in_read_input_ = true;
    size_t taken = 0;
    while (open_ && taken < input_.size() && !output_.busy()) {
        const uint64_t connection = connection_;
        obey(editor_.step(static_cast<uint8_t>(input_[taken++])));
        // The next person begins anew, with what they have typed.
        if (connection != connection_) taken = 0;
        say(editor_.take_output());
        flush();
    }
    input_.erase(0, std::min(taken, input_.size()));
    in_read_input_ = false;
    const bool reading = open_ && input_.empty() && !output_.busy();
    if (open_ && reading != std::exchange(reading_, reading)) transport_.set_reading(reading);
}

void HumanSession::obey(LineEditor::Event event) {
    MonitorContext context = this->context();
    switch (event) {
        case LineEditor::Event::kNone: return;
        case LineEditor::Event::kTab: {
            const Completion completion = complete_hmp(context, editor_.left());
            editor_.complete(completion.word, completion.candidates);
            return;
        }
        case LineEditor::Event::kLine: break;
    }
    say(editor_.take_output());
    const std::string line = editor_.line();
    say(execute_hmp(context, line));
    editor_.begin_line();
}

void HumanSession::flush() {
    // write() may come back here, by way of can_write().
    if (!open_ || in_flush_) return;
    in_flush_ = true;
    const uint64_t connection = connection_;
    while (!output_.empty()) {
        const std::string_view text = output_.front();
        const size_t written = transport_.write(text);
        // The transport may have found its person gone, and said so.
        if (!open_ || connection != connection_) break;
        output_.taken(written);
        if (written < text.size()) break;
    }
    in_flush_ = false;
}

}  // namespace qc::monitor
