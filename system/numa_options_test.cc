// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/numa_options.h"

#include <gtest/gtest.h>

namespace qc::system {
namespace {

// Two sockets of two cores.
constexpr i386::CpuTopology kTopology{.sockets = 2, .cores = 2};

Result<NumaNodes> resolve(std::initializer_list<const char*> options) {
    std::vector<ParsedOption> parsed;
    for (const char* option : options)
        parsed.push_back({OptionString::parse(option, "type").value(), option});
    return resolve_numa(parsed, kTopology);
}

std::string error(std::initializer_list<const char*> options) {
    auto nodes = resolve(options);
    return nodes ? "fine" : nodes.error().message();
}

TEST(NumaOptions, nothing_said_is_no_node) {
    EXPECT_TRUE(resolve({}).value().nodes.empty());
}

TEST(NumaOptions, sockets_take_turns_if_no_processor_is_named) {
    const NumaNodes nodes = resolve({"node,memdev=a", "node,memdev=b"}).value();
    ASSERT_EQ(nodes.nodes.size(), 2u);
    EXPECT_EQ(nodes.nodes[1].memdev, "b");
    EXPECT_EQ(nodes.node_of_cpu, (std::vector<uint32_t>{0, 0, 1, 1}));
    EXPECT_TRUE(nodes.distances.empty());
    EXPECT_TRUE(nodes.warnings.empty());
}

TEST(NumaOptions, processors_go_where_they_are_put) {
    EXPECT_EQ(
        resolve({"node,nodeid=1,cpus=0-1,cpus=3", "node,nodeid=0,cpus=2"}).value().node_of_cpu,
        (std::vector<uint32_t>{1, 1, 0, 1}));
    EXPECT_EQ(resolve({"node", "node", "cpu,node-id=1,socket-id=0", "cpu,node-id=0,socket-id=1"})
                  .value()
                  .node_of_cpu,
              (std::vector<uint32_t>{1, 1, 0, 0}));
    const NumaNodes part = resolve({"node", "node,cpus=1"}).value();
    EXPECT_EQ(part.node_of_cpu, (std::vector<uint32_t>{0, 1, 0, 0}));
    ASSERT_EQ(part.warnings.size(), 1u);
    EXPECT_NE(part.warnings[0].find("CPU 2 [socket-id: 1, core-id: 0, thread-id: 0]"),
              std::string::npos);
}

TEST(NumaOptions, distance_counts_for_both_directions_unless_two_are_given) {
    EXPECT_EQ(resolve({"node", "node", "dist,src=0,dst=1,val=21"}).value().distances,
              (std::vector<uint8_t>{10, 21, 21, 10}));
    EXPECT_EQ(resolve({"node", "node", "dist,src=0,dst=1,val=21", "dist,src=1,dst=0,val=22"})
                  .value()
                  .distances,
              (std::vector<uint8_t>{10, 21, 22, 10}));
}

TEST(NumaOptions, what_cannot_be_is_refused_in_the_known_words) {
    const struct {
        std::initializer_list<const char*> options;
        const char* message;
    } cases[] = {
        {{"foo"}, "Parameter 'type' does not accept value 'foo'"},
        {{"hmat-lb"}, "'hmat-lb' is not supported"},
        {{"node,bar=1"}, "Invalid parameter 'bar'"},
        {{"node,mem=64"}, "-numa node,mem is not supported"},
        {{"node,initiator=0"}, "initiator"},
        {{"node,nodeid=1", "node,nodeid=1"}, "Duplicate NUMA nodeid: 1"},
        {{"node,nodeid=0", "node,nodeid=2"}, "numa: Node ID missing: 1"},
        {{"node,nodeid=128"}, "Max number of NUMA nodes reached: 128"},
        {{"node,cpus=4"}, "CPU index (4) should be smaller than maxcpus (4)"},
        {{"node,cpus=0-99999999999"}, "CPU index (4) should be smaller than maxcpus (4)"},
        {{"node,cpus=2-1"}, "expects a range"},
        {{"node,cpus=x"}, "cpus"},
        {{"node,cpus=0", "node,cpus=0"}, "CPU is already assigned to node-id: 0"},
        {{"cpu,socket-id=0"}, "Missing mandatory node-id property"},
        {{"node", "cpu,node-id=4"}, "Invalid node-id=4"},
        {{"node", "cpu,node-id=0,socket-id=7"}, "no match found"},
        {{"node", "node", "dist,src=0,dst=1,val=9"}, "it shouldn't be less than 10."},
        {{"node", "node", "dist,src=0,dst=1,val=256"}, "256"},
        {{"node", "dist,src=0,dst=3,val=20"}, "NUMA node is missing"},
        {{"node", "dist,src=0,dst=300,val=20"}, "expects an integer between 0 and 127"},
        {{"node", "dist,src=0,dst=0,val=20"}, "Local distance of node 0 should be 10."},
        {{"node", "node", "node", "dist,src=0,dst=1,val=20"},
         "The distance between node 0 and 2 is missing"},
        {{"node", "node", "node", "dist,src=0,dst=1,val=20", "dist,src=1,dst=0,val=30",
          "dist,src=0,dst=2,val=20", "dist,src=1,dst=2,val=20"},
         "please provide distances for both directions"},
    };
    for (const auto& [options, message] : cases)
        EXPECT_NE(error(options).find(message), std::string::npos) << error(options);
}

}  // namespace
}  // namespace qc::system
