// SPDX-License-Identifier: GPL-2.0-or-later
//
// The back end "file": output goes to a file, and input comes from another, if it is
// wanted, until that ends. If the host cannot take it (a full
// disk) the guest is not stopped: the first such error is reported by name, all
// that is lost is counted, and later output is tried again.
//
// Threading: as Chardev.
#pragma once

#include <memory>
#include <string>

#include "chardev/channel_chardev.h"
#include "util/fd_sets.h"

namespace qc::chardev {

enum class FileMode : uint8_t { kTruncate, kAppend };

class FileChardev final : public ChannelChardev {
 public:
    // An empty `input_path`: nothing is read. `fd_sets` may be null.
    static Result<std::unique_ptr<FileChardev>> create(EventLoop& loop, std::string id,
                                                       std::string path, FileMode mode,
                                                       const std::string& input_path = {},
                                                       FdSets* fd_sets = nullptr);

    std::string_view backend() const override { return "file"; }
    std::string description() const override { return "file"; }

 private:
    FileChardev(EventLoop& loop, std::string id, std::string path);
    void input_ended(const Error* error) override;
    void output_failed(const Error& error, size_t dropped) override;

    std::string path_;
    FdUse input_use_;
    FdUse output_use_;
    bool reported_ = false;
};

}  // namespace qc::chardev
