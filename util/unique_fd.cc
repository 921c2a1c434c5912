// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/unique_fd.h"

#include <unistd.h>

namespace qc {

void UniqueFd::reset(int fd) {
    const int old = std::exchange(fd_, fd);
    // Linux closes the descriptor even when close() reports an error, so there is
    // nothing to retry.
    if (old >= 0) ::close(old);
}

}  // namespace qc
