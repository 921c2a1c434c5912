// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/assert.h"

#include <cstdio>
#include <cstdlib>

namespace qc::detail {

void assertion_failed(const char* expression, const char* file, int line) {
    std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, expression);
    std::abort();
}

}  // namespace qc::detail
