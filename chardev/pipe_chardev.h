// SPDX-License-Identifier: GPL-2.0-or-later
//
// The back end "pipe": named pipes PATH.in and PATH.out, or one PATH for both. They
// are opened for both ways, so that neither opening nor the other side's end is
// waited for or noticed; what nobody reads fills the pipe and is back-pressure.
//
// Threading: as Chardev.
#pragma once

#include <memory>
#include <string>

#include "chardev/channel_chardev.h"
#include "util/fd_sets.h"

namespace qc::chardev {

class PipeChardev final : public ChannelChardev {
 public:
    static Result<std::unique_ptr<PipeChardev>> create(EventLoop& loop, std::string id,
                                                       const std::string& path,
                                                       FdSets* fd_sets = nullptr);

    std::string_view backend() const override { return "pipe"; }
    std::string description() const override { return "pipe"; }

 private:
    PipeChardev(EventLoop& loop, std::string id) : ChannelChardev(loop, std::move(id)) {}
    void input_ended(const Error*) override { end_input(); }
    void output_failed(const Error& error, size_t dropped) override;

    FdUse use_;
    bool reported_ = false;
};

}  // namespace qc::chardev
