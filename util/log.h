// SPDX-License-Identifier: GPL-2.0-or-later
//
// Messages for the person who started the program, on stderr:
// "qemu-system-x86_64: warning: text". For boundaries only: main(), the
// monitor, a job. Code below returns a Result; it reports only where there is
// nobody to return one to.
//
// Threading: thread-safe; a message is one write.
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>

#include "util/result.h"

namespace qc {

// What messages begin with, before the program's name.
struct ReportFormat {
    bool timestamp = false;  // UTC
    std::string guest_name;  // empty: none
};
// Once, before other threads report.
void set_report_format(ReportFormat format);

enum class ReportLevel : unsigned char { kError, kWarning, kInfo };

void report(ReportLevel level, std::string_view text);

template <typename... Args>
void error_report(fmt::format_string<Args...> format, Args&&... args) {
    report(ReportLevel::kError, fmt::format(format, std::forward<Args>(args)...));
}

// The message, and the hint on a line of its own if there is one.
void error_report(const Error& error);

template <typename... Args>
void warn_report(fmt::format_string<Args...> format, Args&&... args) {
    report(ReportLevel::kWarning, fmt::format(format, std::forward<Args>(args)...));
}

template <typename... Args>
void info_report(fmt::format_string<Args...> format, Args&&... args) {
    report(ReportLevel::kInfo, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace qc
