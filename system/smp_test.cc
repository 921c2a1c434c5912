// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/smp.h"

#include <gtest/gtest.h>

namespace qc::system {
namespace {

// "CPUS of SOCKETS*CORES*THREADS", or the error.
std::string arranged(const std::string& text) {
    const auto parsed = parse_smp(text);
    if (!parsed) return parsed.error().message();
    const i386::CpuTopology& t = parsed->topology;
    return fmt::format("{} of {}*{}*{}", parsed->cpus, t.sockets, t.cores, t.threads);
}

TEST(Smp, what_is_left_out_follows_with_cores_before_sockets) {
    EXPECT_EQ(arranged("4"), "4 of 1*4*1");
    EXPECT_EQ(arranged("6,maxcpus=8"), "6 of 1*8*1");
    EXPECT_EQ(arranged("cores=4"), "4 of 1*4*1");
    EXPECT_EQ(arranged("6,sockets=2"), "6 of 2*3*1");
    EXPECT_EQ(arranged("4,threads=2"), "4 of 1*2*2");
    EXPECT_EQ(arranged("8,cores=2"), "8 of 4*2*1");
    EXPECT_EQ(arranged("8,cores=2,sockets=2"), "8 of 2*2*2");
    EXPECT_EQ(arranged("maxcpus=6,threads=2"), "6 of 1*3*2");
    EXPECT_EQ(arranged("sockets=2,cores=2,threads=2,dies=1"), "8 of 2*2*2");
}

TEST(Smp, what_cannot_be_is_refused_in_qemu_s_words) {
    EXPECT_EQ(arranged("7,sockets=2,cores=2,threads=1"),
              "Invalid CPU topology: product of the hierarchy must match maxcpus: sockets (2) * "
              "dies (1) * cores (2) * threads (1) != maxcpus (7)");
    EXPECT_EQ(arranged("2,maxcpus=1"),
              "Invalid CPU topology: maxcpus must be equal to or greater than smp: sockets (1) * "
              "dies (1) * cores (1) * threads (1) == maxcpus (1) < smp_cpus (2)");
    EXPECT_NE(arranged("3,sockets=2").find("cores (1) * threads (1) != maxcpus (3)"),
              std::string::npos);
    EXPECT_NE(arranged("1,sockets=2").find("cores (0)"), std::string::npos);
    EXPECT_EQ(arranged("cores=0"),
              "Invalid CPU topology: CPU topology parameters must be greater than zero");
    EXPECT_EQ(arranged("4,dies=2"), "dies not supported by this machine's CPU topology");
    EXPECT_EQ(arranged("clusters=2"), "clusters not supported by this machine's CPU topology");
    EXPECT_NE(arranged("4,books=2").find("books"), std::string::npos);
    EXPECT_NE(arranged("99999").find("too large"), std::string::npos);
    EXPECT_NE(arranged("sockets=65535,cores=65535").find("places"), std::string::npos);
}

TEST(Smp, apic_ids_end_at_254) {
    EXPECT_TRUE(check_cpu_count(*parse_smp("255"), "pc"));
    EXPECT_TRUE(check_cpu_count(*parse_smp("sockets=50,cores=5"), "pc")
                    .error()
                    .message()
                    .find("APIC ID 396") != std::string::npos);
    EXPECT_FALSE(check_cpu_count(*parse_smp("256"), "pc"));
}

}  // namespace
}  // namespace qc::system
