// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/nvram/fw_cfg.h"

#include <algorithm>
#include <array>

#include "hw/nvram/trace.h"
#include "util/bytes.h"

namespace qc::hw {

namespace {

constexpr uint16_t kSelectorPort = 0x510;
constexpr uint16_t kDmaPort = 0x514;
// What the DMA address register reads as: "QEMU CFG".
constexpr uint64_t kDmaSignature = 0x51454d5520434647;

constexpr uint32_t kDmaError = 0x01;
constexpr uint32_t kDmaRead = 0x02;
constexpr uint32_t kDmaSkip = 0x04;
constexpr uint32_t kDmaSelect = 0x08;
constexpr uint32_t kDmaWrite = 0x10;

// Reading past the end of an item gives zeros; more of them than this is a guest
// that wants to keep the machine lock busy.
constexpr uint32_t kMaxZeros = 1 << 20;

uint32_t swap32(uint64_t value) {
    return __builtin_bswap32(static_cast<uint32_t>(value));
}

void fill_with_zeros(memory::AddressSpace& memory, uint64_t address, uint32_t bytes) {
    const std::array<std::byte, 4096> zeros{};
    while (bytes != 0) {
        uint32_t part = std::min<uint32_t>(bytes, zeros.size());
        memory.write(memory::PhysAddr(address), std::span(zeros).first(part));
        address += part;
        bytes -= part;
    }
}

}  // namespace

FwCfg::FwCfg(const DeviceContext& context)
    : context_(context),
      selector_region_(memory::MemoryRegion::io("fwcfg", 2, selector_ports_)),
      dma_region_(memory::MemoryRegion::io("fwcfg.dma", 8, dma_ports_)),
      component_({.name = "fw_cfg"}, core_) {
    context_.io_root.add_child(kSelectorPort, selector_region_);
    context_.io_root.add_child(kDmaPort, dma_region_);
}

FwCfg::~FwCfg() {
    context_.io_root.remove_child(selector_region_);
    context_.io_root.remove_child(dma_region_);
}

void FwCfg::add_u16(uint16_t key, uint16_t value) {
    ByteWriter out;
    out.le16(value);
    add(key, out.take());
}

void FwCfg::add_u32(uint16_t key, uint32_t value) {
    ByteWriter out;
    out.le32(value);
    add(key, out.take());
}

void FwCfg::add_u64(uint16_t key, uint64_t value) {
    ByteWriter out;
    out.le64(value);
    add(key, out.take());
}

uint64_t FwCfg::SelectorPorts::io_read(uint64_t offset, unsigned size) {
    if (offset != 1 || size != 1) return ~uint64_t{0};
    return device_.core_.read_byte();
}

void FwCfg::SelectorPorts::io_write(uint64_t offset, unsigned size, uint64_t value) {
    if (offset != 0 || size != 2) return;
    trace::fw_cfg_select(static_cast<uint16_t>(value));
    device_.core_.select(static_cast<uint16_t>(value));
}

uint64_t FwCfg::DmaPorts::io_read(uint64_t offset, unsigned size) {
    uint64_t value = 0;
    for (unsigned i = 0; i < size; ++i) {
        uint64_t byte = kDmaSignature >> (8 * (7 - ((offset + i) & 7))) & 0xff;
        value |= byte << (8 * i);
    }
    return value;
}

void FwCfg::DmaPorts::io_write(uint64_t offset, unsigned size, uint64_t value) {
    FwCfgCore& core = device_.core_;
    if (offset == 0 && size == 4) {
        core.set_dma_address(static_cast<uint64_t>(swap32(value)) << 32);
        return;
    }
    if (offset == 0 && size == 8) {
        core.set_dma_address(__builtin_bswap64(value));
    } else if (offset == 4 && size == 4) {
        core.set_dma_address(core.state().dma_address | swap32(value));
    } else {
        return;
    }
    device_.start_dma();
}

void FwCfg::start_dma() {
    const memory::PhysAddr descriptor(core_.state().dma_address);
    core_.set_dma_address(0);
    std::array<std::byte, 16> bytes{};
    context_.memory.read(descriptor, bytes);
    ByteReader in(bytes);
    uint32_t control = in.be32("control").value_or(0);
    uint32_t length = in.be32("length").value_or(0);
    uint64_t address = in.be64("address").value_or(0);

    trace::fw_cfg_dma(control, length, address);
    bool good = transfer(control, length, address);
    ByteWriter out;
    out.be32(good ? 0 : kDmaError);
    context_.memory.write(descriptor, out.view());
}

bool FwCfg::transfer(uint32_t control, uint32_t length, uint64_t address) {
    if ((control & kDmaSelect) != 0) core_.select(static_cast<uint16_t>(control >> 16));
    if ((control & kDmaRead) != 0) {
        std::span<const std::byte> data = core_.read(length);
        context_.memory.write(memory::PhysAddr(address), data);
        auto done = static_cast<uint32_t>(data.size());
        if (length - done > kMaxZeros) return false;
        fill_with_zeros(context_.memory, address + done, length - done);
        return true;
    }
    // There are no items that a guest may write.
    if ((control & kDmaWrite) != 0) return length == 0;
    if ((control & kDmaSkip) != 0) core_.skip(length);
    return true;
}

}  // namespace qc::hw
