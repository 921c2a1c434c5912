// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/log.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <ctime>
#include <string>
#include <utility>

namespace qc {

namespace {

// Null: no prefix. Set once, and never freed: messages come until the very end.
constinit std::atomic<const ReportFormat*> report_format{nullptr};

std::string timestamp() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    tm utc{};
    gmtime_r(&now.tv_sec, &utc);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z ", utc.tm_year + 1900,
                       utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                       now.tv_nsec / 1000);
}

std::string beginning() {
    const ReportFormat* format = report_format.load(std::memory_order_acquire);
    if (format == nullptr) return {};
    std::string text;
    if (format->timestamp) text += timestamp();
    if (!format->guest_name.empty()) text += format->guest_name + " ";
    return text;
}

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

void set_report_format(ReportFormat format) {
    report_format.store(new ReportFormat(std::move(format)), std::memory_order_release);
}

void report(ReportLevel level, std::string_view text) {
    write_to_stderr(fmt::format("{}{}: {}{}\n", beginning(), program_invocation_short_name,
                                prefix_of(level), text));
}

void error_report(const Error& error) {
    if (error.hint().empty()) {
        report(ReportLevel::kError, error.message());
    } else {
        report(ReportLevel::kError, fmt::format("{}\n{}", error.message(), error.hint()));
    }
}

}  // namespace qc
