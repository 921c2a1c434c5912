// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/numa_options.h"

#include <algorithm>
#include <map>

namespace qc::system {

namespace {

constexpr uint64_t kMaxNodes = 128;
constexpr uint8_t kLocalDistance = 10;
constexpr uint8_t kUnreachable = 255;

struct CpuRange {
    uint64_t first;
    uint64_t last;
};

// "3" or "0-5".
Result<CpuRange> parse_cpus(const std::string& text) {
    const size_t dash = text.find('-');
    const uint64_t first = TRY(parse_number("cpus", text.substr(0, dash)));
    if (dash == std::string::npos) return CpuRange{first, first};
    const uint64_t last = TRY(parse_number("cpus", text.substr(dash + 1)));
    if (last < first) return fail("Parameter 'cpus' expects a range, not '{}'", text);
    return CpuRange{first, last};
}

class Resolver {
 public:
    explicit Resolver(const i386::CpuTopology& topology)
        : topology_(topology), node_of_cpu_(topology.cpus()) {}

    Result<void> add(OptionString option) {
        const std::string type = TRY(option.take_required("type"));
        if (type == "node") return add_node(std::move(option));
        if (type == "cpu") return add_cpu(std::move(option));
        if (type == "dist") return add_distance(std::move(option));
        if (type == "hmat-lb" || type == "hmat-cache") {
            return fail("type '{}' is not supported by this version", type);
        }
        return fail("Parameter 'type' does not accept value '{}'", type);
    }

    Result<NumaNodes> finish() {
        NumaNodes all;
        for (uint64_t id = 0; id < nodes_.size(); ++id) {
            if (!nodes_.contains(id)) return fail("numa: Node ID missing: {}", id);
            all.nodes.push_back(nodes_[id]);
        }
        if (all.nodes.empty()) return all;
        all.distances = TRY(all_distances());
        all.node_of_cpu = all_cpus(all.warnings);
        return all;
    }

 private:
    Result<void> add_node(OptionString option) {
        const uint64_t id = TRY(option.take_number("nodeid")).value_or(nodes_.size());
        if (id >= kMaxNodes) return fail("Max number of NUMA nodes reached: {}", id);
        if (nodes_.contains(id)) return fail("Duplicate NUMA nodeid: {}", id);
        OptionString rest;
        for (const OptionString::Option& part : option.options()) {
            if (part.key != "cpus") {
                rest.set(part.key, part.value);
                continue;
            }
            TRY(assign_range(TRY(parse_cpus(part.value)), id));
        }
        if (rest.take("mem")) {
            return Failure(Error("Parameter -numa node,mem is not supported by this machine type")
                               .set_hint("Use -numa node,memdev instead"));
        }
        NumaNodes::Node node{.memdev = rest.take("memdev")};
        TRY(rest.expect_empty());
        nodes_[id] = std::move(node);
        return {};
    }

    Result<void> assign_range(CpuRange range, uint64_t node) {
        for (uint64_t index = range.first; index <= range.last; ++index) {
            if (index >= node_of_cpu_.size()) {
                return fail("CPU index ({}) should be smaller than maxcpus ({})", index,
                            node_of_cpu_.size());
            }
            TRY(assign(index, node));
        }
        return {};
    }
    Result<void> assign(size_t index, uint64_t node) {
        if (node_of_cpu_[index]) {
            return fail("CPU is already assigned to node-id: {}", *node_of_cpu_[index]);
        }
        node_of_cpu_[index] = static_cast<uint32_t>(node);
        return {};
    }

    // Every place that has what the option says.
    Result<void> add_cpu(OptionString option) {
        const auto node = TRY(option.take_number("node-id"));
        const auto socket = TRY(option.take_number("socket-id"));
        const auto core = TRY(option.take_number("core-id"));
        const auto thread = TRY(option.take_number("thread-id"));
        TRY(option.expect_empty());
        if (!node) return fail("Missing mandatory node-id property");
        if (!nodes_.contains(*node)) {
            return fail(
                "Invalid node-id={}, NUMA node must be defined with -numa node,nodeid=ID before "
                "it's used with -numa cpu,node-id=ID",
                *node);
        }
        bool found = false;
        for (uint32_t index = 0; index < node_of_cpu_.size(); ++index) {
            const i386::CpuTopology::Place place = topology_.place(index);
            if (socket.value_or(place.socket) != place.socket ||
                core.value_or(place.core) != place.core ||
                thread.value_or(place.thread) != place.thread) {
                continue;
            }
            found = true;
            TRY(assign(index, *node));
        }
        if (!found) return fail("no match found");
        return {};
    }

    Result<uint64_t> take_node(OptionString& option, std::string_view key) const {
        const auto id = TRY(option.take_number(key));
        if (!id) return fail("Parameter '{}' is missing", key);
        if (*id >= kMaxNodes) {
            return fail("Parameter '{}' expects an integer between 0 and {}", key, kMaxNodes - 1);
        }
        return *id;
    }

    Result<void> add_distance(OptionString option) {
        const uint64_t from = TRY(take_node(option, "src"));
        const uint64_t to = TRY(take_node(option, "dst"));
        const auto value = TRY(option.take_number("val"));
        TRY(option.expect_empty());
        if (!value) return fail("Parameter 'val' is missing");
        if (!nodes_.contains(from) || !nodes_.contains(to)) {
            return fail(
                "Source/Destination NUMA node is missing. Please use '-numa node' option to "
                "declare it first.");
        }
        if (*value < kLocalDistance) {
            return fail("NUMA distance ({}) is invalid, it shouldn't be less than {}.", *value,
                        kLocalDistance);
        }
        if (*value > kUnreachable) return fail("NUMA distance ({}) is more than 255", *value);
        if (from == to && *value != kLocalDistance) {
            return fail("Local distance of node {} should be {}.", from, kLocalDistance);
        }
        distances_[{from, to}] = static_cast<uint8_t>(*value);
        return {};
    }

    // A way that was given in one direction only is as long in the other; nodes of which
    // one pair is given need one for every pair.
    Result<std::vector<uint8_t>> all_distances() const {
        std::vector<uint8_t> all;
        if (distances_.empty()) return all;
        const auto given = [this](uint64_t from, uint64_t to) -> std::optional<uint8_t> {
            const auto found = distances_.find({from, to});
            if (found == distances_.end()) return std::nullopt;
            return found->second;
        };
        bool asymmetric = false;
        for (const auto& [way, value] : distances_)
            asymmetric = asymmetric || given(way.second, way.first).value_or(value) != value;
        for (uint64_t from = 0; from < nodes_.size(); ++from) {
            for (uint64_t to = 0; to < nodes_.size(); ++to) {
                if (from == to) {
                    all.push_back(kLocalDistance);
                    continue;
                }
                auto value = given(from, to);
                const auto back = given(to, from);
                if (!value && !back) {
                    return fail(
                        "The distance between node {} and {} is missing, at least one distance "
                        "value between each nodes should be provided.",
                        from, to);
                }
                if (!value && asymmetric) {
                    return fail(
                        "At least one asymmetrical pair of distances is given, please provide "
                        "distances for both directions of all node pairs.");
                }
                all.push_back(value ? *value : *back);
            }
        }
        return all;
    }

    // Nothing said: the sockets take turns. Something said: what is missing is on node 0.
    std::vector<uint32_t> all_cpus(std::vector<std::string>& warnings) const {
        const bool said =
            std::ranges::any_of(node_of_cpu_, [](const auto& node) { return node.has_value(); });
        std::vector<uint32_t> all;
        std::string missing;
        for (uint32_t index = 0; index < node_of_cpu_.size(); ++index) {
            const i386::CpuTopology::Place place = topology_.place(index);
            const auto nodes = static_cast<uint32_t>(nodes_.size());
            all.push_back(node_of_cpu_[index].value_or(said ? 0 : place.socket % nodes));
            if (!said || node_of_cpu_[index]) continue;
            missing += fmt::format("{}CPU {} [socket-id: {}, core-id: {}, thread-id: {}]",
                                   missing.empty() ? "" : ", ", index, place.socket, place.core,
                                   place.thread);
        }
        if (!missing.empty()) {
            warnings.push_back(fmt::format(
                "CPU(s) not present in any NUMA nodes: {}; they are on node 0", missing));
        }
        return all;
    }

    const i386::CpuTopology& topology_;
    std::map<uint64_t, NumaNodes::Node> nodes_;
    std::vector<std::optional<uint32_t>> node_of_cpu_;
    std::map<std::pair<uint64_t, uint64_t>, uint8_t> distances_;
};

}  // namespace

bool NumaNodes::has_memdev() const {
    return std::ranges::any_of(nodes, [](const Node& node) { return node.memdev.has_value(); });
}

Result<NumaNodes> resolve_numa(const std::vector<ParsedOption>& options,
                               const i386::CpuTopology& topology) {
    Resolver resolver(topology);
    for (const ParsedOption& option : options)
        TRY(resolver.add(option.options).context("{}", option.origin));
    return resolver.finish();
}

}  // namespace qc::system
