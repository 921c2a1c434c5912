// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/out_of_memory.h"

#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <new>

namespace qc {

void end_for_want_of(std::string_view what) {
    const std::string_view program = program_invocation_short_name;
    const auto piece = [](std::string_view text) {
        return iovec{const_cast<char*>(text.data()), text.size()};
    };
    const std::array pieces = {piece(program), piece(": out of "), piece(what), piece("\n")};
    (void)!writev(STDERR_FILENO, pieces.data(), static_cast<int>(pieces.size()));
    // Destructors might want memory too.
    _exit(1);
}

void end_when_out_of_memory() {
    std::set_new_handler([] { end_for_want_of("memory"); });
}

}  // namespace qc
