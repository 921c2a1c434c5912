// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/ata_drive.h"

#include <algorithm>
#include <bit>

#include "hw/ide/ata_identify.h"
#include "util/assert.h"
#include "util/checked.h"

namespace qc::hw {

namespace {
constexpr uint8_t kDeviceLba = 0x40;
constexpr uint8_t kDeviceSelect = 0x10;
constexpr uint8_t kDeviceHead = 0x0f;
// After a reset: no defect found.
constexpr uint8_t kDiagnosticPassed = 0x01;
}  // namespace

struct AtaDrive::Command {
    uint8_t first;
    uint8_t last;
    void (AtaDrive::*run)(const Command&);
    Addressing addressing = Addressing::kShort;
    // For data commands.
    AtaOperation operation = AtaOperation::kNone;
    bool multiple = false;
};

const AtaDrive::Command* AtaDrive::find_command(uint8_t opcode) {
    using enum AtaOperation;
    constexpr Addressing kShort = Addressing::kShort;
    constexpr Addressing kExtended = Addressing::kExtended;
    static constexpr Command kCommands[] = {
        {0x10, 0x1f, &AtaDrive::run_nothing},  // RECALIBRATE
        {0x20, 0x21, &AtaDrive::run_read, kShort, kRead},
        {0x24, 0x24, &AtaDrive::run_read, kExtended, kRead},
        {0x25, 0x25, &AtaDrive::run_dma, kExtended, kRead},
        {0x29, 0x29, &AtaDrive::run_read, kExtended, kRead, true},
        {0x30, 0x31, &AtaDrive::run_write, kShort, kWrite},
        {0x34, 0x34, &AtaDrive::run_write, kExtended, kWrite},
        {0x35, 0x35, &AtaDrive::run_dma, kExtended, kWrite},
        {0x39, 0x39, &AtaDrive::run_write, kExtended, kWrite, true},
        {0x40, 0x41, &AtaDrive::run_verify},
        {0x42, 0x42, &AtaDrive::run_verify, kExtended},
        {0x70, 0x7f, &AtaDrive::run_verify},  // SEEK
        {0x91, 0x91, &AtaDrive::run_initialize_parameters},
        {0x94, 0x97, &AtaDrive::run_nothing},  // power management, the old opcodes
        {0x98, 0x98, &AtaDrive::run_check_power},
        {0x99, 0x99, &AtaDrive::run_nothing},
        {0xc4, 0xc4, &AtaDrive::run_read, kShort, kRead, true},
        {0xc5, 0xc5, &AtaDrive::run_write, kShort, kWrite, true},
        {0xc6, 0xc6, &AtaDrive::run_set_multiple},
        {0xc8, 0xc9, &AtaDrive::run_dma, kShort, kRead},
        {0xca, 0xcb, &AtaDrive::run_dma, kShort, kWrite},
        {0xe0, 0xe3, &AtaDrive::run_nothing},  // STANDBY and IDLE
        {0xe5, 0xe5, &AtaDrive::run_check_power},
        {0xe6, 0xe6, &AtaDrive::run_nothing},  // SLEEP
        {0xe7, 0xe7, &AtaDrive::run_flush},
        {0xea, 0xea, &AtaDrive::run_flush},
        {0xec, 0xec, &AtaDrive::run_identify},
        {0xef, 0xef, &AtaDrive::run_set_features},
    };
    for (const Command& command : kCommands) {
        if (opcode >= command.first && opcode <= command.last) return &command;
    }
    return nullptr;
}

void default_geometry(AtaDriveConfig& config) {
    config.heads = 16;
    config.sectors_per_track = 63;
    config.cylinders =
        static_cast<uint16_t>(std::clamp<uint64_t>(config.sectors / (16 * 63), 2, 16383));
}

AtaDrive::AtaDrive(AtaDriveConfig config) : config_(std::move(config)) {
    QC_ASSERT(config_.sectors != 0 && config_.heads != 0 && config_.sectors_per_track != 0);
    power_on_reset();
}

void AtaDrive::power_on_reset() {
    state_ = {};
    state_.capacity = config_.sectors;
    state_.heads = config_.heads;
    state_.sectors_per_track = config_.sectors_per_track;
    soft_reset();
}

void AtaDrive::soft_reset() {
    // The signature of a disk.
    state_.recent = {.sector_count = 1, .lba_low = 1};
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

uint8_t AtaDrive::status() const {
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

uint8_t AtaDrive::read(unsigned reg, bool high_order) const {
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

void AtaDrive::write(unsigned reg, uint8_t value) {
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
        case ata::kDevice:
            state_.device = value & (kDeviceLba | kDeviceSelect | kDeviceHead);
            return;
        default: return;
    }
}

void AtaDrive::command(uint8_t opcode) {
    // A drive that is busy or in the middle of data does not look.
    if (state_.phase != AtaPhase::kIdle) return;
    state_.interrupt = false;
    state_.failed = false;
    state_.error = 0;
    const Command* found = find_command(opcode);
    if (found == nullptr) {
        abort(ata::kErrorAborted);
        return;
    }
    (this->*found->run)(*found);
}

std::optional<uint64_t> AtaDrive::address(Addressing addressing) const {
    const AtaTaskFile& low = state_.recent;
    const AtaTaskFile& high = state_.previous;
    auto lba24 = [](const AtaTaskFile& file) {
        return uint64_t{file.lba_high} << 16 | uint64_t{file.lba_mid} << 8 | file.lba_low;
    };
    if (addressing == Addressing::kExtended) return lba24(high) << 24 | lba24(low);
    const uint64_t head = state_.device & kDeviceHead;
    if ((state_.device & kDeviceLba) != 0) return head << 24 | lba24(low);
    const uint64_t cylinder = uint64_t{low.lba_high} << 8 | low.lba_mid;
    if (low.lba_low == 0 || low.lba_low > state_.sectors_per_track || head >= state_.heads) {
        return std::nullopt;
    }
    return (cylinder * state_.heads + head) * state_.sectors_per_track + low.lba_low - 1;
}

bool AtaDrive::take_address(Addressing addressing) {
    uint32_t count = state_.recent.sector_count;
    if (addressing == Addressing::kExtended) {
        count |= uint32_t{state_.previous.sector_count} << 8;
        if (count == 0) count = 65536;
    } else if (count == 0) {
        count = 256;
    }
    std::optional<uint64_t> lba = address(addressing);
    if (!lba || !range_fits<uint64_t>(*lba, count, config_.sectors)) {
        abort(ata::kErrorIdNotFound);
        return false;
    }
    state_.lba = *lba;
    state_.sectors_left = count;
    return true;
}

// Where a command failed, in the form in which it was addressed.
void AtaDrive::show_address(uint64_t lba) {
    AtaTaskFile& file = state_.recent;
    if ((state_.device & kDeviceLba) == 0) {
        const uint64_t track = lba / state_.sectors_per_track;
        const uint64_t cylinder = track / state_.heads;
        file.lba_low = static_cast<uint8_t>(lba % state_.sectors_per_track + 1);
        file.lba_mid = static_cast<uint8_t>(cylinder);
        file.lba_high = static_cast<uint8_t>(cylinder >> 8);
        state_.device = static_cast<uint8_t>((state_.device & ~kDeviceHead) | track % state_.heads);
        return;
    }
    file.lba_low = static_cast<uint8_t>(lba);
    file.lba_mid = static_cast<uint8_t>(lba >> 8);
    file.lba_high = static_cast<uint8_t>(lba >> 16);
    state_.previous.lba_low = static_cast<uint8_t>(lba >> 24);
    state_.previous.lba_mid = static_cast<uint8_t>(lba >> 32);
    state_.previous.lba_high = static_cast<uint8_t>(lba >> 40);
}

uint32_t AtaDrive::block_now() const {
    return std::min<uint32_t>(state_.block_sectors, state_.sectors_left);
}

void AtaDrive::ask(AtaOperation operation) {
    state_.operation = operation;
    state_.phase = AtaPhase::kDisk;
    asked_ = true;
}

void AtaDrive::succeed() {
    state_.phase = AtaPhase::kIdle;
    state_.operation = AtaOperation::kNone;
    state_.sectors_left = 0;
    state_.interrupt = true;
}

void AtaDrive::abort(uint8_t error) {
    succeed();
    state_.failed = true;
    state_.error = error;
}

void AtaDrive::run_read(const Command& command) {
    if (command.multiple && state_.multiple == 0) return abort(ata::kErrorAborted);
    if (!take_address(command.addressing)) return;
    state_.block_sectors = command.multiple ? state_.multiple : 1;
    ask(AtaOperation::kRead);
}

void AtaDrive::run_write(const Command& command) {
    if (command.multiple && state_.multiple == 0) return abort(ata::kErrorAborted);
    if (!take_address(command.addressing)) return;
    state_.block_sectors = command.multiple ? state_.multiple : 1;
    state_.operation = AtaOperation::kWrite;
    offer_write_block();
}

void AtaDrive::offer_write_block() {
    state_.phase = AtaPhase::kDataOut;
    state_.buffer.assign(block_now() * ata::kSectorSize, 0);
    state_.position = 0;
}

void AtaDrive::run_dma(const Command& command) {
    if (!take_address(command.addressing)) return;
    state_.operation = command.operation;
    state_.phase = AtaPhase::kDma;
}

void AtaDrive::run_verify(const Command& command) {
    // Every sector of an image can be read, as far as anybody can say beforehand.
    if (take_address(command.addressing)) succeed();
}

void AtaDrive::run_nothing(const Command&) {
    succeed();
}

void AtaDrive::run_flush(const Command&) {
    state_.sectors_left = 0;
    ask(AtaOperation::kFlush);
}

void AtaDrive::run_check_power(const Command&) {
    state_.recent.sector_count = 0xff;  // active or idle
    succeed();
}

void AtaDrive::run_identify(const Command&) {
    state_.buffer.clear();
    for (uint16_t word : identify_words(config_, state_)) {
        state_.buffer.push_back(static_cast<uint8_t>(word));
        state_.buffer.push_back(static_cast<uint8_t>(word >> 8));
    }
    state_.position = 0;
    state_.sectors_left = 0;
    state_.operation = AtaOperation::kIdentify;
    state_.phase = AtaPhase::kDataIn;
    state_.interrupt = true;
}

void AtaDrive::run_set_multiple(const Command&) {
    uint8_t count = state_.recent.sector_count;
    if (count > ata::kMaxMultiple || (count & (count - 1)) != 0) return abort(ata::kErrorAborted);
    state_.multiple = count;
    succeed();
}

void AtaDrive::run_initialize_parameters(const Command&) {
    if (state_.recent.sector_count == 0) return abort(ata::kErrorAborted);
    state_.heads = static_cast<uint8_t>((state_.device & kDeviceHead) + 1);
    state_.sectors_per_track = state_.recent.sector_count;
    succeed();
}

bool AtaDrive::set_transfer_mode(uint8_t mode) {
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

void AtaDrive::run_set_features(const Command&) {
    switch (state_.recent.features) {
        case 0x02: state_.write_cache = true; return succeed();
        case 0x82:
            // What is in the cache goes to the disk now.
            state_.write_cache = false;
            state_.sectors_left = 0;
            return ask(AtaOperation::kFlush);
        case 0x03:
            if (!set_transfer_mode(state_.recent.sector_count)) break;
            return succeed();
        case 0x55:  // read look-ahead off, on
        case 0xaa:
        case 0x66:  // keep settings over a soft reset, or not
        case 0xcc: return succeed();
        default: break;
    }
    abort(ata::kErrorAborted);
}

uint16_t AtaDrive::read_data() {
    if (state_.phase != AtaPhase::kDataIn) return 0;
    const auto low = state_.buffer[state_.position];
    const auto high = state_.buffer[state_.position + 1];
    state_.position += 2;
    if (state_.position == state_.buffer.size()) block_read();
    return static_cast<uint16_t>(low | high << 8);
}

void AtaDrive::block_read() {
    const uint32_t done = block_now();
    state_.lba += done;
    state_.sectors_left -= done;
    if (state_.sectors_left != 0) {
        ask(AtaOperation::kRead);
    } else {
        state_.phase = AtaPhase::kIdle;
        state_.operation = AtaOperation::kNone;
    }
}

std::span<const uint8_t> AtaDrive::read_block() const {
    if (state_.phase != AtaPhase::kDataIn) return {};
    return std::span(state_.buffer).subspan(state_.position);
}

void AtaDrive::read_block_taken() {
    if (state_.phase != AtaPhase::kDataIn) return;
    state_.position = static_cast<uint32_t>(state_.buffer.size());
    block_read();
}

uint32_t AtaDrive::write_block_size() const {
    if (state_.phase != AtaPhase::kDataOut) return 0;
    return static_cast<uint32_t>(state_.buffer.size()) - state_.position;
}

void AtaDrive::fill_write_block(std::span<const std::byte> data) {
    if (state_.phase != AtaPhase::kDataOut || data.size() != write_block_size()) return;
    std::ranges::transform(data, state_.buffer.begin() + state_.position,
                           [](std::byte byte) { return std::to_integer<uint8_t>(byte); });
    state_.position = static_cast<uint32_t>(state_.buffer.size());
    ask(AtaOperation::kWrite);
}

void AtaDrive::abandon() {
    succeed();
    state_.interrupt = false;
    asked_ = false;
}

void AtaDrive::write_data(uint16_t value) {
    if (state_.phase != AtaPhase::kDataOut) return;
    state_.buffer[state_.position] = static_cast<uint8_t>(value);
    state_.buffer[state_.position + 1] = static_cast<uint8_t>(value >> 8);
    state_.position += 2;
    if (state_.position == state_.buffer.size()) ask(AtaOperation::kWrite);
}

std::optional<AtaDiskRequest> AtaDrive::take_request() {
    if (!asked_) return std::nullopt;
    asked_ = false;
    return AtaDiskRequest{state_.operation, state_.lba, block_now()};
}

void AtaDrive::finish_read(bool good, std::span<const std::byte> data) {
    if (state_.phase != AtaPhase::kDisk || state_.operation != AtaOperation::kRead) return;
    if (!good || data.size() != block_now() * ata::kSectorSize) {
        show_address(state_.lba);
        abort(ata::kErrorUncorrectable);
        return;
    }
    state_.buffer.resize(data.size());
    std::ranges::transform(data, state_.buffer.begin(),
                           [](std::byte byte) { return std::to_integer<uint8_t>(byte); });
    state_.position = 0;
    state_.phase = AtaPhase::kDataIn;
    state_.interrupt = true;
}

void AtaDrive::writes_done() {
    if (!state_.write_cache) {
        ask(AtaOperation::kFlush);
    } else {
        succeed();
    }
}

void AtaDrive::finish(bool good) {
    if (state_.phase != AtaPhase::kDisk) return;
    if (!good) {
        show_address(state_.lba);
        abort(ata::kErrorAborted);
        return;
    }
    if (state_.operation != AtaOperation::kWrite) return succeed();
    const uint32_t done = block_now();
    state_.lba += done;
    state_.sectors_left -= done;
    if (state_.sectors_left == 0) return writes_done();
    offer_write_block();
    state_.interrupt = true;
}

std::optional<AtaDmaTransfer> AtaDrive::dma() const {
    if (state_.phase != AtaPhase::kDma) return std::nullopt;
    return AtaDmaTransfer{state_.operation == AtaOperation::kRead, state_.lba, state_.sectors_left};
}

void AtaDrive::dma_moved(uint32_t sectors) {
    if (state_.phase != AtaPhase::kDma) return;
    sectors = std::min(sectors, state_.sectors_left);
    state_.lba += sectors;
    state_.sectors_left -= sectors;
    if (state_.sectors_left != 0) return;
    if (state_.operation == AtaOperation::kWrite) return writes_done();
    succeed();
}

void AtaDrive::dma_failed() {
    if (state_.phase != AtaPhase::kDma) return;
    const bool reading = state_.operation == AtaOperation::kRead;
    show_address(state_.lba);
    abort(reading ? ata::kErrorUncorrectable : ata::kErrorAborted);
}

void AtaDrive::dma_dropped() {
    if (state_.phase != AtaPhase::kDma) return;
    succeed();
    state_.interrupt = false;
}

namespace {

Result<void> validate_settings(const AtaDriveState& state) {
    if (state.heads == 0 || state.heads > 16 || state.sectors_per_track == 0) {
        return fail("a geometry of {} heads and {} sectors is impossible", state.heads,
                    state.sectors_per_track);
    }
    if (state.multiple > ata::kMaxMultiple || (state.multiple & (state.multiple - 1)) != 0) {
        return fail("{} sectors per block is impossible", state.multiple);
    }
    if (state.multiword_dma > 4 || state.ultra_dma > 32) return fail("no such transfer mode");
    return {};
}

}  // namespace

Result<void> AtaDrive::validate(const AtaDriveState& state) const {
    if (state.capacity != config_.sectors) {
        return fail("the disk has {} sectors there and {} here", state.capacity, config_.sectors);
    }
    TRY(validate_settings(state));
    const bool one_block = state.block_sectors == 1;
    if (!one_block &&
        (state.block_sectors > ata::kMaxMultiple || !std::has_single_bit(state.block_sectors))) {
        return fail("a block of {} sectors is impossible", state.block_sectors);
    }
    if (state.phase == AtaPhase::kIdle) return {};
    if (state.phase > AtaPhase::kDma) return fail("a disk request was in flight when it was saved");
    if (!range_fits<uint64_t>(state.lba, state.sectors_left, config_.sectors)) {
        return fail("sectors {} to {} are past the end of the disk", state.lba,
                    state.lba + state.sectors_left);
    }
    const AtaOperation operation = state.operation;
    const bool identify = operation == AtaOperation::kIdentify && state.phase == AtaPhase::kDataIn;
    const bool reads = operation == AtaOperation::kRead && state.phase != AtaPhase::kDataOut;
    const bool writes = operation == AtaOperation::kWrite && state.phase != AtaPhase::kDataIn;
    if (!identify && !reads && !writes) return fail("phase and operation contradict each other");
    if (identify ? state.sectors_left != 0 : state.sectors_left == 0) {
        return fail("{} sectors left contradict the operation", state.sectors_left);
    }
    if (state.phase == AtaPhase::kDma) return {};
    const uint32_t block =
        identify ? 1 : std::min<uint32_t>(state.block_sectors, state.sectors_left);
    if (state.buffer.size() != block * ata::kSectorSize || state.position % 2 != 0 ||
        state.position >= state.buffer.size()) {
        return fail("position {} in a data block of {} bytes is impossible", state.position,
                    state.buffer.size());
    }
    return {};
}

void AtaDrive::restore(const AtaDriveState& state) {
    state_ = state;
    asked_ = false;
}

}  // namespace qc::hw
