// SPDX-License-Identifier: GPL-2.0-or-later
//
// -sandbox: a filter in the kernel for system calls that a machine that runs does not
// need (seccomp, through libseccomp). A call that is filtered fails with EPERM; who
// needed it reports that, and nothing is killed.
//
// Threading: main thread; the filter holds for all threads that there are, and for
// those and the processes that come.
#pragma once

#include "system/options.h"
#include "util/result.h"

namespace qc::system {

Result<void> enter_sandbox(const SandboxOptions& options);

}  // namespace qc::system
