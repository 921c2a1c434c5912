// SPDX-License-Identifier: GPL-2.0-or-later
//
// `-numa`: which memory and which processors make up a node, and how far nodes are
// apart. The words of the errors are QEMU's.
//
// Threading: plain functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "system/options.h"
#include "target/i386/cpu_topology.h"
#include "util/result.h"

namespace qc::system {

struct NumaNodes {
    struct Node {
        std::optional<std::string> memdev;
    };
    std::vector<Node> nodes;            // by their ids; empty: the machine has no nodes
    std::vector<uint32_t> node_of_cpu;  // by the place's index
    // Row by row, from each node to each; empty: nothing was said.
    std::vector<uint8_t> distances;
    std::vector<std::string> warnings;

    bool has_memdev() const;
};

// `topology` has all processors that there can be. Errors begin with the option at fault.
Result<NumaNodes> resolve_numa(const std::vector<ParsedOption>& options,
                               const i386::CpuTopology& topology);

}  // namespace qc::system
