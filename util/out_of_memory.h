// SPDX-License-Identifier: GPL-2.0-or-later
//
// What becomes of a process to which the host gives nothing more: a message and status
// 1. Nobody unwinds from a failed allocation or a thread that cannot be started; what is
// large and asked for by somebody (a guest's memory, a copy of it) is mapped and has its
// own error instead.
//
// Threading: thread-safe.
#pragma once

#include <string_view>

namespace qc {

// From now on `new` without memory ends the process. Once, in main().
void end_when_out_of_memory();

// The same for something else that cannot be had. Allocates nothing.
[[noreturn]] void end_for_want_of(std::string_view what);

}  // namespace qc
