// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/smp.h"

#include <algorithm>
#include <array>
#include <limits>

#include "util/option_string.h"

namespace qc::system {

namespace {

constexpr uint32_t kLargestApicId = 254;  // 255 is everybody

enum Level : uint8_t { kSockets, kCores, kThreads, kLevels };
constexpr std::array<std::string_view, kLevels> kNames = {"sockets", "cores", "threads"};

Result<uint64_t> take(OptionString& options, std::string_view key) {
    const auto count = TRY(options.take_number(key));
    if (count && *count == 0) {
        return fail("Invalid CPU topology: CPU topology parameters must be greater than zero");
    }
    if (count && *count > std::numeric_limits<uint16_t>::max()) {
        return fail("Invalid parameter '{}': {} is too large", key, *count);
    }
    return count.value_or(0);
}

// What was not given (0) takes what is left of `cpus`: cores first, then sockets.
void fill_levels(std::array<uint64_t, kLevels>& levels, uint64_t cpus) {
    Level open = kLevels;
    for (Level level : {kCores, kSockets, kThreads}) {
        if (levels[level] != 0) continue;
        if (open == kLevels) {
            open = level;
        } else {
            levels[level] = 1;
        }
    }
    if (open == kLevels) return;
    levels[open] = 1;
    levels[open] = cpus / (levels[kSockets] * levels[kCores] * levels[kThreads]);
}

}  // namespace

Result<CpuArrangement> parse_smp(const std::string& text) {
    auto options = TRY(OptionString::parse(text, "cpus"));
    uint64_t cpus = TRY(take(options, "cpus"));
    uint64_t most = TRY(take(options, "maxcpus"));
    std::array<uint64_t, kLevels> levels{};
    for (size_t level = 0; level < kLevels; ++level)
        levels[level] = TRY(take(options, kNames[level]));
    for (std::string_view key : {"dies", "clusters"}) {
        if (TRY(take(options, key)) > 1) {
            return fail("{} not supported by this machine's CPU topology", key);
        }
    }
    TRY(options.expect_empty());

    if (cpus == 0 && most == 0) {
        for (uint64_t& level : levels)
            level = std::max<uint64_t>(level, 1);
    } else {
        if (most == 0) most = cpus;
        fill_levels(levels, most);
    }
    const uint64_t product = levels[kSockets] * levels[kCores] * levels[kThreads];
    if (product > std::numeric_limits<uint16_t>::max()) {
        return fail("Invalid CPU topology: there are {} places for CPUs", product);
    }
    if (most == 0) most = product;
    if (cpus == 0) cpus = most;
    const std::string hierarchy = fmt::format("sockets ({}) * dies (1) * cores ({}) * threads ({})",
                                              levels[kSockets], levels[kCores], levels[kThreads]);
    if (product != most) {
        return fail(
            "Invalid CPU topology: product of the hierarchy must match maxcpus: {} != "
            "maxcpus ({})",
            hierarchy, most);
    }
    if (most < cpus) {
        return fail(
            "Invalid CPU topology: maxcpus must be equal to or greater than smp: {} == "
            "maxcpus ({}) < smp_cpus ({})",
            hierarchy, most, cpus);
    }
    return CpuArrangement{.cpus = static_cast<unsigned>(cpus),
                          .topology = {.sockets = static_cast<uint32_t>(levels[kSockets]),
                                       .cores = static_cast<uint32_t>(levels[kCores]),
                                       .threads = static_cast<uint32_t>(levels[kThreads])}};
}

Result<void> check_cpu_count(const CpuArrangement& cpus, std::string_view machine_type,
                             unsigned allowed) {
    const uint32_t most = cpus.topology.cpus();
    if (most > allowed) {
        return fail("Invalid SMP CPUs {}. The max CPUs supported by machine '{}' is {}", most,
                    machine_type, allowed);
    }
    const uint32_t id = cpus.topology.apic_id(most - 1);
    if (id > kLargestApicId) {
        return fail(
            "Invalid CPU topology: the last CPU would have the APIC ID {}, {} is the "
            "largest",
            id, kLargestApicId);
    }
    return {};
}

}  // namespace qc::system
