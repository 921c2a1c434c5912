// SPDX-License-Identifier: GPL-2.0-or-later
//
// MemTest86+ as Debian packages it (scripts/guest-images) finds no error in 64 MiB. It has
// the instructions, the paging and the devices of a PC in use that no Linux uses so.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <string>
#include <thread>

#include "tests/functional/linux_guest.h"

namespace qc::qtest {
namespace {

constexpr auto kRound = std::chrono::seconds(3600);

// What a terminal of 80 columns shows that was sent `text`: the program places its words by
// ESC [ row ; column H.
class Screen {
 public:
    explicit Screen(std::string_view text) {
        rows_.fill(std::string(kColumns, ' '));
        while (!text.empty()) {
            const size_t length = text.starts_with("\x1b[") ? escape(text) : 0;
            if (length == 0) put(text.front());
            text.remove_prefix(std::max<size_t>(length, 1));
        }
    }
    // A number behind a word, -1 if there is none.
    int number(std::string_view word) const {
        for (const std::string& row : rows_) {
            size_t at = row.find(word);
            if (at == std::string::npos) continue;
            at = row.find_first_not_of(' ', at + word.size());
            int value = -1;
            if (at != std::string::npos) {
                std::from_chars(row.data() + at, row.data() + row.size(), value);
            }
            return value;
        }
        return -1;
    }
    std::string text() const {
        std::string all;
        for (const std::string& row : rows_)
            all += row + "\n";
        return all;
    }

 private:
    static constexpr size_t kColumns = 80;

    // The length of an escape sequence that `text` begins with; 0 if it is not whole.
    size_t escape(std::string_view text) {
        const size_t end = text.find_first_not_of("0123456789;?", 2);
        if (end == std::string_view::npos) return 0;
        if (text[end] == 'H') {
            size_t row = 1;
            size_t column = 1;
            const char* last = text.data() + end;
            const auto parsed = std::from_chars(text.data() + 2, last, row);
            if (parsed.ptr < last) std::from_chars(parsed.ptr + 1, last, column);
            row_ = row - 1;
            column_ = column - 1;
        }
        return end + 1;
    }
    void put(char letter) {
        if (letter == '\r') {
            column_ = 0;
        } else if (letter == '\n') {
            ++row_;
        } else if (row_ < rows_.size() && column_ < kColumns) {
            rows_[row_][column_++] = letter;
        }
    }

    std::array<std::string, 25> rows_;
    size_t row_ = 0;
    size_t column_ = 0;
};

class GuestsMemTest : public LinuxGuest {};

TEST_F(GuestsMemTest, round_over_64_mib_finds_no_error) {
    if (!std::filesystem::exists(image("memtest.bin"))) {
        GTEST_SKIP() << "there is no MemTest86+: scripts/guest-images could not make it";
    }
    VmConfig config;
    config.machine = "pc";
    config.memory_mib = 64;
    config.extra = {"-kernel", image("memtest.bin"), "-append",
                    "nopause keyboard=legacy console=ttyS0,115200"};
    auto vm = ASSERT_VALUE(Vm::start(config, directory()));
    const auto end = Deadline::in(kRound);
    Screen screen("");
    do {
        std::this_thread::sleep_for(std::chrono::seconds(1));
        screen = Screen(vm->serial().text());
        ASSERT_LE(screen.number("Errors:"), 0) << screen.text();
        ASSERT_FALSE(vm->process().poll()) << screen.text();
    } while (screen.number("Pass: ") < 1 && !end.passed());
    EXPECT_EQ(screen.number("Pass: "), 1) << screen.text();
    EXPECT_EQ(screen.number("Errors:"), 0) << screen.text();
    EXPECT_EQ(ASSERT_VALUE(vm->terminate()), ExitStatus::exited(0));
}

}  // namespace
}  // namespace qc::qtest
