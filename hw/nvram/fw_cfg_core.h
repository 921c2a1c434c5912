// SPDX-License-Identifier: GPL-2.0-or-later
//
// The firmware configuration interface: items under 16-bit keys, named files among
// them, read through a selector and an offset. Source: QEMU's specification
// "QEMU Firmware Configuration (fw_cfg) Device".
//
// Threading: caller locks. Owned by FwCfg.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "util/result.h"

namespace qc::hw {

namespace fw_cfg {
inline constexpr uint16_t kSignature = 0x00;
inline constexpr uint16_t kId = 0x01;
inline constexpr uint16_t kUuid = 0x02;
inline constexpr uint16_t kRamSize = 0x03;
inline constexpr uint16_t kNoGraphic = 0x04;
inline constexpr uint16_t kCpuCount = 0x05;
// A Linux kernel and its surroundings: addresses, sizes and bytes of the pieces.
inline constexpr uint16_t kKernelAddress = 0x07;
inline constexpr uint16_t kKernelSize = 0x08;
inline constexpr uint16_t kInitrdAddress = 0x0a;
inline constexpr uint16_t kInitrdSize = 0x0b;
inline constexpr uint16_t kBootMenu = 0x0e;
inline constexpr uint16_t kMaxCpus = 0x0f;
inline constexpr uint16_t kKernelData = 0x11;
inline constexpr uint16_t kInitrdData = 0x12;
inline constexpr uint16_t kCommandLineAddress = 0x13;
inline constexpr uint16_t kCommandLineSize = 0x14;
inline constexpr uint16_t kCommandLineData = 0x15;
inline constexpr uint16_t kSetupAddress = 0x16;
inline constexpr uint16_t kSetupSize = 0x17;
inline constexpr uint16_t kSetupData = 0x18;
inline constexpr uint16_t kFileDirectory = 0x19;
inline constexpr uint16_t kFirstFile = 0x20;
inline constexpr uint16_t kIrq0Override = 0x8002;
inline constexpr uint16_t kHpet = 0x8004;
}  // namespace fw_cfg

struct FwCfgState {
    uint16_t selector = 0;
    uint32_t offset = 0;
    uint64_t dma_address = 0;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("selector", s.selector);
        v("offset", s.offset);
        v("dma_address", s.dma_address);
    }
};

class FwCfgCore {
 public:
    static constexpr size_t kMaxFileName = 55;
    static constexpr size_t kMaxFiles = 32;

    FwCfgCore();

    // While the machine is built. A key or a name is given once (asserted).
    void add(uint16_t key, std::vector<std::byte> data);
    void add_file(std::string_view name, std::vector<std::byte> data);

    void reset() { state_ = {}; }

    void select(uint16_t key);
    // The next byte; zeros from the end of the item on and where there is none.
    uint8_t read_byte();
    // The part of the item from the offset on, at most `bytes` of it; moves behind it.
    std::span<const std::byte> read(uint32_t bytes);
    void skip(uint32_t bytes);

    const FwCfgState& state() const { return state_; }
    void set_dma_address(uint64_t address) { state_.dma_address = address; }
    FwCfgState save() const { return state_; }
    Result<void> validate(const FwCfgState& state) const;
    void restore(const FwCfgState& state) { state_ = state; }

 private:
    std::span<const std::byte> item(uint16_t key) const;
    void write_directory();

    struct File {
        std::string name;
        uint16_t key;
        uint32_t size;
    };
    std::map<uint16_t, std::vector<std::byte>> items_;
    std::vector<File> files_;
    FwCfgState state_;
};

}  // namespace qc::hw
