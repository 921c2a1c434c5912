// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/i386/cpu_model.h"

#include <gtest/gtest.h>

#include <cstring>

namespace qc::i386 {
namespace {

using enum FeatureWord;

CpuSupport everything(std::string_view accelerator) {
    CpuSupport support;
    support.accelerator = accelerator;
    support.features.words.fill(~0u);
    return support;
}

CpuSupport kvm_on_amd() {
    CpuSupport support = everything("kvm");
    support.host = HostCpu{"AuthenticAMD", "AMD EPYC", 25, 1, 1, 0x10, 0x80000021, 48};
    support.kvm_leaves = true;
    return support;
}

std::string error_of(std::string_view text, const CpuSupport& support) {
    auto choice = choose_cpu_model(text, support);
    return choice ? "no error" : choice.error().message();
}

std::string vendor_of(const CpuModel& model) {
    CpuidRegisters r = model.cpuid(0, 0, {});
    std::string text(12, ' ');
    std::memcpy(text.data(), &r.ebx, 4);
    std::memcpy(text.data() + 4, &r.edx, 4);
    std::memcpy(text.data() + 8, &r.ecx, 4);
    return text;
}

TEST(CpuModel, qemu64_has_its_known_identity) {
    CpuModel model = choose_cpu_model("qemu64", everything("tcg"))->model;

    EXPECT_EQ(vendor_of(model), "AuthenticAMD");
    EXPECT_EQ(model.cpuid(0, 0, {}).eax, 0xdu);
    EXPECT_EQ(model.signature(), 0x60fb1u);
    EXPECT_EQ(model.cpuid(0x80000000, 0, {}).eax, 0x8000000au);
    EXPECT_TRUE(model.has("lm"));
    EXPECT_TRUE(model.has("cx16"));
    EXPECT_TRUE(model.has("hypervisor"));
    EXPECT_FALSE(model.has("avx"));
    EXPECT_EQ(model.cpuid(0x80000008, 0, {}).eax, 0x3028u);
}

TEST(CpuModel, unknown_model_is_refused_by_name) {
    EXPECT_EQ(error_of("pentium9", everything("tcg")), "unable to find CPU model 'pentium9'");
}

TEST(CpuModel, unknown_feature_is_refused_by_name) {
    EXPECT_EQ(error_of("qemu64,+foo", everything("tcg")),
              "Property 'qemu64-x86_64-cpu.foo' not found");
    EXPECT_EQ(error_of("qemu64,foo=on", everything("tcg")),
              "Property 'qemu64-x86_64-cpu.foo' not found");
}

TEST(CpuModel, host_without_kvm_is_refused) {
    EXPECT_EQ(error_of("host", everything("tcg")), "CPU model 'host' requires KVM");
}

TEST(CpuModel, host_copies_the_host) {
    CpuModel model = choose_cpu_model("host", kvm_on_amd())->model;
    EXPECT_EQ(model.signature(), 0xa00f11u);
    EXPECT_EQ(model.model_id, "AMD EPYC");
    EXPECT_EQ(model.physical_bits, 48);
}

TEST(CpuModel, features_switch_on_and_off) {
    CpuModel model =
        choose_cpu_model("qemu64,+ssse3,-cx16,sse4_1=on,nx=off,popcnt", everything("tcg"))->model;
    EXPECT_TRUE(model.has("ssse3"));
    EXPECT_FALSE(model.has("cx16"));
    EXPECT_TRUE(model.has("sse4.1"));
    EXPECT_FALSE(model.has("nx"));
    EXPECT_TRUE(model.has("popcnt"));
}

TEST(CpuModel, sign_wins_over_assignment_as_in_qemu) {
    EXPECT_FALSE(choose_cpu_model("qemu64,-sse2,sse2=on", everything("tcg"))->model.has("sse2"));
}

TEST(CpuModel, bad_boolean_is_refused) {
    EXPECT_NE(error_of("qemu64,sse2=maybe", everything("tcg")), "no error");
}

TEST(CpuModel, requested_feature_the_accelerator_lacks_is_filtered_with_a_warning) {
    CpuSupport support = everything("tcg");
    support.features[k7Ebx] = 0;
    auto choice = choose_cpu_model("qemu64,+avx2,+xsave,+avx", support);

    EXPECT_FALSE(choice->model.has("avx2"));
    ASSERT_EQ(choice->warnings.size(), 1u);
    EXPECT_EQ(choice->warnings[0],
              "TCG doesn't support requested feature: CPUID.07H:EBX.avx2 [bit 5]");
    EXPECT_NE(error_of("qemu64,+avx2,enforce", support), "no error");
    EXPECT_TRUE(choose_cpu_model("qemu64,+avx2,check=off", support)->warnings.empty());
}

TEST(CpuModel, models_own_feature_the_accelerator_lacks_is_named_too) {
    CpuSupport support = everything("tcg");
    support.features[k80000001Edx] &= ~(1u << 29);
    auto choice = choose_cpu_model("qemu64", support);

    EXPECT_FALSE(choice->model.has("lm"));
    EXPECT_EQ(choice->warnings,
              std::vector<std::string>{
                  "TCG doesn't support requested feature: CPUID.80000001H:EDX.lm [bit 29]"});
    EXPECT_EQ(error_of("qemu64,enforce", support),
              "TCG doesn't support requested features: TCG doesn't support requested feature: "
              "CPUID.80000001H:EDX.lm [bit 29]");
    EXPECT_EQ(error_of("qemu64,enforce,-lm", support), "no error");
}

TEST(CpuModel, nested_virtualisation_and_monitor_are_there_on_request_only) {
    EXPECT_FALSE(choose_cpu_model("qemu64", everything("tcg"))->model.has("svm"));
    EXPECT_TRUE(choose_cpu_model("qemu64,+svm", everything("tcg"))->model.has("svm"));
    EXPECT_FALSE(choose_cpu_model("core2duo", everything("tcg"))->model.has("monitor"));
    EXPECT_FALSE(choose_cpu_model("core2duo", everything("tcg"))->model.has("acpi"));
}

TEST(CpuModel, versioned_names_are_known) {
    CpuModel versioned = choose_cpu_model("Penryn-v1", everything("tcg"))->model;
    CpuModel plain = choose_cpu_model("Penryn", everything("tcg"))->model;
    EXPECT_EQ(versioned.features, plain.features);
    EXPECT_EQ(versioned.name, "Penryn-v1");
    EXPECT_EQ(error_of("Penryn-v2", everything("tcg")), "unable to find CPU model 'Penryn-v2'");
}

// The features that Debian's QEMU 7.2 shows (hypervisor, and VME where the processor had
// it, added; what is there on request only, taken away).
TEST(CpuModel, models_have_their_features) {
    struct Row {
        std::string_view name;
        uint32_t signature, edx1, ecx1, edx8, ecx8, level, xlevel;
    };
    constexpr uint32_t kHypervisor = 0x80000000;
    constexpr Row kRows[] = {
        {"486", 0x480, 0xb, 0, 0, 0, 1, 0},
        {"pentium", 0x543, 0x8003bf, 0, 0, 0, 1, 0},
        {"pentium2", 0x652, 0x183fbff, 0, 0, 0, 2, 0},
        {"pentium3", 0x673, 0x383fbff, 0, 0, 0, 3, 0},
        {"athlon", 0x623, 0x783fbff, 0, 0xc0400000, 0, 2, 0x80000008},
        {"coreduo", 0x6e8, 0xf89fbff, 1, 0x100000, 0, 0xa, 0x80000008},
        {"n270", 0x106c2, 0xf89fbff, 0x400201, 0x100000, 1, 0xa, 0x80000008},
        {"core2duo", 0x6fb, 0xf8bfbff, 0x2201, 0x20100800, 1, 0xa, 0x80000008},
        {"Conroe", 0x6f3, 0x78bfbff, 0x201, 0x20100800, 1, 0xa, 0x80000008},
        {"Penryn", 0x10673, 0x78bfbff, 0x82201, 0x20100800, 1, 0xa, 0x80000008},
        {"Nehalem", 0x106a3, 0x78bfbff, 0x982201, 0x20100800, 1, 0xb, 0x80000008},
        {"Westmere", 0x206c1, 0x78bfbff, 0x2982203, 0x20100800, 1, 0xb, 0x80000008},
        {"phenom", 0x100f23, 0x78bfbff, 0x802001, 0xee500800, 0x61, 5, 0x8000001a},
        {"Opteron_G1", 0xf61, 0x78bfbff, 1, 0x20100800, 0, 5, 0x80000008},
        {"Opteron_G2", 0xf61, 0x78bfbff, 0x2001, 0x20100800, 1, 5, 0x8000000a},
        {"Opteron_G3", 0x100f23, 0x78bfbff, 0x802001, 0x28100800, 0xe1, 5, 0x8000000a},
        {"qemu64", 0x60fb1, 0x78bfbfd, 0x2001, 0x20100800, 1, 0xd, 0x8000000a},
        {"qemu32", 0x663, 0x781abfd, 1, 0, 0, 4, 0x80000004},
        {"kvm64", 0xf61, 0x78bfbff, 0x2001, 0x20100800, 0, 0xd, 0x80000008},
        {"kvm32", 0xf61, 0x78bfbfd, 1, 0, 0, 5, 0x80000008},
    };
    for (const Row& row : kRows) {
        CpuModel model = choose_cpu_model(row.name, everything("tcg"))->model;
        EXPECT_EQ(model.signature(), row.signature) << row.name;
        EXPECT_EQ(model.features[k1Edx], row.edx1) << row.name;
        EXPECT_EQ(model.features[k1Ecx], row.ecx1 | kHypervisor) << row.name;
        EXPECT_EQ(model.features[k80000001Edx], row.edx8) << row.name;
        EXPECT_EQ(model.features[k80000001Ecx], row.ecx8) << row.name;
        EXPECT_EQ(model.level, row.level) << row.name;
        EXPECT_EQ(model.xlevel, row.xlevel) << row.name;
    }
}

TEST(CpuModel, amd_repeats_flags_in_the_extended_leaf) {
    CpuModel amd = choose_cpu_model("qemu64", everything("tcg"))->model;
    CpuModel intel = choose_cpu_model("qemu64,vendor=GenuineIntel", everything("tcg"))->model;
    EXPECT_EQ(amd.cpuid(0x80000001, 0, {}).edx, 0x2193fbfdu);
    EXPECT_EQ(intel.cpuid(0x80000001, 0, {}).edx, 0x20100800u);
}

TEST(CpuModel, without_long_mode_addresses_are_narrow) {
    EXPECT_EQ(choose_cpu_model("kvm32", everything("tcg"))->model.cpuid(0x80000008, 0, {}).eax,
              0x2024u);
    EXPECT_EQ(choose_cpu_model("486", everything("tcg"))->model.physical_bits, 32);
    EXPECT_EQ(choose_cpu_model("qemu64,-lm", everything("tcg"))->model.physical_bits, 36);
    EXPECT_EQ(choose_cpu_model("qemu64,-lm,phys-bits=38", everything("tcg"))->model.physical_bits,
              38);
}

TEST(CpuModel, base_has_nothing) {
    CpuModel model = choose_cpu_model("base", everything("tcg"))->model;
    EXPECT_EQ(model.features, FeatureWords{});
    EXPECT_EQ(model.cpuid(0, 0, {}), CpuidRegisters{});
    EXPECT_EQ(model.cpuid(1, 0, {}), CpuidRegisters{});
}

TEST(CpuModel, levels_rise_with_features_unless_they_are_given) {
    EXPECT_EQ(choose_cpu_model("486,+bmi1", everything("tcg"))->model.level, 7u);
    EXPECT_EQ(choose_cpu_model("486,+bmi1,level=3", everything("tcg"))->model.level, 3u);
    EXPECT_EQ(choose_cpu_model("486,+nx", everything("tcg"))->model.xlevel, 0x80000001u);
    EXPECT_EQ(choose_cpu_model("qemu64,min-level=4", everything("tcg"))->model.level, 4u);
    EXPECT_EQ(choose_cpu_model("qemu64,xlevel=0x80000004", everything("tcg"))->model.xlevel,
              0x80000004u);
}

TEST(CpuModel, hypervisor_flag_can_be_hidden) {
    EXPECT_FALSE(
        choose_cpu_model("qemu64,-hypervisor", everything("tcg"))->model.has("hypervisor"));
    EXPECT_FALSE(choose_cpu_model("max,hypervisor=off", kvm_on_amd())->model.has("hypervisor"));
}

TEST(CpuModel, values_out_of_range_are_refused_with_the_range) {
    EXPECT_EQ(error_of("qemu64,family=9999", everything("tcg")),
              "Property .family doesn't take value 9999 (minimum: 0, maximum: 270)");
    EXPECT_EQ(error_of("qemu64,phys-bits=20", everything("tcg")),
              "phys-bits should be between 32 and 52  (but is 20)");
    EXPECT_EQ(error_of("qemu64,vendor=abc", everything("tcg")),
              "Property .vendor doesn't take value 'abc'");
    EXPECT_EQ(error_of("qemu64,level=x", everything("tcg")), "Parameter 'level' expects a number");
    EXPECT_EQ(error_of("qemu64,+family", everything("tcg")),
              "Property 'qemu64-x86_64-cpu.family' not found");
    EXPECT_EQ(error_of("qemu64,hv-relaxed", everything("tcg")),
              "Property 'qemu64-x86_64-cpu.hv-relaxed' not found");
    EXPECT_EQ(error_of("", everything("tcg")), "-cpu option cannot be empty");
    EXPECT_EQ(error_of("qemu64,,", everything("tcg")), "no error");
}

TEST(CpuModel, kvmclock_without_kvm_has_no_effect_and_no_warning) {
    auto choice = choose_cpu_model("qemu64,kvmclock=on", everything("tcg"));
    EXPECT_TRUE(choice->warnings.empty());
    EXPECT_EQ(choice->model.cpuid(0x40000000, 0, {}), CpuidRegisters{});
}

TEST(CpuModel, kvmclock_with_kvm_shows_in_its_leaf) {
    CpuModel on = choose_cpu_model("qemu64,kvmclock=on", kvm_on_amd())->model;
    CpuModel off = choose_cpu_model("qemu64,-kvmclock", kvm_on_amd())->model;

    EXPECT_EQ(on.cpuid(0x40000000, 0, {}),
              (CpuidRegisters{0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d}));
    EXPECT_EQ(on.cpuid(0x40000001, 0, {}).eax & 9, 9u);
    EXPECT_EQ(off.cpuid(0x40000001, 0, {}).eax & 9, 0u);
}

TEST(CpuModel, kvm_shows_the_hosts_vendor) {
    EXPECT_EQ(vendor_of(choose_cpu_model("kvm64", kvm_on_amd())->model), "AuthenticAMD");
    EXPECT_EQ(vendor_of(choose_cpu_model("kvm64", everything("tcg"))->model), "GenuineIntel");
}

TEST(CpuModel, nehalem_has_sse_up_to_4_2_and_nothing_later) {
    CpuModel model = choose_cpu_model("Nehalem", everything("tcg"))->model;
    EXPECT_EQ(model.signature(), 0x106a3u);
    for (std::string_view name : {"sse3", "ssse3", "sse4.1", "sse4.2", "popcnt", "cx16", "lm"})
        EXPECT_TRUE(model.has(name)) << name;
    for (std::string_view name : {"aes", "pclmulqdq", "avx", "xsave", "svm", "sse4a"})
        EXPECT_FALSE(model.has(name)) << name;
}

TEST(CpuModel, avx_goes_with_xsave) {
    EXPECT_FALSE(choose_cpu_model("max,-xsave", everything("tcg"))->model.has("avx2"));
}

TEST(CpuModel, context_bits_follow_the_processor) {
    CpuModel model = choose_cpu_model("max", everything("tcg"))->model;

    EXPECT_FALSE(model.cpuid(1, 0, {}).ecx & 1u << 27);
    EXPECT_TRUE(model.cpuid(1, 0, {.osxsave = true}).ecx & 1u << 27);
    EXPECT_TRUE(model.cpuid(1, 0, {}).edx & 1u << 9);
    EXPECT_FALSE(model.cpuid(1, 0, {.apic_enabled = false}).edx & 1u << 9);
}

// Two sockets of three cores of two threads.
TEST(CpuModel, leaves_tell_of_the_topology) {
    CpuModel model =
        choose_cpu_model("max,+topoext,xlevel=0x8000001e,vendor=AuthenticAMD", everything("tcg"))
            ->model;
    model.topology = {.sockets = 2, .cores = 3, .threads = 2};
    const uint32_t last = model.topology.apic_id(11);
    EXPECT_EQ(last, 0xdu);
    const CpuidContext context{.apic_id = last};
    EXPECT_EQ(model.cpuid(1, 0, context).ebx >> 16, 0xd06u);
    EXPECT_NE(model.cpuid(1, 0, context).edx & 1u << 28, 0u);
    EXPECT_EQ(model.cpuid(4, 0, context).eax >> 14, 3u << 12 | 1u);
    EXPECT_EQ(model.cpuid(0xb, 0, context), (CpuidRegisters{1, 2, 0x100, last}));
    EXPECT_EQ(model.cpuid(0xb, 1, context), (CpuidRegisters{3, 6, 0x201, last}));
    EXPECT_EQ(model.cpuid(0xb, 2, context), (CpuidRegisters{0, 0, 2, last}));
    EXPECT_NE(model.cpuid(0x80000001, 0, context).ecx & 1u << 1, 0u);
    EXPECT_EQ(model.cpuid(0x80000008, 0, context).ecx, 5u);
    EXPECT_EQ(model.cpuid(0x8000001e, 0, context), (CpuidRegisters{last, 0x102, 1, 0}));
}

TEST(CpuTopology, apic_ids_have_a_field_for_each_level) {
    const CpuTopology topology{.sockets = 2, .cores = 3, .threads = 2};
    std::vector<uint32_t> ids;
    for (uint32_t cpu = 0; cpu < topology.cpus(); ++cpu)
        ids.push_back(topology.apic_id(cpu));
    EXPECT_EQ(ids, (std::vector<uint32_t>{0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13}));
    EXPECT_EQ(CpuTopology{.cores = 255}.apic_id(254), 254u);
    EXPECT_EQ((CpuTopology{.sockets = 4}.apic_id(3)), 3u);
}

TEST(CpuModel, leaves_beyond_the_highest_are_zero) {
    CpuModel model = choose_cpu_model("qemu32", everything("tcg"))->model;
    EXPECT_EQ(model.cpuid(5, 0, {}), CpuidRegisters{});
    EXPECT_EQ(model.cpuid(0x40000000, 0, {}), CpuidRegisters{});
    EXPECT_EQ(model.cpuid(0x80000005, 0, {}), CpuidRegisters{});
}

TEST(CpuModel, table_agrees_with_single_leaves) {
    CpuModel model = choose_cpu_model("qemu64", kvm_on_amd())->model;
    for (const CpuidEntry& entry : model.cpuid_table({.apic_id = 1})) {
        EXPECT_EQ(entry.registers, model.cpuid(entry.leaf, entry.subleaf, {.apic_id = 1}));
    }
}

TEST(CpuModel, properties_set_the_identity) {
    CpuModel model = choose_cpu_model(
                         "qemu64,family=6,model=0x1a,stepping=2,vendor=GenuineIntel,"
                         "model-id=Test CPU,phys-bits=36",
                         everything("tcg"))
                         ->model;
    EXPECT_EQ(model.signature(), 0x106a2u);
    EXPECT_EQ(vendor_of(model), "GenuineIntel");
    EXPECT_EQ(model.cpuid(0x80000002, 0, {}).eax, 0x74736554u);
    EXPECT_EQ(model.cpuid(0x80000008, 0, {}).eax & 0xff, 36u);
    EXPECT_NE(error_of("qemu64,stepping=99", everything("tcg")), "no error");
    EXPECT_NE(error_of("qemu64,vendor=short", everything("tcg")), "no error");
}

}  // namespace
}  // namespace qc::i386
