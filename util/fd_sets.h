// SPDX-License-Identifier: GPL-2.0-or-later
//
// File descriptors that whoever started or manages the program passed to it, in sets: a
// path /dev/fdset/N means a descriptor of set N, so that the program needs no right to
// open the file itself. Source: QEMU's documentation of add-fd and -add-fd.
//
//   add() ---> in its set ----- remove() --------------> closed
//                   |   ^                                   ^
//             open_path()  a duplicate for the opener       |
//                   |                                       |
//                   +-- no duplicate is open, no client is connected, the guest runs
//
// A set is gone when it has no descriptor and no duplicate is open.
//
// Threading: thread-safe. Owned by the machine; what it gave out may outlive it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "util/result.h"
#include "util/unique_fd.h"

namespace qc {

// Kept beside a descriptor, and let go of after it was closed: tells its set, if it is of
// one, that it is in use.
using FdUse = std::shared_ptr<const void>;

struct OpenedPath {
    FdUse use;
    UniqueFd fd;
};

class FdSets {
 public:
    struct Descriptor {
        int fd;
        std::optional<std::string> opaque;
    };
    struct Set {
        int64_t id;
        std::vector<Descriptor> descriptors;  // in the order in which they came
    };
    struct Added {
        int64_t set;
        int fd;
    };

    FdSets();
    ~FdSets();
    FdSets(const FdSets&) = delete;
    FdSets& operator=(const FdSets&) = delete;

    // Without `set`: a new one, with the lowest free number. `opaque` is for the user's
    // own book-keeping.
    Result<Added> add(UniqueFd fd, std::optional<int64_t> set, std::optional<std::string> opaque);
    // Closes one descriptor of the set, or all; duplicates that are in use stay.
    Result<void> remove(int64_t set, std::optional<int64_t> fd);
    // The newest number first.
    std::vector<Set> list() const;

    // When nobody is there to use a descriptor, and the guest has what it needs, those
    // that nothing uses are closed.
    void client_came();
    void client_went();
    void set_guest_runs(bool runs);

 private:
    struct State;
    friend OpenedPath open_path(FdSets* sets, const std::string& path, int flags, mode_t mode);

    const std::shared_ptr<State> state_;
};

// As open(2) with O_CLOEXEC: no descriptor, and errno, if that fails. A path of `sets`
// (may be null) gives a duplicate of the descriptor that is open for the same access.
OpenedPath open_path(FdSets* sets, const std::string& path, int flags, mode_t mode = 0);

}  // namespace qc
