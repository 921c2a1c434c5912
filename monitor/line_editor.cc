// SPDX-License-Identifier: GPL-2.0-or-later
#include "monitor/line_editor.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

namespace qc::monitor {

namespace {

constexpr char key(char letter) {
    return static_cast<char>(letter & 0x1f);
}

constexpr uint8_t kEscape = 0x1b;
constexpr uint8_t kDelete = 0x7f;
// A sequence is over with a byte from here on.
constexpr uint8_t kFirstFinal = 0x40;
constexpr size_t kMaxParameters = 16;
constexpr size_t kScreenColumns = 80;

bool begins_character(char c) {
    return (static_cast<uint8_t>(c) & 0xc0) != 0x80;
}

size_t columns(std::string_view text) {
    return static_cast<size_t>(std::ranges::count_if(text, begins_character));
}

}  // namespace

LineEditor::Event LineEditor::step(uint8_t byte) {
    const bool after_return = std::exchange(after_return_, byte == '\r');
    switch (input_) {
        case Input::kEscape:
            input_ = byte == '['   ? Input::kSequence
                     : byte == 'O' ? Input::kSingleShift
                                   : Input::kText;
            parameters_.clear();
            return Event::kNone;
        case Input::kSequence:
            if (byte < kFirstFinal) {
                if (parameters_.size() < kMaxParameters) parameters_ += static_cast<char>(byte);
                return Event::kNone;
            }
            [[fallthrough]];
        case Input::kSingleShift:
            input_ = Input::kText;
            sequence(static_cast<char>(byte));
            return Event::kNone;
        case Input::kText: break;
    }
    // Both together are one Return.
    if (byte == '\n' && after_return) return Event::kNone;
    if (byte < 0x20 || byte == kDelete) return control(byte);
    text_byte(byte);
    return Event::kNone;
}

LineEditor::Event LineEditor::control(uint8_t byte) {
    switch (static_cast<char>(byte)) {
        case key('A'): move_to(0); break;
        case key('B'): move_to(before(cursor_)); break;
        case key('C'):
            output_ += "^C\r\n";
            begin_line();
            break;
        case key('D'): erase(cursor_, after(cursor_)); break;
        case key('E'): move_to(line_.size()); break;
        case key('F'): move_to(after(cursor_)); break;
        case key('H'):
        case static_cast<char>(kDelete): erase(before(cursor_), cursor_); break;
        case key('I'): return Event::kTab;
        case key('J'):
        case key('M'):
            output_ += "\r\n";
            remember();
            return Event::kLine;
        case key('K'): erase(cursor_, line_.size()); break;
        case key('L'):
            output_ += "\x1b[2J\x1b[1;1H";
            redraw();
            break;
        case key('N'): walk_history(history_position_ + 1); break;
        case key('P'):
            if (history_position_ > 0) walk_history(history_position_ - 1);
            break;
        case key('U'): erase(0, cursor_); break;
        case key('W'): erase(word_start(), cursor_); break;
        case static_cast<char>(kEscape): input_ = Input::kEscape; break;
        default: break;
    }
    return Event::kNone;
}

// As ECMA-48's cursor keys, and as the VT220 numbers those with a tilde.
void LineEditor::sequence(char final) {
    if (final == '~') {
        if (parameters_ == "1" || parameters_ == "7") final = 'H';
        if (parameters_ == "4" || parameters_ == "8") final = 'F';
        if (parameters_ == "3") erase(cursor_, after(cursor_));
    }
    switch (final) {
        case 'A': control(static_cast<uint8_t>(key('P'))); break;
        case 'B': control(static_cast<uint8_t>(key('N'))); break;
        case 'C': move_to(after(cursor_)); break;
        case 'D': move_to(before(cursor_)); break;
        case 'F': move_to(line_.size()); break;
        case 'H': move_to(0); break;
        default: break;
    }
}

// A character is put in when all its bytes are there; what is none is ignored.
void LineEditor::text_byte(uint8_t byte) {
    const auto c = static_cast<char>(byte);
    if (!begins_character(c)) {
        if (missing_ == 0) return;
        character_ += c;
        if (--missing_ == 0) insert(std::exchange(character_, {}));
        return;
    }
    const int ones = std::countl_one(byte);
    missing_ = ones > 1 && ones <= 4 ? static_cast<size_t>(ones) - 1 : 0;
    character_.assign(1, c);
    if (missing_ == 0 && ones == 0) insert(std::exchange(character_, {}));
}

void LineEditor::insert(std::string_view text) {
    if (line_.size() + text.size() > kMaxLine) return;
    line_.insert(cursor_, text);
    cursor_ += text.size();
    output_ += text;
    if (cursor_ < line_.size()) show_tail();
}

void LineEditor::erase(size_t from, size_t to) {
    if (from == to) return;
    move_to(from);
    line_.erase(from, to - from);
    show_tail();
}

void LineEditor::replace_line(const std::string& text) {
    move_to(0);
    line_ = text;
    cursor_ = line_.size();
    output_ += line_;
    show_tail();
}

void LineEditor::move_to(size_t position) {
    if (position < cursor_) {
        move_columns_left(columns(left().substr(position)));
    } else {
        output_ += std::string_view(line_).substr(cursor_, position - cursor_);
    }
    cursor_ = position;
}

void LineEditor::move_columns_left(size_t count) {
    if (count == 1) output_ += "\x1b[D";
    if (count > 1) output_ += fmt::format("\x1b[{}D", count);
}

// What is right of the cursor, with nothing behind it; the cursor stays.
void LineEditor::show_tail() {
    const std::string_view tail = std::string_view(line_).substr(cursor_);
    output_ += tail;
    output_ += "\x1b[K";
    move_columns_left(columns(tail));
}

void LineEditor::begin_line() {
    line_.clear();
    cursor_ = 0;
    draft_.clear();
    missing_ = 0;
    history_position_ = history_.size();
    output_ += prompt_;
}

void LineEditor::redraw() {
    output_ += prompt_;
    output_ += left();
    show_tail();
}

void LineEditor::complete(size_t word, const std::vector<std::string>& candidates) {
    if (candidates.empty()) return;
    std::string_view common = candidates.front();
    for (const std::string& candidate : candidates) {
        const auto [end, other] = std::ranges::mismatch(common, candidate);
        common = common.substr(0, static_cast<size_t>(end - common.begin()));
    }
    std::string rest(common.substr(std::min(word, common.size())));
    if (candidates.size() == 1 && !common.ends_with('/')) rest += ' ';
    insert(rest);
    if (candidates.size() > 1) list(candidates);
}

void LineEditor::list(const std::vector<std::string>& words) {
    constexpr size_t kGap = 2;
    const size_t width = std::ranges::max(words, {}, &std::string::size).size() + kGap;
    const size_t per_row = std::max<size_t>(kScreenColumns / width, 1);
    output_ += "\r\n";
    for (size_t index = 0; index < words.size(); ++index) {
        const bool last = (index + 1) % per_row == 0 || index + 1 == words.size();
        output_ += last ? words[index] + "\r\n" : fmt::format("{:<{}}", words[index], width);
    }
    redraw();
}

void LineEditor::remember() {
    if (line_.empty()) return;
    std::erase(history_, line_);
    history_.push_back(line_);
    if (history_.size() > kMaxHistory) history_.pop_front();
}

void LineEditor::walk_history(size_t position) {
    if (position > history_.size()) return;
    if (history_position_ == history_.size()) draft_ = line_;
    history_position_ = position;
    replace_line(position == history_.size() ? draft_ : history_[position]);
}

size_t LineEditor::before(size_t position) const {
    while (position > 0 && !begins_character(line_[--position])) {
    }
    return position;
}

size_t LineEditor::after(size_t position) const {
    if (position == line_.size()) return position;
    while (++position < line_.size() && !begins_character(line_[position])) {
    }
    return position;
}

// Of the word that the cursor is in or behind.
size_t LineEditor::word_start() const {
    size_t start = cursor_;
    while (start > 0 && line_[start - 1] == ' ')
        --start;
    while (start > 0 && line_[start - 1] != ' ')
        --start;
    return start;
}

}  // namespace qc::monitor
