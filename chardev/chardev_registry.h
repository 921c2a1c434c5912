// SPDX-License-Identifier: GPL-2.0-or-later
//
// The machine's chardevs by id. A user claims one; a claimed one is busy for
// others and cannot be removed.
//
// Threading: main loop. Owned by the machine; dies after all claims.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "chardev/chardev_factory.h"

namespace qc::chardev {

class ChardevRegistry {
 public:
    explicit ChardevRegistry(const ChardevDeps& deps) : deps_(deps) {}
    ChardevRegistry(const ChardevRegistry&) = delete;
    ChardevRegistry& operator=(const ChardevRegistry&) = delete;

    // Refuses an id that exists, and a second stdio.
    Result<void> add(const ChardevConfig& config, Startup startup);
    // "Chardev 'x' is busy" while it is claimed.
    Result<void> remove(std::string_view id);
    Result<ChardevClaim> claim(std::string_view id);
    // Null if there is none.
    Chardev* find(std::string_view id);
    // By id, for query-chardev.
    std::vector<const Chardev*> list() const;

    // What -serial, -qmp and -monitor take: a legacy string, which makes a chardev
    // with this id, or "chardev:ID". An empty claim for "none".
    Result<ChardevClaim> claim_legacy(std::string_view new_id, std::string_view text,
                                      Startup startup);

 private:
    ChardevDeps deps_;
    std::map<std::string, std::unique_ptr<Chardev>, std::less<>> chardevs_;
};

}  // namespace qc::chardev
