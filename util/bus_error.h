// SPDX-License-Identifier: GPL-2.0-or-later
//
// SIGBUS: a page of a file that is mapped cannot be had, because its file system is full,
// the pool of huge pages is empty, or somebody made the file shorter.
//
// Threading: thread-safe.
#pragma once

#include <cstddef>
#include <span>

namespace qc {

// From now on it ends the process with a message and status 1.
void end_on_bus_error();

// Writes one byte of each page as it is, atomically, whoever writes beside. False if a
// page cannot be had; what was had before stays. Calls end_on_bus_error().
bool touch_pages(std::span<std::byte> bytes);

}  // namespace qc
