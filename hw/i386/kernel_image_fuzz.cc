// SPDX-License-Identifier: GPL-2.0-or-later
//
// Any file as a kernel: it is refused, or loaded to where a program may be.
#include <cstdlib>
#include <span>

#include "hw/i386/kernel_boot.h"
#include "hw/i386/linux_image.h"
#include "hw/i386/multiboot_image.h"
#include "hw/i386/pvh_image.h"

namespace {

constexpr uint64_t kMemory = 64 << 20;
constexpr size_t kTransferSize = 16;
constexpr size_t kFirstTransferAt = 0x1000;

uint64_t be(std::span<const std::byte> bytes, size_t at, size_t size) {
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i)
        value = value << 8 | std::to_integer<uint64_t>(bytes[at + i]);
    return value;
}

void check(const qc::Result<qc::hw::FlatBoot::Items>& items) {
    if (!items) return;
    const std::span<const std::byte> plan = items->plan;
    for (size_t at = kFirstTransferAt; at + kTransferSize <= plan.size(); at += kTransferSize) {
        if (be(plan, at + 8, 8) + be(plan, at + 4, 4) > kMemory) std::abort();
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const auto bytes = std::as_bytes(std::span(data, size));
    qc::hw::KernelFiles files{.kernel_name = "kernel",
                              .kernel = {bytes.begin(), bytes.end()},
                              .modules = {{"module", std::vector<std::byte>(5000)}},
                              .command_line = "quiet"};
    const auto kind = qc::hw::kernel_kind(files.kernel);
    if (kind && *kind == qc::hw::KernelKind::kLinux) (void)qc::hw::prepare_linux(files, kMemory);
    check(qc::hw::prepare_multiboot(files, kMemory));
    check(qc::hw::prepare_pvh(files, kMemory));
    return 0;
}
