// SPDX-License-Identifier: GPL-2.0-or-later
//
// What `-global` says: values that devices of a type, or of types derived from it, begin
// with in place of their defaults.
//
// Threading: filled at start, only read afterwards. Owned by system::Machine.
#pragma once

#include <string>
#include <vector>

#include "qom/property.h"

namespace qc::qom {

struct GlobalProperty {
    std::string driver;
    std::string property;
    std::string value;
};

class GlobalProperties {
 public:
    GlobalProperties() = default;
    explicit GlobalProperties(std::vector<GlobalProperty> globals) : globals_(std::move(globals)) {}

    // The defaults of `type` with what was said of it and its ancestors, in the order in which
    // that was written. "can't apply global T.p=v: ..." if one does not fit.
    Result<PropertyValues> values_for(const ObjectType& type) const;
    const std::vector<GlobalProperty>& all() const { return globals_; }

 private:
    std::vector<GlobalProperty> globals_;
};

}  // namespace qc::qom
