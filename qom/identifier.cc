// SPDX-License-Identifier: GPL-2.0-or-later
#include "qom/identifier.h"

#include <algorithm>
#include <cctype>

namespace qc::qom {

Result<void> check_identifier(std::string_view id) {
    auto is_good = [](unsigned char c) {
        return std::isalnum(c) || c == '-' || c == '.' || c == '_';
    };
    if (!id.empty() && std::isalpha(static_cast<unsigned char>(id[0])) &&
        std::ranges::all_of(id, is_good)) {
        return {};
    }
    return Failure(Error("Parameter 'id' expects an identifier")
                       .set_hint("Identifiers consist of letters, digits, '-', '.', '_', starting "
                                 "with a letter."));
}

}  // namespace qc::qom
