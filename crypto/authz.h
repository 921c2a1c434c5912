// SPDX-License-Identifier: GPL-2.0-or-later
//
// Decides by the name that a peer has proved to have (a certificate's
// distinguished name, a PSK's user name) whether it is let in. A refusal is the
// answer in every doubt.
//
// Threading: immutable; thread-safe. Shared by the object that names it and the
// connections that ask it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "util/result.h"

namespace qc::crypto {

class Authz {
 public:
    virtual ~Authz() = default;
    virtual Result<bool> is_allowed(std::string_view identity) const = 0;
};

// One identity.
class AuthzSimple final : public Authz {
 public:
    explicit AuthzSimple(std::string identity) : identity_(std::move(identity)) {}
    Result<bool> is_allowed(std::string_view identity) const override {
        return identity == identity_;
    }

 private:
    std::string identity_;
};

enum class AuthzPolicy : uint8_t { kDeny, kAllow };
enum class AuthzFormat : uint8_t { kExact, kGlob };

struct AuthzRule {
    std::string match;
    AuthzPolicy policy = AuthzPolicy::kDeny;
    AuthzFormat format = AuthzFormat::kExact;
};

// The first rule that matches decides, else the policy.
class AuthzList final : public Authz {
 public:
    AuthzList(std::vector<AuthzRule> rules, AuthzPolicy policy)
        : rules_(std::move(rules)), policy_(policy) {}
    Result<bool> is_allowed(std::string_view identity) const override;

 private:
    std::vector<AuthzRule> rules_;
    AuthzPolicy policy_;
};

}  // namespace qc::crypto
