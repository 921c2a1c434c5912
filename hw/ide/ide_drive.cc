// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/ide_drive.h"

#include <algorithm>

namespace qc::hw {

namespace {
constexpr uint8_t kDeviceBits = 0x5f;  // LBA, device, head
// After a reset: no defect found.
constexpr uint8_t kDiagnosticPassed = 0x01;

uint8_t to_uint8(std::byte byte) {
    return std::to_integer<uint8_t>(byte);
}
}  // namespace

void IdeDrive::reset_registers() {
    state_.recent = {.sector_count = 1,
                     .lba_low = 1,
                     .lba_mid = static_cast<uint8_t>(signature_),
                     .lba_high = static_cast<uint8_t>(signature_ >> 8)};
    state_.previous = {};
    state_.device = 0;
    state_.error = kDiagnosticPassed;
    state_.failed = false;
    state_.interrupt = false;
    state_.phase = AtaPhase::kIdle;
    state_.operation = AtaOperation::kNone;
    state_.lba = 0;
    state_.sectors_left = 0;
    state_.block_sectors = 1;
    state_.buffer.clear();
    state_.position = 0;
    asked_ = false;
}

uint8_t IdeDrive::status() const {
    using namespace ata;
    switch (state_.phase) {
        case AtaPhase::kIdle:
            return static_cast<uint8_t>(kStatusReady | kStatusSeekDone |
                                        (state_.failed ? kStatusError : 0));
        case AtaPhase::kDataIn:
        case AtaPhase::kDataOut:
        case AtaPhase::kDma: return kStatusReady | kStatusSeekDone | kStatusDataRequest;
        case AtaPhase::kDisk: break;
    }
    return kStatusBusy | kStatusReady | kStatusSeekDone;
}

uint8_t IdeDrive::read(unsigned reg, bool high_order) const {
    const AtaTaskFile& file = high_order ? state_.previous : state_.recent;
    switch (reg) {
        case ata::kFeatures: return state_.error;
        case ata::kSectorCount: return file.sector_count;
        case ata::kLbaLow: return file.lba_low;
        case ata::kLbaMid: return file.lba_mid;
        case ata::kLbaHigh: return file.lba_high;
        case ata::kDevice: return state_.device | 0xa0;  // two bits that are obsolete
        default: return 0;
    }
}

void IdeDrive::write(unsigned reg, uint8_t value) {
    if (state_.phase == AtaPhase::kDisk) return;
    auto push = [&](uint8_t AtaTaskFile::* member) {
        state_.previous.*member = state_.recent.*member;
        state_.recent.*member = value;
    };
    switch (reg) {
        case ata::kFeatures: push(&AtaTaskFile::features); return;
        case ata::kSectorCount: push(&AtaTaskFile::sector_count); return;
        case ata::kLbaLow: push(&AtaTaskFile::lba_low); return;
        case ata::kLbaMid: push(&AtaTaskFile::lba_mid); return;
        case ata::kLbaHigh: push(&AtaTaskFile::lba_high); return;
        case ata::kDevice: state_.device = value & kDeviceBits; return;
        default: return;
    }
}

void IdeDrive::ask(AtaOperation operation) {
    state_.operation = operation;
    state_.phase = AtaPhase::kDisk;
    asked_ = true;
}

void IdeDrive::succeed() {
    state_.phase = AtaPhase::kIdle;
    state_.operation = AtaOperation::kNone;
    state_.sectors_left = 0;
    state_.interrupt = true;
    command_over();
}

void IdeDrive::abort(uint8_t error) {
    succeed();
    state_.failed = true;
    state_.error = error;
}

bool IdeDrive::set_transfer_mode(uint8_t mode) {
    const unsigned number = mode & 0x07;
    switch (mode >> 3) {
        case 0x00:  // PIO default
            return number <= 1;
        case 0x01:  // PIO with flow control
            return number <= 4;
        case 0x04:
            if (number > 2) return false;
            state_.multiword_dma = static_cast<uint8_t>(1u << number);
            state_.ultra_dma = 0;
            return true;
        case 0x08:
            if (number > 5) return false;
            state_.ultra_dma = static_cast<uint8_t>(1u << number);
            state_.multiword_dma = 0;
            return true;
        default: return false;
    }
}

uint16_t IdeDrive::read_data() {
    if (state_.phase != AtaPhase::kDataIn) return 0;
    const auto low = state_.buffer[state_.position];
    const auto high = state_.buffer[state_.position + 1];
    state_.position += 2;
    if (state_.position == state_.buffer.size()) block_read();
    return static_cast<uint16_t>(low | high << 8);
}

std::span<const uint8_t> IdeDrive::read_block() const {
    if (state_.phase != AtaPhase::kDataIn) return {};
    return std::span(state_.buffer).subspan(state_.position);
}

void IdeDrive::read_block_taken() {
    if (state_.phase != AtaPhase::kDataIn) return;
    state_.position = static_cast<uint32_t>(state_.buffer.size());
    block_read();
}

uint32_t IdeDrive::write_block_size() const {
    if (state_.phase != AtaPhase::kDataOut) return 0;
    return static_cast<uint32_t>(state_.buffer.size()) - state_.position;
}

void IdeDrive::fill_write_block(std::span<const std::byte> data) {
    if (state_.phase != AtaPhase::kDataOut || data.size() != write_block_size()) return;
    std::ranges::transform(data, state_.buffer.begin() + state_.position, to_uint8);
    state_.position = static_cast<uint32_t>(state_.buffer.size());
    block_written();
}

void IdeDrive::abandon() {
    succeed();
    state_.interrupt = false;
    asked_ = false;
}

void IdeDrive::write_data(uint16_t value) {
    if (state_.phase != AtaPhase::kDataOut) return;
    state_.buffer[state_.position] = static_cast<uint8_t>(value);
    state_.buffer[state_.position + 1] = static_cast<uint8_t>(value >> 8);
    state_.position += 2;
    if (state_.position == state_.buffer.size()) block_written();
}

std::optional<AtaDiskRequest> IdeDrive::take_request() {
    if (!asked_) return std::nullopt;
    asked_ = false;
    return request();
}

void IdeDrive::dma_dropped() {
    if (state_.phase != AtaPhase::kDma) return;
    succeed();
    state_.interrupt = false;
}

void IdeDrive::offer_write_block(uint32_t bytes) {
    state_.phase = AtaPhase::kDataOut;
    state_.buffer.assign(bytes, 0);
    state_.position = 0;
}

void IdeDrive::load_buffer(std::span<const std::byte> data) {
    state_.buffer.resize(data.size());
    std::ranges::transform(data, state_.buffer.begin(), to_uint8);
    state_.position = 0;
}

void IdeDrive::offer_words(std::span<const uint16_t, 256> words) {
    state_.buffer.clear();
    for (uint16_t word : words) {
        state_.buffer.push_back(static_cast<uint8_t>(word));
        state_.buffer.push_back(static_cast<uint8_t>(word >> 8));
    }
    state_.position = 0;
    state_.sectors_left = 0;
    state_.operation = AtaOperation::kIdentify;
    state_.phase = AtaPhase::kDataIn;
    state_.interrupt = true;
}

Result<void> IdeDrive::validate_transfer_mode(const AtaDriveState& state) {
    if (state.multiword_dma > 4 || state.ultra_dma > 32) return fail("no such transfer mode");
    return {};
}

Result<void> IdeDrive::validate_position(const AtaDriveState& state, size_t block_bytes) {
    if (state.buffer.size() == block_bytes && state.position % 2 == 0 &&
        state.position < state.buffer.size()) {
        return {};
    }
    return fail("position {} in a data block of {} bytes is impossible", state.position,
                state.buffer.size());
}

void IdeDrive::restore(const AtaDriveState& state) {
    state_ = state;
    asked_ = false;
}

}  // namespace qc::hw
