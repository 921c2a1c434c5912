// SPDX-License-Identifier: GPL-2.0-or-later
#include "monitor/line_editor.h"

#include <gtest/gtest.h>

namespace qc::monitor {
namespace {

// A terminal as far as the editor uses one: what a person sees on the last row, and
// where the cursor stands.
class Screen {
 public:
    void show(std::string_view output) {
        for (size_t i = 0; i < output.size(); ++i) {
            const char c = output[i];
            if (c == '\r') {
                column_ = 0;
            } else if (c == '\n') {
                row_.clear();
            } else if (c == '\x1b') {
                const size_t end = output.find_first_of("ABCDHJK", i);
                obey(output.substr(i + 2, end - i - 2), output[end]);
                i = end;
            } else {
                if (column_ < row_.size()) {
                    row_[column_] = c;
                } else {
                    row_ += c;
                }
                ++column_;
            }
        }
    }
    // The cursor is a bar.
    std::string view() const { return row_.substr(0, column_) + "|" + row_.substr(column_); }

 private:
    void obey(std::string_view parameter, char what) {
        if (what == 'D') column_ -= parameter.empty() ? 1 : std::stoul(std::string(parameter));
        if (what == 'K') row_.resize(column_);
        if (what == 'H') column_ = 0;
        if (what == 'J') row_.clear();
    }

    std::string row_;
    size_t column_ = 0;
};

class LineEditorTest : public testing::Test {
 protected:
    LineEditorTest() {
        editor_.begin_line();
        look();
    }

    // What is seen after these keys; each complete line is kept.
    std::string type(std::string_view keys) {
        for (const char c : keys) {
            const LineEditor::Event event = editor_.step(static_cast<uint8_t>(c));
            if (event == LineEditor::Event::kLine) {
                entered_ += editor_.line() + ";";
                editor_.begin_line();
            }
            if (event == LineEditor::Event::kTab) editor_.complete(word_, candidates_);
        }
        return look();
    }
    std::string look() {
        output_ = editor_.take_output();
        screen_.show(output_);
        return screen_.view();
    }

    LineEditor editor_{"> "};
    Screen screen_;
    std::string output_;
    std::string entered_;
    size_t word_ = 0;
    std::vector<std::string> candidates_;
};

TEST_F(LineEditorTest, text_is_echoed_and_entered) {
    EXPECT_EQ(type("info"), "> info|");
    EXPECT_EQ(output_, "info");
    EXPECT_EQ(type("\r"), "> |");
    EXPECT_EQ(output_, "\r\n> ");
    EXPECT_EQ(entered_, "info;");
}

TEST_F(LineEditorTest, any_end_of_a_line_counts_once) {
    type("a\rb\nc\r\nd\r\n\n");
    EXPECT_EQ(entered_, "a;b;c;d;;");
}

TEST_F(LineEditorTest, cursor_moves_and_text_goes_where_it_stands) {
    EXPECT_EQ(type("abc\x1b[D\x1b[DX"), "> aX|bc");
    EXPECT_EQ(type("\x1b[CY"), "> aXbY|c");
    EXPECT_EQ(type("\x01Z"), "> Z|aXbYc");
    EXPECT_EQ(type("\x05!"), "> ZaXbYc!|");
    EXPECT_EQ(type("\x1b[H\x1b[3~\x1b[4~."), "> aXbYc!.|");
    EXPECT_EQ(type("\x1bOD\x1bOD?"), "> aXbYc?|!.");
    EXPECT_EQ(type("\x1b[H\x1b[D\x02<"), "> <|aXbYc?!.");
    EXPECT_EQ(type("\x1b[F\x06\x1b[C>"), "> <aXbYc?!.>|");
    type("\r");
    EXPECT_EQ(entered_, "<aXbYc?!.>;");
}

TEST_F(LineEditorTest, keys_delete_characters_words_and_ends) {
    EXPECT_EQ(type("abc def\x17"), "> abc |");
    EXPECT_EQ(type("\x17\x17\x17"), "> |");
    EXPECT_EQ(type("abcdef\x02\x02\x0b"), "> abcd|");
    EXPECT_EQ(type("\x02\x02\x15"), "> |cd");
    EXPECT_EQ(type("\x04"), "> |d");
    EXPECT_EQ(type("\x04\x04\x7f\b"), "> |");
    EXPECT_EQ(type("xyz\x02\x7f"), "> x|z");
}

TEST_F(LineEditorTest, characters_of_several_bytes_are_one) {
    type(
        "a\xc3\xa4\xe2\x82\xac"
        "b\x02\x02\x02");
    EXPECT_EQ(output_,
              "a\xc3\xa4\xe2\x82\xac"
              "b\x1b[D\x1b[D\x1b[D");
    type("\x04\r");
    EXPECT_EQ(entered_,
              "a\xe2\x82\xac"
              "b;");
}

TEST_F(LineEditorTest, bytes_that_are_no_character_are_ignored) {
    type(
        "a\x80\xff\xc3"
        "b\xe2\x82"
        "c\r");
    EXPECT_EQ(entered_, "abc;");
}

TEST_F(LineEditorTest, control_c_gives_the_line_up) {
    EXPECT_EQ(type("reset\x03"), "> |");
    EXPECT_EQ(output_, "reset^C\r\n> ");
    type("\r");
    EXPECT_EQ(entered_, ";");
}

TEST_F(LineEditorTest, control_l_shows_the_line_on_a_clear_screen) {
    EXPECT_EQ(type("abc\x02\x0c"), "> ab|c");
}

TEST_F(LineEditorTest, history_goes_up_and_down_to_the_draft) {
    type("one\rtwo\r");
    EXPECT_EQ(type("dra\x1b[A"), "> two|");
    EXPECT_EQ(type("\x10"), "> one|");
    EXPECT_EQ(type("\x1b[A"), "> one|");
    EXPECT_EQ(type("\x1b[B"), "> two|");
    EXPECT_EQ(type("\x0e"), "> dra|");
    EXPECT_EQ(type("\x0e"), "> dra|");
}

TEST_F(LineEditorTest, history_has_each_line_once_and_no_empty_one) {
    type("one\rtwo\r\rone\r");
    EXPECT_EQ(editor_.history(), (std::deque<std::string>{"two", "one"}));
}

TEST_F(LineEditorTest, history_forgets_the_oldest) {
    for (size_t i = 0; i <= LineEditor::kMaxHistory; ++i)
        type(std::to_string(i) + "\r");
    EXPECT_EQ(editor_.history().size(), LineEditor::kMaxHistory);
    EXPECT_EQ(editor_.history().front(), "1");
}

TEST_F(LineEditorTest, one_candidate_is_put_in) {
    word_ = 3;
    candidates_ = {"status"};
    EXPECT_EQ(type("info sta\t"), "> info status |");
    candidates_ = {"status/"};
    EXPECT_EQ(type("\x15sta\t"), "> status/|");
}

TEST_F(LineEditorTest, several_candidates_are_listed) {
    word_ = 1;
    candidates_ = {"stop", "status"};
    EXPECT_EQ(type("s\t"), "> st|");
    EXPECT_EQ(output_, "st\r\nstop    status\r\n> st\x1b[K");
    candidates_.clear();
    EXPECT_EQ(type("\t"), "> st|");
    EXPECT_EQ(output_, "");
}

TEST_F(LineEditorTest, long_lists_have_rows) {
    for (int i = 10; i < 60; ++i)
        candidates_.push_back("candidate" + std::to_string(i));
    type("\t");
    EXPECT_NE(output_.find("candidate15\r\ncandidate16  candidate17"), std::string::npos)
        << output_;
}

TEST_F(LineEditorTest, line_has_a_limit) {
    type(std::string(LineEditor::kMaxLine + 10, 'x') + "\r");
    EXPECT_EQ(entered_.size(), LineEditor::kMaxLine + 1);
}

TEST_F(LineEditorTest, unknown_sequences_are_ignored) {
    EXPECT_EQ(type("a\x1b[15~\x1b[1;5C\x1b[999999999999999999999999z\x1bq\x1f"
                   "b"),
              "> ab|");
}

}  // namespace
}  // namespace qc::monitor
