// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i2c/smbus_ich9.h"

namespace qc::hw {

namespace {

constexpr uint8_t kHostConfig = 0x40;
constexpr uint8_t kHostEnable = 0x01;
constexpr unsigned kBar = 4;
constexpr uint32_t kBarSize = 64;

enum Register : unsigned {
    kStatus = 0x00,
    kControl = 0x02,
    kCommand = 0x03,
    kAddress = 0x04,
    kData0 = 0x05,
    kData1 = 0x06,
    kBlock = 0x07,
    kAuxiliaryControl = 0x0d,
};

constexpr uint8_t kStatusInterrupt = 0x02;
constexpr uint8_t kStatusDeviceError = 0x04;
constexpr uint8_t kStatusBusError = 0x08;
constexpr uint8_t kStatusFailed = 0x10;
constexpr uint8_t kStatusInUse = 0x40;
constexpr uint8_t kStatusEnds =
    kStatusInterrupt | kStatusDeviceError | kStatusBusError | kStatusFailed;

constexpr uint8_t kControlInterruptEnable = 0x01;
constexpr uint8_t kControlKill = 0x02;
constexpr uint8_t kControlStart = 0x40;
// PEC_EN, the protocol, KILL and the interrupt's enable can be read back.
constexpr uint8_t kControlBits = 0x9f;

constexpr uint8_t kAuxiliaryBits = 0x03;  // 32-byte buffer, automatic CRC
constexpr uint8_t kBlockBuffer = 0x02;

constexpr PciIdentity kIdentity = {
    .vendor = 0x8086,
    .device = 0x2930,
    .revision = 0x02,
    .class_code = 0x0c0500,
    .header_type = 0x80,
    .interrupt_pin = 1,
};

constexpr PciRegister kRegisters[] = {
    {0x06, 2, "PCISTS", 0x0280, 0, 0xf900, pci::kStatusInterrupt},
    {kHostConfig, 1, "HOSTC", 0x00, 0x07},
};

constexpr PciBarSpec kBars[] = {{kBar, PciBarSpec::Space::kIo, kBarSize}};

}  // namespace

Ich9Smbus::Ich9Smbus(const DeviceContext& context)
    : PciDevice(context, kIdentity, kRegisters, kBars),
      region_(memory::MemoryRegion::io("pm-smbus", kBarSize, *this)) {
    set_bar_region(kBar, region_);
}

bool Ich9Smbus::enabled() const {
    return (config().byte(kHostConfig) & kHostEnable) != 0;
}

bool Ich9Smbus::interrupt() const {
    return (state_.control & kControlInterruptEnable) != 0 && (state_.status & kStatusEnds) != 0;
}

// Without the buffer there is one byte, and every access is to it.
uint8_t& Ich9Smbus::block_byte() {
    if ((state_.auxiliary_control & kBlockBuffer) == 0) return state_.block[0];
    uint8_t& byte = state_.block[state_.block_index];
    state_.block_index = (state_.block_index + 1) % state_.block.size();
    return byte;
}

uint8_t Ich9Smbus::read(unsigned offset) {
    switch (offset) {
        case kStatus: {
            // A semaphore: whoever reads it as 0 has taken it.
            const uint8_t value = state_.status;
            state_.status |= kStatusInUse;
            return value;
        }
        case kControl: state_.block_index = 0; return state_.control;
        case kCommand: return state_.command;
        case kAddress: return state_.address;
        case kData0: return state_.data[0];
        case kData1: return state_.data[1];
        case kBlock: return block_byte();
        case kAuxiliaryControl: return state_.auxiliary_control;
        default: return 0;
    }
}

void Ich9Smbus::write_control(uint8_t value) {
    state_.control = value & kControlBits;
    if ((value & kControlKill) != 0) {
        state_.status |= kStatusFailed;
    } else if ((value & kControlStart) != 0) {
        state_.status |= kStatusDeviceError;
    }
}

void Ich9Smbus::write(unsigned offset, uint8_t value) {
    switch (offset) {
        case kStatus: state_.status &= static_cast<uint8_t>(~value); break;
        case kControl: write_control(value); break;
        case kCommand: state_.command = value; break;
        case kAddress: state_.address = value; break;
        case kData0: state_.data[0] = value; break;
        case kData1: state_.data[1] = value; break;
        case kBlock: block_byte() = value; break;
        case kAuxiliaryControl: state_.auxiliary_control = value & kAuxiliaryBits; break;
        default: break;
    }
}

uint64_t Ich9Smbus::io_read(uint64_t offset, unsigned) {
    if (!enabled()) return 0xff;
    return read(static_cast<unsigned>(offset));
}

void Ich9Smbus::io_write(uint64_t offset, unsigned, uint64_t value) {
    if (!enabled()) return;
    write(static_cast<unsigned>(offset), static_cast<uint8_t>(value));
    set_interrupt(interrupt());
}

void Ich9Smbus::reset() {
    reset_pci();
    state_ = {};
    set_interrupt(false);
}

Ich9SmbusState Ich9Smbus::save() const {
    Ich9SmbusState state = state_;
    state.config = config().state();
    return state;
}

Result<void> Ich9Smbus::validate(const Ich9SmbusState& state) const {
    TRY(validate_pci(state.config));
    if ((state.status & ~(kStatusEnds | kStatusInUse)) != 0) {
        return fail("SMBus status {:#x}", state.status);
    }
    if ((state.control & ~kControlBits) != 0 || (state.auxiliary_control & ~kAuxiliaryBits) != 0) {
        return fail("SMBus control {:#x}, {:#x}", state.control, state.auxiliary_control);
    }
    if (state.block_index >= state.block.size()) {
        return fail("SMBus block index {}", state.block_index);
    }
    const bool pin = (state.config.bytes[pci::kStatus] & pci::kStatusInterrupt) != 0;
    const bool wanted =
        (state.control & kControlInterruptEnable) != 0 && (state.status & kStatusEnds) != 0;
    if (pin != wanted) return fail("SMBus interrupt status contradicts its registers");
    return {};
}

void Ich9Smbus::restore(const Ich9SmbusState& state) {
    state_ = state;
    state_.config = {};
    restore_pci(state.config);
}

}  // namespace qc::hw
