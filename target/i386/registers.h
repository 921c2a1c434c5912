// SPDX-License-Identifier: GPL-2.0-or-later
//
// Bits of the system registers and numbers of the model-specific ones. Sources:
// Intel SDM vol. 3, chapters 2 and 17.2; vol. 4; AMD APM vol. 2, 3.1.
//
// Threading: constants.
#pragma once

#include <cstdint>

namespace qc::i386 {

namespace eflags {
inline constexpr uint32_t kCf = 1u << 0;
inline constexpr uint32_t kFixed1 = 1u << 1;
inline constexpr uint32_t kPf = 1u << 2;
inline constexpr uint32_t kAf = 1u << 4;
inline constexpr uint32_t kZf = 1u << 6;
inline constexpr uint32_t kSf = 1u << 7;
inline constexpr uint32_t kTf = 1u << 8;
inline constexpr uint32_t kIf = 1u << 9;
inline constexpr uint32_t kDf = 1u << 10;
inline constexpr uint32_t kOf = 1u << 11;
inline constexpr unsigned kIoplShift = 12;
inline constexpr uint32_t kIopl = 3u << kIoplShift;
inline constexpr uint32_t kNt = 1u << 14;
inline constexpr uint32_t kRf = 1u << 16;
inline constexpr uint32_t kVm = 1u << 17;
inline constexpr uint32_t kAc = 1u << 18;
inline constexpr uint32_t kVif = 1u << 19;
inline constexpr uint32_t kVip = 1u << 20;
inline constexpr uint32_t kId = 1u << 21;
inline constexpr uint32_t kArithmetic = kCf | kPf | kAf | kZf | kSf | kOf;
// Every bit that exists beside the arithmetic ones.
inline constexpr uint32_t kSystem =
    kTf | kIf | kDf | kIopl | kNt | kRf | kVm | kAc | kVif | kVip | kId;
}  // namespace eflags

namespace cr0 {
inline constexpr uint64_t kPe = 1u << 0;
inline constexpr uint64_t kMp = 1u << 1;
inline constexpr uint64_t kEm = 1u << 2;
inline constexpr uint64_t kTs = 1u << 3;
inline constexpr uint64_t kEt = 1u << 4;
inline constexpr uint64_t kNe = 1u << 5;
inline constexpr uint64_t kWp = 1u << 16;
inline constexpr uint64_t kAm = 1u << 18;
inline constexpr uint64_t kNw = 1u << 29;
inline constexpr uint64_t kCd = 1u << 30;
inline constexpr uint64_t kPg = 1u << 31;
inline constexpr uint64_t kDefined =
    kPe | kMp | kEm | kTs | kEt | kNe | kWp | kAm | kNw | kCd | kPg;
}  // namespace cr0

namespace cr4 {
inline constexpr uint64_t kVme = 1u << 0;
inline constexpr uint64_t kPvi = 1u << 1;
inline constexpr uint64_t kTsd = 1u << 2;
inline constexpr uint64_t kDe = 1u << 3;
inline constexpr uint64_t kPse = 1u << 4;
inline constexpr uint64_t kPae = 1u << 5;
inline constexpr uint64_t kMce = 1u << 6;
inline constexpr uint64_t kPge = 1u << 7;
inline constexpr uint64_t kPce = 1u << 8;
inline constexpr uint64_t kOsfxsr = 1u << 9;
inline constexpr uint64_t kOsxmmexcpt = 1u << 10;
inline constexpr uint64_t kOsxsave = 1u << 18;
}  // namespace cr4

namespace efer {
inline constexpr uint64_t kSce = 1u << 0;
inline constexpr uint64_t kLme = 1u << 8;
inline constexpr uint64_t kLma = 1u << 10;
inline constexpr uint64_t kNxe = 1u << 11;
}  // namespace efer

namespace dr6 {
inline constexpr uint64_t kFixed1 = 0xffff0ff0u;
inline constexpr uint64_t kBd = 1u << 13;
inline constexpr uint64_t kBs = 1u << 14;
inline constexpr uint64_t kBt = 1u << 15;
}  // namespace dr6

namespace dr7 {
inline constexpr uint64_t kFixed1 = 1u << 10;
inline constexpr uint64_t kLocalEnables = 0x55;
inline constexpr uint64_t kEnables = 0xff;
inline constexpr uint64_t kGd = 1u << 13;
}  // namespace dr7

namespace msr {
inline constexpr uint32_t kTsc = 0x10;
inline constexpr uint32_t kPlatformId = 0x17;
inline constexpr uint32_t kApicBase = 0x1b;
inline constexpr uint32_t kTscAdjust = 0x3b;
inline constexpr uint32_t kTscDeadline = 0x6e0;
inline constexpr uint32_t kUcodeRev = 0x8b;
inline constexpr uint32_t kMtrrCap = 0xfe;
inline constexpr uint32_t kSysenterCs = 0x174;
inline constexpr uint32_t kSysenterEsp = 0x175;
inline constexpr uint32_t kSysenterEip = 0x176;
inline constexpr uint32_t kMcgCap = 0x179;
inline constexpr uint32_t kMcgStatus = 0x17a;
inline constexpr uint32_t kMcgCtl = 0x17b;
inline constexpr uint32_t kPerfStatus = 0x198;
inline constexpr uint32_t kMiscEnable = 0x1a0;
inline constexpr uint32_t kDebugCtl = 0x1d9;
inline constexpr uint32_t kMtrrPhysBase0 = 0x200;
inline constexpr uint32_t kMtrrFix64k = 0x250;
inline constexpr uint32_t kMtrrFix16k0 = 0x258;
inline constexpr uint32_t kMtrrFix16k1 = 0x259;
inline constexpr uint32_t kMtrrFix4k0 = 0x268;
inline constexpr uint32_t kPat = 0x277;
inline constexpr uint32_t kMtrrDefType = 0x2ff;
inline constexpr uint32_t kMc0Ctl = 0x400;
inline constexpr uint32_t kEfer = 0xc0000080;
inline constexpr uint32_t kStar = 0xc0000081;
inline constexpr uint32_t kLstar = 0xc0000082;
inline constexpr uint32_t kCstar = 0xc0000083;
inline constexpr uint32_t kFmask = 0xc0000084;
inline constexpr uint32_t kFsBase = 0xc0000100;
inline constexpr uint32_t kGsBase = 0xc0000101;
inline constexpr uint32_t kKernelGsBase = 0xc0000102;
inline constexpr uint32_t kTscAux = 0xc0000103;
}  // namespace msr

}  // namespace qc::i386
