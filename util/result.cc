// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/result.h"

#include <system_error>

namespace qc {

std::string_view to_string(ErrorClass error_class) {
    switch (error_class) {
        case ErrorClass::kGenericError: return "GenericError";
        case ErrorClass::kCommandNotFound: return "CommandNotFound";
        case ErrorClass::kDeviceNotActive: return "DeviceNotActive";
        case ErrorClass::kDeviceNotFound: return "DeviceNotFound";
        case ErrorClass::kKvmMissingCap: return "KVMMissingCap";
    }
    return "GenericError";
}

Error& Error::set_hint(std::string hint) {
    hint_ = std::move(hint);
    return *this;
}

void Error::add_context(std::string_view frame) {
    message_ = fmt::format("{}: {}", frame, message_);
}

Failure fail_errno_text(int error_number, std::string message) {
    return fail("{}: {}", message, std::generic_category().message(error_number));
}

}  // namespace qc
