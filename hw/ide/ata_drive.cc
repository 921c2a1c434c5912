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
constexpr uint8_t kDeviceHead = 0x0f;
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

AtaDrive::AtaDrive(AtaDriveConfig config) : IdeDrive(0), config_(std::move(config)) {
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
    reset_registers();
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
    offer_next_write();
}

void AtaDrive::offer_next_write() {
    offer_write_block(block_now() * ata::kSectorSize);
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
    offer_words(identify_words(config_, state_));
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

AtaDiskRequest AtaDrive::request() const {
    return {state_.operation, state_.lba, block_now()};
}

void AtaDrive::finish_read(bool good, std::span<const std::byte> data) {
    if (state_.phase != AtaPhase::kDisk || state_.operation != AtaOperation::kRead) return;
    if (!good || data.size() != block_now() * ata::kSectorSize) {
        show_address(state_.lba);
        abort(ata::kErrorUncorrectable);
        return;
    }
    load_buffer(data);
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
    offer_next_write();
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

namespace {

Result<void> validate_settings(const AtaDriveState& state) {
    if (state.heads == 0 || state.heads > 16 || state.sectors_per_track == 0) {
        return fail("a geometry of {} heads and {} sectors is impossible", state.heads,
                    state.sectors_per_track);
    }
    if (state.multiple > ata::kMaxMultiple || (state.multiple & (state.multiple - 1)) != 0) {
        return fail("{} sectors per block is impossible", state.multiple);
    }
    return {};
}

}  // namespace

Result<void> AtaDrive::validate(const AtaDriveState& state) const {
    if (state.capacity != config_.sectors) {
        return fail("the disk has {} sectors there and {} here", state.capacity, config_.sectors);
    }
    TRY(validate_settings(state));
    TRY(validate_transfer_mode(state));
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
    return validate_position(state, size_t{block} * ata::kSectorSize);
}

}  // namespace qc::hw
