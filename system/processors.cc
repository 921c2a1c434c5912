// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/processors.h"

namespace qc::system {

hw::PcCpus board_cpus(const CpuArrangement& smp, const NumaNodes& numa) {
    const i386::CpuTopology& topology = smp.topology;
    hw::PcCpus cpus{.possible = {},
                    .present = smp.cpus,
                    .sockets = topology.sockets,
                    .cores_per_socket = topology.cores,
                    .threads_per_core = topology.threads};
    for (uint32_t index = 0; index < topology.cpus(); ++index) {
        const uint32_t node = numa.nodes.empty() ? 0 : numa.node_of_cpu[index];
        cpus.possible.push_back({.apic_id = topology.apic_id(index), .node = node});
    }
    return cpus;
}

std::vector<std::string> arrangement_warnings(const i386::CpuModel& model) {
    if (model.topology.threads == 1 || model.vendor != "AuthenticAMD" || model.has("topoext")) {
        return {};
    }
    return {
        fmt::format("This family of AMD CPU doesn't support hyperthreading({}). Please "
                    "configure -smp options properly or try enabling topoext feature.",
                    model.topology.threads)};
}

}  // namespace qc::system
