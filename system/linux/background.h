// SPDX-License-Identifier: GPL-2.0-or-later
//
// -daemonize: the program goes on in a process of its own session. The one that the user
// started waits until that one is ready, or has failed, and is the answer:
//
//   started process --fork--> leader --fork--> background process
//        | waits on a pipe      | setsid, exits     | builds the machine, ready()
//        v                                          v
//   exit 0 or 1 <----------- a byte, or the pipe's end
//
// Until ready() the standard streams are still the caller's, so errors reach him.
//
// Threading: main thread, before any other thread exists. Owned by main().
#pragma once

#include "util/result.h"
#include "util/unique_fd.h"

namespace qc::system {

class Background {
 public:
    // Returns in the background process only.
    static Result<Background> enter();
    // Standard streams become /dev/null, the working directory "/"; then the caller gets his
    // exit code 0.
    Result<void> ready();

 private:
    explicit Background(UniqueFd answer) : answer_(std::move(answer)) {}
    UniqueFd answer_;
};

}  // namespace qc::system
