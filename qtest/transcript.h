// SPDX-License-Identifier: GPL-2.0-or-later
//
// What -qtest-log writes: each line that went over the wire, with the time since the
// client came.
//
// Threading: one thread at a time.
#pragma once

#include <string>
#include <string_view>

#include "qtest/session.h"
#include "util/clock.h"
#include "util/result.h"
#include "util/unique_fd.h"

namespace qc::qtest_server {

class Transcript final : public SessionLog {
 public:
    // `path` may be "none". Errors name the file.
    static Result<Transcript> open(const std::string& path);
    // To stderr.
    static Transcript to_stderr();

    // The client came: times count from here.
    void restart();
    void log(Kind kind, std::string_view line) override;

 private:
    explicit Transcript(UniqueFd fd) : fd_(std::move(fd)) {}

    UniqueFd fd_;
    int64_t start_ns_ = 0;
};

}  // namespace qc::qtest_server
