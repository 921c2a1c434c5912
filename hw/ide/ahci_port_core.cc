// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/ahci_port_core.h"

#include "hw/ide/ata_drive.h"

namespace qc::hw {

using namespace ahci;

namespace {

constexpr uint64_t kListMask = ~uint64_t{0x3ff};
constexpr uint64_t kFisMask = ~uint64_t{0xff};
// DHRS, PSS, DSS, SDBS, DPS, PCS, PRCS and the errors; UFS, bit 4, and PRCS, bit
// 22, follow SERR in the real chip and are cleared like the others here.
constexpr uint32_t kInterruptBits = 0x7dc000ff;
constexpr uint32_t kCommandWritable = 0xff00'0000 & ~0x0070'0000u;
constexpr uint32_t kCommandBits = kCommandWritable | kCmdStart | kCmdFisReceive;
// Spun up and powered, always.
constexpr uint32_t kCommandFixed = 0x6;
constexpr unsigned kCurrentSlotShift = 8;

constexpr uint32_t kControlBits = 0x00000fff;
constexpr uint32_t kDetection = 0x0f;
constexpr uint32_t kDetectionReset = 1;
constexpr uint32_t kDetectionOffline = 4;
// Generation 1, interface active, device present and communicating.
constexpr uint32_t kLinkUp = 0x113;

constexpr uint32_t kErrorExchanged = 1u << 26;
constexpr uint32_t kErrorPhyReady = 1u << 16;
constexpr uint32_t kErrorBits = 0x07ff0f03;

constexpr uint32_t kTaskFileNone = 0x7f;
constexpr uint32_t kSignatureNone = 0xffffffff;

void set_low(uint64_t& reg, uint32_t value) {
    reg = (reg & ~uint64_t{0xffffffff}) | value;
}
void set_high(uint64_t& reg, uint32_t value) {
    reg = (reg & 0xffffffff) | uint64_t{value} << 32;
}

}  // namespace

void AhciPortCore::reset() {
    state_ = {};
    state_.task_file = kTaskFileNone;
    state_.signature = kSignatureNone;
    state_.signature_waits = present_;
}

uint32_t AhciPortCore::command_register() const {
    uint32_t value =
        state_.command | kCommandFixed | static_cast<uint32_t>(state_.slot) << kCurrentSlotShift;
    if ((state_.command & kCmdFisReceive) != 0) value |= kCmdFisRunning;
    if ((state_.command & kCmdStart) != 0) value |= kCmdListRunning;
    return value;
}

uint32_t AhciPortCore::link_status() const {
    const uint32_t detection = state_.control & kDetection;
    if (detection == kDetectionOffline) return kDetectionOffline;
    if (!present_ || detection == kDetectionReset) return 0;
    return kLinkUp;
}

uint32_t AhciPortCore::read(unsigned offset) const {
    switch (offset) {
        case kClb: return static_cast<uint32_t>(state_.command_list);
        case kClbu: return static_cast<uint32_t>(state_.command_list >> 32);
        case kFb: return static_cast<uint32_t>(state_.received_fis);
        case kFbu: return static_cast<uint32_t>(state_.received_fis >> 32);
        case kPortIs: return state_.interrupt_status;
        case kPortIe: return state_.interrupt_enable;
        case kCmd: return command_register();
        case kTfd: return state_.task_file;
        case kSig: return state_.signature;
        case kSsts: return link_status();
        case kSctl: return state_.control;
        case kSerr: return state_.error;
        case kSact: return state_.active;
        case kCi: return state_.issued;
        default: return 0;
    }
}

void AhciPortCore::stop() {
    state_.issued = 0;
    state_.active = 0;
    state_.slot = 0;
    state_.next_slot = 0;
    state_.halted = false;
}

void AhciPortCore::write_command(uint32_t value, Effects& effects) {
    const uint32_t before = state_.command;
    state_.command = value & kCommandBits;
    if ((before & kCmdStart) != 0 && (value & kCmdStart) == 0) {
        stop();
        effects.forget = true;
    }
    effects.run = true;
}

void AhciPortCore::write_control(uint32_t value, Effects& effects) {
    const uint32_t before = state_.control & kDetection;
    state_.control = value & kControlBits;
    const uint32_t after = state_.control & kDetection;
    if (before == after) return;
    const bool was_down = before == kDetectionReset || before == kDetectionOffline;
    const bool is_down = after == kDetectionReset || after == kDetectionOffline;
    if (is_down && !was_down) {
        stop();
        state_.task_file = kTaskFileNone;
        state_.signature = kSignatureNone;
        state_.signature_waits = false;
        effects.forget = true;
    } else if (was_down && !is_down && present_) {
        state_.error |= kErrorExchanged | kErrorPhyReady;
        raise(kIsConnect | kIsPhyReady);
        state_.signature_waits = true;
        effects.reset_device = true;
        effects.run = true;
    }
}

AhciPortCore::Effects AhciPortCore::write(unsigned offset, uint32_t value) {
    Effects effects;
    const bool started = (state_.command & kCmdStart) != 0;
    switch (offset) {
        case kClb: set_low(state_.command_list, value & static_cast<uint32_t>(kListMask)); break;
        case kClbu: set_high(state_.command_list, value); break;
        case kFb: set_low(state_.received_fis, value & static_cast<uint32_t>(kFisMask)); break;
        case kFbu: set_high(state_.received_fis, value); break;
        case kPortIs: state_.interrupt_status &= ~value; break;
        case kPortIe: state_.interrupt_enable = value & kInterruptBits; break;
        case kCmd: write_command(value, effects); break;
        case kSctl: write_control(value, effects); break;
        case kSerr: state_.error &= ~value; break;
        case kSact:
            if (started) state_.active |= value;
            break;
        case kCi:
            if (started) state_.issued |= value;
            effects.run = true;
            break;
        default: break;
    }
    return effects;
}

std::optional<unsigned> AhciPortCore::fetch_slot() {
    constexpr uint32_t kBusy = ata::kStatusBusy | ata::kStatusDataRequest;
    if ((state_.command & kCmdStart) == 0 || state_.halted || (state_.task_file & kBusy) != 0 ||
        state_.issued == 0) {
        return std::nullopt;
    }
    unsigned slot = state_.next_slot;
    while ((state_.issued >> slot & 1) == 0)
        slot = (slot + 1) % kSlots;
    state_.slot = static_cast<uint8_t>(slot);
    state_.next_slot = static_cast<uint8_t>((slot + 1) % kSlots);
    return slot;
}

uint64_t AhciPortCore::header_address(unsigned slot) const {
    return state_.command_list + slot * kHeaderSize;
}

std::optional<uint64_t> AhciPortCore::fis_address() const {
    if ((state_.command & kCmdFisReceive) == 0) return std::nullopt;
    return state_.received_fis;
}

bool AhciPortCore::take_signature(uint32_t signature) {
    if (!state_.signature_waits || (state_.command & kCmdFisReceive) == 0) return false;
    state_.signature_waits = false;
    state_.signature = signature;
    return true;
}

void AhciPortCore::halt(uint32_t interrupt_bits) {
    state_.halted = true;
    raise(interrupt_bits);
}

Result<void> AhciPortCore::validate(const AhciPortRegisters& state) const {
    if ((state.command_list & ~kListMask) != 0 || (state.received_fis & ~kFisMask) != 0) {
        return fail("command list {:#x} or received FIS {:#x} is not aligned", state.command_list,
                    state.received_fis);
    }
    if ((state.interrupt_status & ~kInterruptBits) != 0 ||
        (state.interrupt_enable & ~kInterruptBits) != 0) {
        return fail("interrupt status {:#x}, enable {:#x}", state.interrupt_status,
                    state.interrupt_enable);
    }
    if ((state.command & ~kCommandBits) != 0) return fail("PxCMD {:#x}", state.command);
    if ((state.control & ~kControlBits) != 0) return fail("PxSCTL {:#x}", state.control);
    if ((state.error & ~kErrorBits) != 0) return fail("PxSERR {:#x}", state.error);
    if ((state.task_file & ~0xffffu) != 0) return fail("PxTFD {:#x}", state.task_file);
    if ((state.task_file & ata::kStatusBusy) != 0) {
        return fail("a command was in flight when it was saved");
    }
    if (state.slot >= kSlots || state.next_slot >= kSlots) {
        return fail("command slots {} and {}", state.slot, state.next_slot);
    }
    if (!present_ && state.signature_waits) return fail("a device waits where there is none");
    return {};
}

}  // namespace qc::hw
