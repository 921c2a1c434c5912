// SPDX-License-Identifier: GPL-2.0-or-later
#include "crypto/authz.h"

#include <fnmatch.h>

namespace qc::crypto {

namespace {

bool matches(const AuthzRule& rule, const std::string& identity) {
    return rule.format == AuthzFormat::kExact
               ? rule.match == identity
               : fnmatch(rule.match.c_str(), identity.c_str(), 0) == 0;
}

}  // namespace

Result<bool> AuthzList::is_allowed(std::string_view identity) const {
    // A zero byte would end the name early for the glob.
    if (identity.find('\0') != std::string_view::npos) return false;
    const std::string name(identity);
    for (const AuthzRule& rule : rules_) {
        if (matches(rule, name)) return rule.policy == AuthzPolicy::kAllow;
    }
    return policy_ == AuthzPolicy::kAllow;
}

}  // namespace qc::crypto
