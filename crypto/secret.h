// SPDX-License-Identifier: GPL-2.0-or-later
//
// A password or key, given directly or in a file, as it is or in base64.
//
// Threading: plain functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "util/result.h"

namespace qc::crypto {

enum class SecretFormat : uint8_t { kRaw, kBase64 };

struct SecretSource {
    // One of the two.
    std::optional<std::string> data;
    std::optional<std::string> file;
    SecretFormat format = SecretFormat::kRaw;
};

Result<std::string> load_secret(const SecretSource& source);

// A regular file of at most `limit` bytes. Errors name it.
Result<std::string> read_small_file(const std::string& path, size_t limit);

}  // namespace qc::crypto
