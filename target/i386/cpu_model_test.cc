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

TEST(CpuModel, models_own_feature_the_accelerator_lacks_is_filtered_silently) {
    CpuSupport support = everything("tcg");
    support.features[k80000001Edx] = 0;
    auto choice = choose_cpu_model("qemu64", support);

    EXPECT_FALSE(choice->model.has("lm"));
    EXPECT_TRUE(choice->warnings.empty());
}

TEST(CpuModel, kvmclock_without_kvm_has_no_effect_and_no_warning) {
    auto choice = choose_cpu_model("qemu64,kvmclock=on", everything("tcg"));
    EXPECT_TRUE(choice->warnings.empty());
    EXPECT_EQ(choice->model.cpuid(0x40000000, 0, {}), CpuidRegisters{});
}

TEST(CpuModel, kvmclock_with_kvm_shows_in_its_leaf) {
    CpuModel on = choose_cpu_model("qemu64,kvmclock=on", kvm_on_amd())->model;
    CpuModel off = choose_cpu_model("qemu64,-kvmclock", kvm_on_amd())->model;

    EXPECT_EQ(on.cpuid(0x40000000, 0, {}).ebx, 0x4b4d564bu);
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
    EXPECT_EQ(model.cpuid(1, 0, {.apic_id = 3, .cpu_count = 4}).ebx >> 16, 0x304u);
    EXPECT_EQ(model.cpuid(0xb, 1, {.apic_id = 3, .cpu_count = 4}).eax, 2u);
}

TEST(CpuModel, leaves_beyond_the_highest_are_zero) {
    CpuModel model = choose_cpu_model("qemu32", everything("tcg"))->model;
    EXPECT_EQ(model.cpuid(5, 0, {}), CpuidRegisters{});
    EXPECT_EQ(model.cpuid(0x40000000, 0, {}), CpuidRegisters{});
    EXPECT_EQ(model.cpuid(0x80000005, 0, {}), CpuidRegisters{});
}

TEST(CpuModel, table_agrees_with_single_leaves) {
    CpuModel model = choose_cpu_model("qemu64", kvm_on_amd())->model;
    for (const CpuidEntry& entry : model.cpuid_table({.apic_id = 1, .cpu_count = 2})) {
        EXPECT_EQ(entry.registers,
                  model.cpuid(entry.leaf, entry.subleaf, {.apic_id = 1, .cpu_count = 2}));
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
