// SPDX-License-Identifier: GPL-2.0-or-later
//
// The back end "stdio": standard input and output, a terminal in raw mode if they
// are one. It gets raw when the loop first runs: who is killed before that, at
// start-up, leaves it as it was. End of input is the end of the connection for the front end;
// output goes on. There is one at a time.
//
// Threading: as Chardev.
#pragma once

#include <memory>
#include <string>

#include "chardev/channel_chardev.h"
#include "chardev/terminal_mode.h"

namespace qc::chardev {

class StdioChardev final : public ChannelChardev {
 public:
    // The descriptors stay the caller's, and keep their blocking mode where the
    // kernel allows to open them once more. main() passes 0 and 1.
    static Result<std::unique_ptr<StdioChardev>> create(EventLoop& loop, std::string id,
                                                        TerminalSignals signals, int input_fd,
                                                        int output_fd);
    ~StdioChardev() override;

    std::string_view backend() const override { return "stdio"; }
    std::string description() const override { return "stdio"; }

 private:
    // A descriptor whose blocking mode comes back at the end.
    struct SavedFlags {
        int fd;
        int flags;
    };

    StdioChardev(EventLoop& loop, std::string id);
    void set_terminal(int input_fd, TerminalSignals signals);
    Result<UniqueFd> private_copy(int fd, int access);
    void input_ended(const Error* error) override;
    void output_failed(const Error& error, size_t dropped) override;

    EventLoop::Watch terminal_setup_;
    std::unique_ptr<TerminalMode> terminal_;
    std::vector<SavedFlags> saved_flags_;
    bool reported_ = false;
};

}  // namespace qc::chardev
