// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/log.h"

#include <unistd.h>

#include <cerrno>
#include <string>

namespace qc {

namespace {

std::string_view prefix_of(ReportLevel level) {
    switch (level) {
        case ReportLevel::kError: return "";
        case ReportLevel::kWarning: return "warning: ";
        case ReportLevel::kInfo: return "info: ";
    }
    return "";
}

void write_to_stderr(std::string_view text) {
    while (!text.empty()) {
        const ssize_t written = write(STDERR_FILENO, text.data(), text.size());
        if (written < 0 && errno == EINTR) continue;
        // Nobody is left to tell about a lost stderr.
        if (written <= 0) return;
        text.remove_prefix(static_cast<size_t>(written));
    }
}

}  // namespace

void report(ReportLevel level, std::string_view text) {
    write_to_stderr(
        fmt::format("{}: {}{}\n", program_invocation_short_name, prefix_of(level), text));
}

void error_report(const Error& error) {
    if (error.hint().empty()) {
        report(ReportLevel::kError, error.message());
    } else {
        report(ReportLevel::kError, fmt::format("{}\n{}", error.message(), error.hint()));
    }
}

}  // namespace qc
