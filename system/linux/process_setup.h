// SPDX-License-Identifier: GPL-2.0-or-later
//
// What `-run-with` changes about the process.
//
// Threading: main thread; other threads follow.
#pragma once

#include <sys/types.h>

#include <string>

#include "system/options.h"
#include "util/result.h"

namespace qc::system {

// "root", "1000:1000".
Result<UserIds> find_user(const std::string& name);

// From here on SIGTERM comes when `parent`, which has to be the parent, ends.
Result<void> end_with_parent(pid_t parent);
Result<void> change_root(const std::string& directory);
// Groups, group and user, for good. A parent's end is forgotten by this.
Result<void> become_user(const UserIds& user);

}  // namespace qc::system
