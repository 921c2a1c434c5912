// SPDX-License-Identifier: GPL-2.0-or-later
//
// Keeps two processes from writing to one image, in the way QEMU does, so that
// both kinds of process respect each other: one byte of the file for each thing
// that is done (from 100 on) and for each thing that others must not do (from 200
// on), with open-file-description locks on them.
//
// Threading: caller locks.
#pragma once

#include <string_view>

#include "util/result.h"

namespace qc::block {

enum class ImageUse : unsigned char {
    kReadWrite,  // reads and writes; nobody else writes
    kReadOnly,   // reads; nobody writes
};

// Errors: Failed to get "write" lock; Failed to get shared "write" lock. A file
// system without such locks counts as success.
Result<void> lock_image(int fd, std::string_view path, ImageUse use);
void unlock_image(int fd);

}  // namespace qc::block
