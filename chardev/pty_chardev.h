// SPDX-License-Identifier: GPL-2.0-or-later
//
// The back end "pty": a new pseudo terminal, which a user opens with a terminal
// program. While nobody has it open, output is dropped and counted.
//
//   closed --somebody opens it, seen by a look every kLookMs--> open
//     ^                                                          |
//     +---------------------the last one closes it---------------+
//
// Threading: as Chardev.
#pragma once

#include <memory>
#include <string>

#include "chardev/channel_chardev.h"

namespace qc::chardev {

class PtyChardev final : public ChannelChardev {
 public:
    static constexpr int64_t kLookMs = 200;

    static Result<std::unique_ptr<PtyChardev>> create(EventLoop& loop, std::string id);

    std::string_view backend() const override { return "pty"; }
    std::string description() const override { return "pty:" + path_; }
    // Of the terminal: /dev/pts/3.
    const std::string& path() const { return path_; }

 private:
    PtyChardev(EventLoop& loop, std::string id, UniqueFd master, std::string path);
    void look();
    void wait_for_user();
    void lost_user();
    void input_ended(const Error*) override { lost_user(); }
    void output_failed(const Error&, size_t) override { lost_user(); }

    UniqueFd master_;
    std::string path_;
    EventLoop::Watch look_timer_;
};

}  // namespace qc::chardev
