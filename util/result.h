// SPDX-License-Identifier: GPL-2.0-or-later
//
// Errors as values. `Result<T>` is what every fallible function returns; `TRY`
// unwraps or propagates; `.context()` adds one frame of "while doing what".
// An error is reported once, at a boundary: monitor, main() or a job.
//
// Threading: plain values.
#pragma once

#include <fmt/core.h>

#include <expected>
#include <string>
#include <utility>

namespace qc {

// The error classes that QMP shows in `error.class`.
enum class ErrorClass : unsigned char {
    kGenericError,
    kCommandNotFound,
    kDeviceNotActive,
    kDeviceNotFound,
    kKvmMissingCap,
};

// The class as QMP spells it, e.g. "GenericError".
std::string_view to_string(ErrorClass error_class);

class Error {
 public:
    explicit Error(std::string message, ErrorClass error_class = ErrorClass::kGenericError)
        : message_(std::move(message)), class_(error_class) {}

    // The whole text: "outermost context: ...: innermost message".
    const std::string& message() const { return message_; }
    ErrorClass error_class() const { return class_; }

    // What a person could do about it; empty if nothing is known. Shown by the
    // command line and HMP on a line of its own, never part of message().
    const std::string& hint() const { return hint_; }
    Error& set_hint(std::string hint);

    void add_context(std::string_view frame);

 private:
    std::string message_;
    std::string hint_;
    ErrorClass class_;
};

template <typename T>
class [[nodiscard]] Result : public std::expected<T, Error> {
 public:
    using std::expected<T, Error>::expected;

    // Prefixes the error, if there is one: `open(p).context("loading {}", name)`.
    template <typename... Args>
    Result context(fmt::format_string<Args...> format, Args&&... args) && {
        if (!this->has_value()) {
            this->error().add_context(fmt::format(format, std::forward<Args>(args)...));
        }
        return std::move(*this);
    }
};

using Failure = std::unexpected<Error>;

// `return fail("no such drive '{}'", id);`
template <typename... Args>
[[nodiscard]] Failure fail(fmt::format_string<Args...> format, Args&&... args) {
    return Failure(Error(fmt::format(format, std::forward<Args>(args)...)));
}

template <typename... Args>
[[nodiscard]] Failure fail_class(ErrorClass error_class, fmt::format_string<Args...> format,
                                 Args&&... args) {
    return Failure(Error(fmt::format(format, std::forward<Args>(args)...), error_class));
}

// As fail(), with ": <strerror(error_number)>" appended.
Failure fail_errno_text(int error_number, std::string message);

template <typename... Args>
[[nodiscard]] Failure fail_errno(int error_number, fmt::format_string<Args...> format,
                                 Args&&... args) {
    return fail_errno_text(error_number, fmt::format(format, std::forward<Args>(args)...));
}

namespace detail {
template <typename T>
T unwrap(Result<T>&& result) {
    return *std::move(result);
}
inline void unwrap(Result<void>&&) {}
}  // namespace detail

}  // namespace qc

#define QC_TRY_JOIN_(a, b) a##b
#define QC_TRY_JOIN(a, b) QC_TRY_JOIN_(a, b)
#define QC_TRY_IMPL(result, expression)                      \
    __extension__({                                          \
        auto result = (expression);                          \
        if (!result) [[unlikely]]                            \
            return ::qc::Failure(std::move(result).error()); \
        ::qc::detail::unwrap(std::move(result));             \
    })

// Unwraps a Result, or returns its error from the enclosing function.
#define TRY(expression) QC_TRY_IMPL(QC_TRY_JOIN(try_result_, __COUNTER__), expression)
