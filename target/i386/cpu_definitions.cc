// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/i386/cpu_definitions.h"

#include <algorithm>
#include <iterator>
#include <ranges>

#include "util/assert.h"

namespace qc::i386 {

namespace {

using enum CpuBase;
using enum FeatureWord;

// Leaf 1, EDX.
constexpr uint32_t kVme = bits({1});
constexpr uint32_t k486 = bits({0, 3}) | kVme;               // fpu pse
constexpr uint32_t kPentium = k486 | bits({2, 4, 5, 7, 8});  // de tsc msr mce cx8
constexpr uint32_t kPentiumMmx = kPentium | bits({9, 23});   // apic mmx
// pae sep mtrr pge mca cmov pat pse36 fxsr.
constexpr uint32_t kPentium2 = kPentiumMmx | bits({6, 11, 12, 13, 14, 15, 16, 17, 24});
constexpr uint32_t kPentium3 = kPentium2 | bits({25});     // sse
constexpr uint32_t kSse2Class = kPentium3 | bits({26});    // sse2
constexpr uint32_t k64BitClass = kSse2Class | bits({19});  // clflush
constexpr uint32_t kVirtual64 = k64BitClass & ~kVme;       // qemu64
constexpr uint32_t kVirtual32 = kVirtual64 & ~bits({12, 14, 17, 19});
constexpr uint32_t kAcpiSs = bits({22, 27});
constexpr uint32_t kCore = (k64BitClass & ~bits({17})) | kAcpiSs;  // no pse36

// Leaf 1, ECX.
constexpr uint32_t kSse3 = bits({0});
constexpr uint32_t kPclmul = bits({1});
constexpr uint32_t kMonitor = bits({3});
constexpr uint32_t kSsse3 = bits({9});
constexpr uint32_t kCx16 = bits({13});
constexpr uint32_t kSse41 = bits({19});
constexpr uint32_t kSse42 = bits({20});
constexpr uint32_t kMovbe = bits({22});
constexpr uint32_t kPopcnt = bits({23});
constexpr uint32_t kAes = bits({25});
constexpr uint32_t kCore2 = kSse3 | kSsse3 | kCx16;
constexpr uint32_t kNehalem = kCore2 | kSse41 | kSse42 | kPopcnt;

// Leaf 80000001h.
constexpr uint32_t kNx = bits({20});
constexpr uint32_t kSyscallNxLm = bits({11, 20, 29});
constexpr uint32_t kMmxExt = bits({22});
constexpr uint32_t kFxsrOpt = bits({25});
constexpr uint32_t kPdpe1gb = bits({26});
constexpr uint32_t kRdtscp = bits({27});
constexpr uint32_t k3dNow = bits({30, 31});  // with its extensions
constexpr uint32_t kLahf = bits({0});
constexpr uint32_t kSvm = bits({2});
constexpr uint32_t kAbmSse4a = bits({5, 6});
constexpr uint32_t kMisalignedSse = bits({7});

constexpr FeatureValue kSpecCtrl = {k7Edx, bits({26})};
constexpr FeatureValue kArat = {k6Eax, bits({2})};
constexpr FeatureValue kNestedPaging = {k8000000aEdx, bits({0})};

constexpr std::string_view kAmd = "AuthenticAMD";
constexpr std::string_view kIntel = "GenuineIntel";
constexpr std::string_view kHygon = "HygonGenuine";
constexpr std::string_view kVirtualId = "QEMU Virtual CPU version 2.5+";
constexpr std::string_view kKvm64Id = "Common KVM processor";
constexpr std::string_view kKvm32Id = "Common 32-bit KVM processor";
constexpr std::string_view kConroeId = "Intel Celeron_4x0 (Conroe/Merom Class Core 2)";
constexpr std::string_view kPenrynId = "Intel Core 2 Duo P9xxx (Penryn Class Core 2)";
constexpr std::string_view kNehalemId = "Intel Core i7 9xx (Nehalem Class Core i7)";
constexpr std::string_view kNehalem2Id = "Intel Core i7 9xx (Nehalem Core i7, IBRS update)";
constexpr std::string_view kWestmereId = "Westmere E56xx/L56xx/X56xx (Nehalem-C)";
constexpr std::string_view kCore2DuoId = "Intel(R) Core(TM)2 Duo CPU     T7700  @ 2.40GHz";
constexpr std::string_view kCoreDuoId = "Genuine Intel(R) CPU           T2600  @ 2.16GHz";
constexpr std::string_view kN270Id = "Intel(R) Atom(TM) CPU N270   @ 1.60GHz";
constexpr std::string_view kPhenomId = "AMD Phenom(tm) 9550 Quad-Core Processor";
constexpr std::string_view kOpteron1Id = "AMD Opteron 240 (Gen 1 Class Opteron)";
constexpr std::string_view kOpteron2Id = "AMD Opteron 22xx (Gen 2 Class Opteron)";
constexpr std::string_view kOpteron3Id = "AMD Opteron 23xx (Gen 3 Class Opteron)";

constexpr uint32_t kX8 = 0x80000008;
constexpr uint32_t kXa = 0x8000000a;
constexpr uint32_t kX1a = 0x8000001a;
constexpr uint32_t kX1e = 0x8000001e;

// clang-format off
constexpr CpuDefinition kDefinitions[] = {
    // name, version, base, description, vendor, model-id,
    //     family, model, stepping, level, xlevel, 1.EDX, 1.ECX, 80000001.EDX, 80000001.ECX
    {"qemu64", "qemu64-v1", kFixed, kVirtualId, kAmd, kVirtualId,
         15, 107, 1, 0xd, kXa, kVirtual64, kSse3 | kCx16, kSyscallNxLm, kLahf | kSvm},
    {"qemu32", "qemu32-v1", kFixed, kVirtualId, kIntel, kVirtualId,
         6, 6, 3, 4, 0x80000004, kVirtual32, kSse3, 0, 0},
    {"kvm64", "kvm64-v1", kFixed, kKvm64Id, kIntel, kKvm64Id,
         15, 6, 1, 0xd, kX8, k64BitClass, kSse3 | kCx16, kSyscallNxLm, 0},
    {"kvm32", "kvm32-v1", kFixed, kKvm32Id, kIntel, kKvm32Id,
         15, 6, 1, 5, kX8, kVirtual64, kSse3, 0, 0},
    {"486", "486-v1", kFixed, "", kIntel, "",
         4, 8, 0, 1, 0, k486, 0, 0, 0},
    {"pentium", "pentium-v1", kFixed, "", kIntel, "",
         5, 4, 3, 1, 0, kPentiumMmx, 0, 0, 0},
    {"pentium2", "pentium2-v1", kFixed, "", kIntel, "",
         6, 5, 2, 2, 0, kPentium2, 0, 0, 0},
    {"pentium3", "pentium3-v1", kFixed, "", kIntel, "",
         6, 7, 3, 3, 0, kPentium3, 0, 0, 0},
    {"athlon", "athlon-v1", kFixed, kVirtualId, kAmd, kVirtualId,
         6, 2, 3, 2, kX8, kSse2Class, 0, kMmxExt | k3dNow, 0},
    {"coreduo", "coreduo-v1", kFixed, kCoreDuoId, kIntel, kCoreDuoId,
         6, 14, 8, 0xa, kX8, kCore, kSse3 | kMonitor, kNx, 0},
    {"n270", "n270-v1", kFixed, kN270Id, kIntel, kN270Id,
         6, 28, 2, 0xa, kX8, kCore, kSse3 | kMonitor | kSsse3 | kMovbe, kNx, kLahf},
    {"core2duo", "core2duo-v1", kFixed, kCore2DuoId, kIntel, kCore2DuoId,
         6, 15, 11, 0xa, kX8, k64BitClass | kAcpiSs, kCore2 | kMonitor, kSyscallNxLm, kLahf},
    {"Conroe", "Conroe-v1", kFixed, kConroeId, kIntel, kConroeId,
         6, 15, 3, 0xa, kX8, k64BitClass, kSse3 | kSsse3, kSyscallNxLm, kLahf},
    {"Penryn", "Penryn-v1", kFixed, kPenrynId, kIntel, kPenrynId,
         6, 23, 3, 0xa, kX8, k64BitClass, kCore2 | kSse41, kSyscallNxLm, kLahf},
    {"Nehalem", "Nehalem-v1", kFixed, kNehalemId, kIntel, kNehalemId,
         6, 26, 3, 0xb, kX8, k64BitClass, kNehalem, kSyscallNxLm, kLahf},
    {"Nehalem-IBRS", "Nehalem-v2", kFixed, kNehalem2Id, kIntel, kNehalem2Id,
         6, 26, 3, 0xb, kX8, k64BitClass, kNehalem, kSyscallNxLm, kLahf, kSpecCtrl},
    {"Westmere", "Westmere-v1", kFixed, kWestmereId, kIntel, kWestmereId,
         6, 44, 1, 0xb, kX8, k64BitClass, kNehalem | kAes | kPclmul, kSyscallNxLm, kLahf, kArat},
    {"phenom", "phenom-v1", kFixed, kPhenomId, kAmd, kPhenomId,
         16, 2, 3, 5, 0x8000001a, k64BitClass, kSse3 | kMonitor | kCx16 | kPopcnt,
         kSyscallNxLm | kMmxExt | kFxsrOpt | kPdpe1gb | kRdtscp | k3dNow,
         kLahf | kSvm | kAbmSse4a, kNestedPaging},
    {"Opteron_G1", "Opteron_G1-v1", kFixed, kOpteron1Id, kAmd, kOpteron1Id,
         15, 6, 1, 5, kX8, k64BitClass, kSse3, kSyscallNxLm, 0},
    {"Opteron_G2", "Opteron_G2-v1", kFixed, kOpteron2Id, kAmd, kOpteron2Id,
         15, 6, 1, 5, kXa, k64BitClass, kSse3 | kCx16, kSyscallNxLm, kLahf | kSvm},
    {"Opteron_G3", "Opteron_G3-v1", kFixed, kOpteron3Id, kAmd, kOpteron3Id,
         16, 2, 3, 5, kXa, k64BitClass, kSse3 | kMonitor | kCx16 | kPopcnt,
         kSyscallNxLm | kRdtscp, kLahf | kSvm | kAbmSse4a | kMisalignedSse},
    // Later processors, by what is new in each. A version without another name has but one.
    {"Westmere-IBRS", "Westmere-v2", kFixed, "", kIntel, "Westmere E56xx/L56xx/X56xx (IBRS update)",
         6, 44, 1, 0xb, kX8, 0, 0, 0, 0, {}, "Westmere-v1",
         "+spec-ctrl"},
    {"SandyBridge", "SandyBridge-v1", kFixed, "", kIntel, "Intel Xeon E312xx (Sandy Bridge)",
         6, 42, 1, 0xd, kX8, 0, 0, 0, 0, {}, "Westmere-v1",
         "+x2apic +tsc-deadline +xsave +avx +xsaveopt +rdtscp"},
    {"SandyBridge-IBRS", "SandyBridge-v2", kFixed, "", kIntel, "Intel Xeon E312xx (Sandy Bridge, IBRS update)",
         6, 42, 1, 0xd, kX8, 0, 0, 0, 0, {}, "SandyBridge-v1",
         "+spec-ctrl"},
    {"IvyBridge", "IvyBridge-v1", kFixed, "", kIntel, "Intel Xeon E3-12xx v2 (Ivy Bridge)",
         6, 58, 9, 0xd, kX8, 0, 0, 0, 0, {}, "SandyBridge-v1",
         "+f16c +rdrand +fsgsbase +smep +erms"},
    {"IvyBridge-IBRS", "IvyBridge-v2", kFixed, "", kIntel, "Intel Xeon E3-12xx v2 (Ivy Bridge, IBRS)",
         6, 58, 9, 0xd, kX8, 0, 0, 0, 0, {}, "IvyBridge-v1",
         "+spec-ctrl"},
    {"Haswell", "Haswell-v1", kFixed, "", kIntel, "Intel Core Processor (Haswell)",
         6, 60, 4, 0xd, kX8, 0, 0, 0, 0, {}, "IvyBridge-v1",
         "+fma +pcid +movbe +bmi1 +hle +avx2 +bmi2 +invpcid +rtm +abm"},
    {"Haswell-noTSX", "Haswell-v2", kFixed, "", kIntel, "Intel Core Processor (Haswell, no TSX)",
         6, 60, 1, 0xd, kX8, 0, 0, 0, 0, {}, "Haswell-v1",
         "-hle -rtm"},
    {"Haswell-IBRS", "Haswell-v3", kFixed, "", kIntel, "Intel Core Processor (Haswell, IBRS)",
         6, 60, 4, 0xd, kX8, 0, 0, 0, 0, {}, "Haswell-v2",
         "+hle +rtm +spec-ctrl"},
    {"Haswell-noTSX-IBRS", "Haswell-v4", kFixed, "", kIntel, "Intel Core Processor (Haswell, no TSX, IBRS)",
         6, 60, 1, 0xd, kX8, 0, 0, 0, 0, {}, "Haswell-v3",
         "-hle -rtm"},
    {"Broadwell", "Broadwell-v1", kFixed, "", kIntel, "Intel Core Processor (Broadwell)",
         6, 61, 2, 0xd, kX8, 0, 0, 0, 0, {}, "Haswell-v1",
         "+rdseed +adx +smap +3dnowprefetch"},
    {"Broadwell-noTSX", "Broadwell-v2", kFixed, "", kIntel, "Intel Core Processor (Broadwell, no TSX)",
         6, 61, 2, 0xd, kX8, 0, 0, 0, 0, {}, "Broadwell-v1",
         "-hle -rtm"},
    {"Broadwell-IBRS", "Broadwell-v3", kFixed, "", kIntel, "Intel Core Processor (Broadwell, IBRS)",
         6, 61, 2, 0xd, kX8, 0, 0, 0, 0, {}, "Broadwell-v2",
         "+hle +rtm +spec-ctrl"},
    {"Broadwell-noTSX-IBRS", "Broadwell-v4", kFixed, "", kIntel, "Intel Core Processor (Broadwell, no TSX, IBRS)",
         6, 61, 2, 0xd, kX8, 0, 0, 0, 0, {}, "Broadwell-v3",
         "-hle -rtm"},
    {"Skylake-Client", "Skylake-Client-v1", kFixed, "", kIntel, "Intel Core Processor (Skylake)",
         6, 94, 3, 0xd, kX8, 0, 0, 0, 0, {}, "Broadwell-v1",
         "+xsavec +xgetbv1"},
    {"Skylake-Client-IBRS", "Skylake-Client-v2", kFixed, "", kIntel, "Intel Core Processor (Skylake, IBRS)",
         6, 94, 3, 0xd, kX8, 0, 0, 0, 0, {}, "Skylake-Client-v1",
         "+spec-ctrl"},
    {"Skylake-Client-noTSX-IBRS", "Skylake-Client-v3", kFixed, "", kIntel, "Intel Core Processor (Skylake, IBRS, no TSX)",
         6, 94, 3, 0xd, kX8, 0, 0, 0, 0, {}, "Skylake-Client-v2",
         "-hle -rtm"},
    {"Skylake-Client-v4", "", kFixed, "", kIntel, "Intel Core Processor (Skylake, IBRS, no TSX)",
         6, 94, 3, 0xd, kX8, 0, 0, 0, 0, {}, "Skylake-Client-v3",
         "+xsaves"},
    {"Skylake-Server", "Skylake-Server-v1", kFixed, "", kIntel, "Intel Xeon Processor (Skylake)",
         6, 85, 4, 0xd, kX8, 0, 0, 0, 0, {}, "Skylake-Client-v1",
         "+avx512f +avx512dq +clflushopt +clwb +avx512cd +avx512bw +avx512vl +pku "
         "+pdpe1gb"},
    {"Skylake-Server-IBRS", "Skylake-Server-v2", kFixed, "", kIntel, "Intel Xeon Processor (Skylake, IBRS)",
         6, 85, 4, 0xd, kX8, 0, 0, 0, 0, {}, "Skylake-Server-v1",
         "+spec-ctrl -clflushopt"},
    {"Skylake-Server-noTSX-IBRS", "Skylake-Server-v3", kFixed, "", kIntel, "Intel Xeon Processor (Skylake, IBRS, no TSX)",
         6, 85, 4, 0xd, kX8, 0, 0, 0, 0, {}, "Skylake-Server-v2",
         "-hle -rtm"},
    {"Skylake-Server-v4", "", kFixed, "", kIntel, "Intel Xeon Processor (Skylake, IBRS, no TSX)",
         6, 85, 4, 0xd, kX8, 0, 0, 0, 0, {}, "Skylake-Server-v3",
         ""},
    {"Skylake-Server-v5", "", kFixed, "", kIntel, "Intel Xeon Processor (Skylake, IBRS, no TSX)",
         6, 85, 4, 0xd, kX8, 0, 0, 0, 0, {}, "Skylake-Server-v4",
         "+xsaves"},
    {"Cascadelake-Server", "Cascadelake-Server-v1", kFixed, "", kIntel, "Intel Xeon Processor (Cascadelake)",
         6, 85, 6, 0xd, kX8, 0, 0, 0, 0, {}, "Skylake-Server-v2",
         "+clflushopt +avx512vnni +ssbd"},
    {"Cascadelake-Server-v2", "", kFixed, "", kIntel, "Intel Xeon Processor (Cascadelake)",
         6, 85, 6, 0xd, kX8, 0, 0, 0, 0, {}, "Cascadelake-Server-v1",
         "+arch-capabilities +rdctl-no +mds-no +skip-l1dfl-vmentry +ibrs-all"},
    {"Cascadelake-Server-noTSX", "Cascadelake-Server-v3", kFixed, "", kIntel, "Intel Xeon Processor (Cascadelake)",
         6, 85, 6, 0xd, kX8, 0, 0, 0, 0, {}, "Cascadelake-Server-v2",
         "-hle -rtm"},
    {"Cascadelake-Server-v4", "", kFixed, "", kIntel, "Intel Xeon Processor (Cascadelake)",
         6, 85, 6, 0xd, kX8, 0, 0, 0, 0, {}, "Cascadelake-Server-v3",
         ""},
    {"Cascadelake-Server-v5", "", kFixed, "", kIntel, "Intel Xeon Processor (Cascadelake)",
         6, 85, 6, 0xd, kX8, 0, 0, 0, 0, {}, "Cascadelake-Server-v4",
         "+xsaves"},
    {"Cooperlake", "Cooperlake-v1", kFixed, "", kIntel, "Intel Xeon Processor (Cooperlake)",
         6, 85, 10, 0xd, kX8, 0, 0, 0, 0, {}, "Cascadelake-Server-v3",
         "+hle +rtm +stibp +avx512-bf16 +taa-no +pschange-mc-no"},
    {"Cooperlake-v2", "", kFixed, "", kIntel, "Intel Xeon Processor (Cooperlake)",
         6, 85, 10, 0xd, kX8, 0, 0, 0, 0, {}, "Cooperlake-v1",
         "+xsaves"},
    {"Icelake-Server", "Icelake-Server-v1", kFixed, "", kIntel, "Intel Xeon Processor (Icelake)",
         6, 134, 0, 0xd, kX8, 0, 0, 0, 0, {}, "Skylake-Server-v2",
         "+clflushopt +avx512vbmi +umip +avx512vbmi2 +gfni +vaes +vpclmulqdq "
         "+avx512vnni +avx512bitalg +avx512-vpopcntdq +la57 +ssbd +wbnoinvd"},
    {"Icelake-Server-noTSX", "Icelake-Server-v2", kFixed, "", kIntel, "Intel Xeon Processor (Icelake)",
         6, 134, 0, 0xd, kX8, 0, 0, 0, 0, {}, "Icelake-Server-v1",
         "-hle -rtm"},
    {"Icelake-Server-v3", "", kFixed, "", kIntel, "Intel Xeon Processor (Icelake)",
         6, 134, 0, 0xd, kX8, 0, 0, 0, 0, {}, "Icelake-Server-v2",
         "+arch-capabilities +taa-no +pschange-mc-no +rdctl-no +mds-no "
         "+skip-l1dfl-vmentry +ibrs-all"},
    {"Icelake-Server-v4", "", kFixed, "", kIntel, "Intel Xeon Processor (Icelake)",
         6, 106, 0, 0xd, kX8, 0, 0, 0, 0, {}, "Icelake-Server-v3",
         "+avx512ifma +sha-ni +rdpid +fsrm"},
    {"Icelake-Server-v5", "", kFixed, "", kIntel, "Intel Xeon Processor (Icelake)",
         6, 106, 0, 0xd, kX8, 0, 0, 0, 0, {}, "Icelake-Server-v4",
         "+xsaves"},
    {"Icelake-Server-v6", "", kFixed, "", kIntel, "Intel Xeon Processor (Icelake)",
         6, 106, 0, 0xd, kX8, 0, 0, 0, 0, {}, "Icelake-Server-v5",
         ""},
    {"KnightsMill", "KnightsMill-v1", kFixed, "", kIntel, "Intel Xeon Phi Processor (Knights Mill)",
         6, 133, 0, 0xd, kX8, 0, 0, 0, 0, {}, "Broadwell-v2",
         "+ss +avx512f +avx512cd +avx512-vpopcntdq +pdpe1gb +avx512-4vnniw +avx512er "
         "+avx512pf +avx512-4fmaps -pcid -invpcid -smap"},
    {"Denverton", "Denverton-v1", kFixed, "", kIntel, "Intel Atom Processor (Denverton)",
         6, 95, 1, 0x15, kX8, 0, 0, 0, 0, {}, "Skylake-Client-v3",
         "+monitor +mpx +clflushopt +sha-ni +arch-capabilities +ssbd +pdpe1gb "
         "+skip-l1dfl-vmentry +rdctl-no -fma -pcid -avx -f16c -bmi1 -avx2 -bmi2 "
         "-invpcid -adx -abm"},
    {"Denverton-v2", "", kFixed, "", kIntel, "Intel Atom Processor (Denverton)",
         6, 95, 1, 0x15, kX8, 0, 0, 0, 0, {}, "Denverton-v1",
         "-monitor -mpx"},
    {"Denverton-v3", "", kFixed, "", kIntel, "Intel Atom Processor (Denverton)",
         6, 95, 1, 0x15, kX8, 0, 0, 0, 0, {}, "Denverton-v2",
         "+xsaves"},
    {"Snowridge", "Snowridge-v1", kFixed, "", kIntel, "Intel Atom Processor (SnowRidge)",
         6, 134, 1, 0x1b, kX8, 0, 0, 0, 0, {}, "Denverton-v1",
         "+clwb +umip +gfni +cldemote +movdiri +movdir64b +core-capability "
         "+split-lock-detect -skip-l1dfl-vmentry -rdctl-no"},
    {"Snowridge-v2", "", kFixed, "", kIntel, "Intel Atom Processor (Snowridge, no MPX)",
         6, 134, 1, 0x1b, kX8, 0, 0, 0, 0, {}, "Snowridge-v1",
         "-mpx"},
    {"Snowridge-v3", "", kFixed, "", kIntel, "Intel Atom Processor (Snowridge, no MPX)",
         6, 134, 1, 0x1b, kX8, 0, 0, 0, 0, {}, "Snowridge-v2",
         "+xsaves"},
    {"Snowridge-v4", "", kFixed, "", kIntel, "Intel Atom Processor (Snowridge, no MPX)",
         6, 134, 1, 0x1b, kX8, 0, 0, 0, 0, {}, "Snowridge-v3",
         "-core-capability -split-lock-detect"},
    {"Opteron_G4", "Opteron_G4-v1", kFixed, "", kAmd, "AMD Opteron 62xx class CPU",
         21, 1, 2, 0xd, kX1a, 0, 0, 0, 0, {}, "Opteron_G3-v1",
         "+pclmulqdq +ssse3 +sse4.1 +sse4.2 +aes +xsave +avx +pdpe1gb +3dnowprefetch "
         "+xop +fma4 +npt +nrip-save -monitor"},
    {"Opteron_G5", "Opteron_G5-v1", kFixed, "", kAmd, "AMD Opteron 63xx class CPU",
         21, 2, 0, 0xd, kX1a, 0, 0, 0, 0, {}, "Opteron_G4-v1",
         "+fma +f16c +tbm"},
    {"EPYC", "EPYC-v1", kFixed, "", kAmd, "AMD EPYC Processor",
         23, 1, 2, 0xd, kX1e, 0, 0, 0, 0, {}, "Opteron_G5-v1",
         "+monitor +movbe +rdrand +arat +fsgsbase +bmi1 +avx2 +smep +bmi2 +rdseed +adx "
         "+smap +clflushopt +sha-ni +xsaveopt +xsavec +xgetbv1 +mmxext +fxsr-opt "
         "+cr8legacy +osvw +topoext -xop -fma4 -tbm"},
    {"EPYC-IBPB", "EPYC-v2", kFixed, "", kAmd, "AMD EPYC Processor (with IBPB)",
         23, 1, 2, 0xd, kX1e, 0, 0, 0, 0, {}, "EPYC-v1",
         "+ibpb"},
    {"EPYC-v3", "", kFixed, "", kAmd, "AMD EPYC Processor",
         23, 1, 2, 0xd, kX1e, 0, 0, 0, 0, {}, "EPYC-v2",
         "+xsaves +perfctr-core +clzero +xsaveerptr"},
    {"EPYC-Rome", "EPYC-Rome-v1", kFixed, "", kAmd, "AMD EPYC-Rome Processor",
         23, 49, 0, 0xd, kX1e, 0, 0, 0, 0, {}, "EPYC-v3",
         "+clwb +umip +rdpid +wbnoinvd +amd-stibp"},
    {"EPYC-Rome-v2", "", kFixed, "", kAmd, "AMD EPYC-Rome Processor",
         23, 49, 0, 0xd, kX1e, 0, 0, 0, 0, {}, "EPYC-Rome-v1",
         "+ibrs +amd-ssbd"},
    {"EPYC-Milan", "EPYC-Milan-v1", kFixed, "", kAmd, "AMD EPYC-Milan Processor",
         25, 1, 1, 0xd, kX1e, 0, 0, 0, 0, {}, "EPYC-Rome-v2",
         "+pcid +erms +invpcid +pku +fsrm +svme-addr-chk"},
    {"Dhyana", "Dhyana-v1", kFixed, "", kHygon, "Hygon Dhyana Processor",
         24, 0, 1, 0xd, kX1e, 0, 0, 0, 0, {}, "EPYC-v2",
         "-pclmulqdq -aes -sha-ni"},
    {"Dhyana-v2", "", kFixed, "", kHygon, "Hygon Dhyana Processor",
         24, 0, 1, 0xd, kX1e, 0, 0, 0, 0, {}, "Dhyana-v1",
         "+xsaves"},
    {"base", "", kNothing, "base CPU model type with no features enabled", "", "",
         0, 0, 0, 0, 0, 0, 0, 0, 0},
    {"host", "", kHost, "processor with all supported host features", "", "",
         0, 0, 0, 0xd, kXa, 0, 0, 0, 0},
    {"max", "", kEverything,
         "Enables all features supported by the accelerator in the current host",
         kAmd, "QEMU TCG CPU version 2.5+", 15, 107, 1, 0xd, kXa, 0, 0, 0, 0},
};
// clang-format on

}  // namespace

std::span<const CpuDefinition> cpu_definitions() {
    return kDefinitions;
}

const CpuDefinition* find_cpu_definition(std::string_view name) {
    if (name.empty()) return nullptr;
    auto found = std::ranges::find_if(kDefinitions, [name](const CpuDefinition& definition) {
        return definition.name == name || definition.version == name;
    });
    return found == std::end(kDefinitions) ? nullptr : &*found;
}

FeatureWords features_of(const CpuDefinition& definition) {
    FeatureWords words;
    if (const CpuDefinition* parent = find_cpu_definition(definition.parent)) {
        words = features_of(*parent);
    }
    words[k1Edx] |= definition.edx1;
    words[k1Ecx] |= definition.ecx1;
    words[k80000001Edx] |= definition.edx80000001;
    words[k80000001Ecx] |= definition.ecx80000001;
    if (definition.more) words[definition.more->word] |= definition.more->value;
    for (auto part : std::views::split(definition.changes, ' ')) {
        const std::string_view change(part.begin(), part.end());
        if (change.empty()) continue;
        const Feature* feature = find_feature(change.substr(1));
        QC_ASSERT(feature != nullptr);  // the table is constant, and a test reads all of it
        const uint32_t bit = 1u << feature->bit;
        if (change.front() == '+') {
            words[feature->word] |= bit;
        } else {
            words[feature->word] &= ~bit;
        }
    }
    return words;
}

FeatureWords features_on_request() {
    FeatureWords words;
    words[k1Ecx] = kMonitor;
    words[k1Edx] = bits({22});
    words[k80000001Ecx] = kSvm;
    words[k8000000aEdx] = ~0u;
    return words;
}

}  // namespace qc::i386
