// SPDX-License-Identifier: GPL-2.0-or-later
//
// The accelerators that this program has, and the choice among them that `-accel`
// makes.
//
// Threading: main thread.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "accel/accelerator.h"
#include "util/option_string.h"

namespace qc::accel {

struct AcceleratorChoice {
    std::unique_ptr<Accelerator> accelerator;
    // Those that the user preferred and that did not start.
    struct Refused {
        std::string_view name;
        std::string reason;
        bool absent;  // this host has no such thing
        std::string message() const;
    };
    std::vector<Refused> refused;
};

// Names in the order of `-accel help`.
std::span<const std::string_view> accelerator_names();

// Tries `candidates` in order; each is what `-accel` was given, its name under the
// key "accel". An unknown name or property is refused before anything is tried. The
// error, when none starts, has every one's reason.
Result<AcceleratorChoice> choose_accelerator(const std::vector<OptionString>& candidates,
                                             const AcceleratorDeps& deps);

}  // namespace qc::accel
