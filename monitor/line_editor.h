// SPDX-License-Identifier: GPL-2.0-or-later
//
// One line of text that a person types at a terminal: keys in, what the screen is to
// show out. Sources: the control sequences of ECMA-48 (cursor movement, EL, ED), and the
// keys that Emacs and shells agree on.
//
//   Left, Right, Home, End, Control-B, -F, -A, -E    move the cursor
//   Backspace, Delete, Control-D                     delete a character
//   Control-K, -U, -W                                delete to the end, the start, a word
//   Up, Down, Control-P, -N                          lines that were typed before
//   Control-C                                        gives the line up
//   Control-L                                        clears the screen
//   Tab, Return                                      are the caller's
//
// Other control characters and sequences are ignored. Text is UTF-8; every character is
// taken to be one column wide, and the line to fit into the screen.
//
// Threading: a plain value, without clock or I/O. Owned by a HumanSession.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace qc::monitor {

class LineEditor {
 public:
    // What is typed beyond is ignored.
    static constexpr size_t kMaxLine = 4095;
    static constexpr size_t kMaxHistory = 64;

    enum class Event : uint8_t {
        kNone,
        kLine,  // Return: line() is complete; begin_line() goes on
        kTab,   // complete() goes on
    };

    explicit LineEditor(std::string prompt) : prompt_(std::move(prompt)) {}

    Event step(uint8_t byte);

    // Shows the prompt and an empty line.
    void begin_line();
    const std::string& line() const { return line_; }
    // What is left of the cursor, for complete().
    std::string_view left() const { return std::string_view(line_).substr(0, cursor_); }

    // `candidates` are words that could stand for the last `word` bytes of left(), which
    // all of them begin with. One is put in, with a space behind it unless it ends with
    // '/'; of several what they have in common, and they are listed.
    void complete(size_t word, const std::vector<std::string>& candidates);

    // The lines that were typed before, oldest first, each once.
    const std::deque<std::string>& history() const { return history_; }

    // What the screen is to show, since the last call.
    std::string take_output() { return std::exchange(output_, {}); }

 private:
    enum class Input : uint8_t { kText, kEscape, kSequence, kSingleShift };

    Event control(uint8_t byte);
    void sequence(char final);
    void text_byte(uint8_t byte);
    void insert(std::string_view text);
    void erase(size_t from, size_t to);
    void replace_line(const std::string& text);
    void move_to(size_t position);
    void move_columns_left(size_t columns);
    void show_tail();
    void redraw();
    void list(const std::vector<std::string>& words);
    void remember();
    void walk_history(size_t position);
    size_t before(size_t position) const;
    size_t after(size_t position) const;
    size_t word_start() const;

    std::string prompt_;
    std::string output_;
    std::string line_;
    size_t cursor_ = 0;  // a byte of line_ at which a character begins, or its end

    Input input_ = Input::kText;
    std::string parameters_;  // of a control sequence
    std::string character_;   // the bytes so far of one in UTF-8
    size_t missing_ = 0;      // and how many are to come
    bool after_return_ = false;

    std::deque<std::string> history_;
    size_t history_position_ = 0;  // history_.size(): the line that was not yet entered
    std::string draft_;            // that line, while another is shown
};

}  // namespace qc::monitor
