// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/atapi_drive.h"

#include <algorithm>

#include "hw/ide/ata_identify.h"

namespace qc::hw {

namespace {

constexpr uint16_t kPacketSignature = 0xeb14;

// ATA commands.
constexpr uint8_t kDeviceReset = 0x08;
constexpr uint8_t kPacketCommand = 0xa0;
constexpr uint8_t kIdentifyPacketDevice = 0xa1;
constexpr uint8_t kCheckPower = 0xe5;
constexpr uint8_t kFlushCache = 0xe7;
constexpr uint8_t kSetFeatures = 0xef;

// PACKET's features.
constexpr uint8_t kFeatureDma = 0x01;
constexpr uint8_t kFeatureOverlap = 0x02;

// The interrupt reason, where a disk has its sector count.
constexpr uint8_t kReasonCommand = 0x01;
constexpr uint8_t kReasonToHost = 0x02;

MmcCore::Config mmc_config(const AtapiDriveConfig& config) {
    return {.model = config.model, .version = config.version, .serial = config.serial};
}

}  // namespace

AtapiDrive::AtapiDrive(AtapiDriveConfig config)
    : IdeDrive(kPacketSignature), config_(std::move(config)), mmc_(mmc_config(config_)) {
    power_on_reset();
}

void AtapiDrive::power_on_reset() {
    state_ = {};
    mmc_.reset();
    soft_reset();
}

void AtapiDrive::soft_reset() {
    reset_registers();
    packet_ = {};
    packet_.present = true;
    packet_.fresh = true;
}

uint8_t AtapiDrive::status() const {
    return packet_.fresh ? 0 : IdeDrive::status();
}

void AtapiDrive::command(uint8_t opcode) {
    if (opcode == kDeviceReset) return soft_reset();
    if (state_.phase != AtaPhase::kIdle) return;
    packet_.fresh = false;
    state_.interrupt = false;
    state_.failed = false;
    state_.error = 0;
    switch (opcode) {
        case kPacketCommand: return start_packet();
        case kIdentifyPacketDevice: return offer_words(identify_packet_words(config_, state_));
        case kSetFeatures: return set_features();
        case kCheckPower: state_.recent.sector_count = 0xff; return succeed();
        case kFlushCache:
        case 0xe0:  // STANDBY IMMEDIATE, IDLE IMMEDIATE, STANDBY, IDLE, SLEEP
        case 0xe1:
        case 0xe2:
        case 0xe3:
        case 0xe6: return succeed();
        default: return refuse();
    }
}

// What is a disk's is refused, and who asked sees from the registers what he has.
void AtapiDrive::refuse() {
    const uint8_t device = state_.device;
    reset_registers();
    state_.device = device;
    abort(ata::kErrorAborted);
}

void AtapiDrive::set_features() {
    switch (state_.recent.features) {
        case 0x03:
            if (!set_transfer_mode(state_.recent.sector_count)) break;
            return succeed();
        case 0x66:  // keep settings over a soft reset, or not
        case 0xcc: return succeed();
        default: break;
    }
    abort(ata::kErrorAborted);
}

void AtapiDrive::start_packet() {
    const uint8_t features = state_.recent.features;
    if ((features & kFeatureOverlap) != 0) return abort(ata::kErrorAborted);
    packet_.dma = (features & kFeatureDma) != 0;
    packet_.byte_limit = static_cast<uint16_t>(state_.recent.lba_high << 8 | state_.recent.lba_mid);
    state_.recent.sector_count = kReasonCommand;
    state_.operation = AtaOperation::kPacket;
    offer_write_block(mmc::kPacketSize);
}

void AtapiDrive::block_written() {
    std::array<uint8_t, mmc::kPacketSize> packet{};
    std::ranges::copy(std::span(state_.buffer).first(packet.size()), packet.begin());
    MmcReply reply = mmc_.execute(packet);
    switch (reply.kind) {
        case MmcReply::Kind::kDone: return packet_done();
        case MmcReply::Kind::kFailed: return packet_failed();
        case MmcReply::Kind::kData: return start_reply(std::move(reply.data));
        case MmcReply::Kind::kRead: return start_read(reply);
    }
}

void AtapiDrive::packet_done() {
    succeed();
    state_.recent.sector_count = kReasonCommand | kReasonToHost;
}

void AtapiDrive::command_over() {
    state_.buffer.clear();
    state_.position = 0;
    packet_.pending.clear();
}

void AtapiDrive::packet_failed() {
    packet_done();
    state_.failed = true;
    state_.error = static_cast<uint8_t>(mmc_.sense().key << 4);
}

void AtapiDrive::start_reply(std::vector<uint8_t> data) {
    if (data.empty()) return packet_done();
    state_.operation = AtaOperation::kReply;
    state_.sectors_left = 0;
    if (packet_.dma) {
        state_.buffer = std::move(data);
        state_.position = 0;
        state_.phase = AtaPhase::kDma;
        return;
    }
    packet_.pending = std::move(data);
    next_block();
}

// A host that wants data through its register and has room for none gets an error
// that is not the packet's.
void AtapiDrive::next_block() {
    if (packet_.byte_limit == 0) {
        packet_done();
        return abort(ata::kErrorAborted);
    }
    // Only the last block may have an odd number of bytes.
    const size_t limit = std::max(packet_.byte_limit & ~1, 2);
    const size_t bytes = std::min(limit, packet_.pending.size());
    const auto end = packet_.pending.begin() + static_cast<ptrdiff_t>(bytes);
    state_.buffer.assign(packet_.pending.begin(), end);
    packet_.pending.erase(packet_.pending.begin(), end);
    if (bytes % 2 != 0) state_.buffer.push_back(0);
    state_.position = 0;
    state_.recent.lba_mid = static_cast<uint8_t>(bytes);
    state_.recent.lba_high = static_cast<uint8_t>(bytes >> 8);
    state_.recent.sector_count = kReasonToHost;
    state_.phase = AtaPhase::kDataIn;
    state_.interrupt = true;
}

void AtapiDrive::block_read() {
    if (state_.operation == AtaOperation::kIdentify) {
        state_.phase = AtaPhase::kIdle;
        state_.operation = AtaOperation::kNone;
        return command_over();
    }
    if (!packet_.pending.empty()) return next_block();
    if (state_.operation == AtaOperation::kRead) return continue_read();
    packet_done();
}

uint32_t AtapiDrive::frame_size() const {
    return packet_.frames == MmcFrames::kRaw ? mmc::kRawSize : mmc::kBlockSize;
}

uint32_t AtapiDrive::blocks_at_once() const {
    uint32_t fit = kMostBlocks;
    if (!packet_.dma) fit = std::clamp(packet_.byte_limit / frame_size(), 1u, kMostBlocks);
    return std::min(fit, state_.sectors_left);
}

void AtapiDrive::start_read(const MmcReply& reply) {
    state_.lba = reply.first;
    state_.sectors_left = reply.count;
    packet_.frames = reply.frames;
    if (packet_.dma && reply.frames == MmcFrames::kData) {
        state_.buffer.clear();
        state_.position = 0;
        state_.operation = AtaOperation::kRead;
        state_.phase = AtaPhase::kDma;
        return;
    }
    continue_read();
}

void AtapiDrive::continue_read() {
    if (state_.sectors_left == 0) return packet_done();
    state_.buffer.clear();
    state_.position = 0;
    ask(AtaOperation::kRead);
}

AtaDiskRequest AtapiDrive::request() const {
    return {AtaOperation::kRead, state_.lba * kSectorsPerBlock,
            blocks_at_once() * kSectorsPerBlock};
}

void AtapiDrive::finish_read(bool good, std::span<const std::byte> data) {
    if (state_.phase != AtaPhase::kDisk) return;
    const uint32_t blocks = blocks_at_once();
    if (!good || data.size() != size_t{blocks} * mmc::kBlockSize) {
        mmc_.fail_read();
        return packet_failed();
    }
    load_buffer(data);
    if (packet_.frames == MmcFrames::kRaw) {
        const std::vector<uint8_t> plain = std::move(state_.buffer);
        state_.buffer.clear();
        for (uint32_t i = 0; i < blocks; ++i) {
            append_raw_frame(state_.buffer, static_cast<uint32_t>(state_.lba) + i,
                             std::span(plain).subspan(i * mmc::kBlockSize, mmc::kBlockSize));
        }
    }
    state_.lba += blocks;
    state_.sectors_left -= blocks;
    if (packet_.dma) {
        state_.phase = AtaPhase::kDma;
        return;
    }
    packet_.pending = std::move(state_.buffer);
    next_block();
}

// Nothing but reads is asked of the medium.
void AtapiDrive::finish(bool) {
    if (state_.phase == AtaPhase::kDisk) packet_done();
}

std::optional<AtaDmaTransfer> AtapiDrive::dma() const {
    if (state_.phase != AtaPhase::kDma) return std::nullopt;
    if (!state_.buffer.empty()) return AtaDmaTransfer{.to_memory = true, .held = state_.buffer};
    // Of larger reads there is a next part.
    constexpr uint32_t kMost = 1u << 28;
    return AtaDmaTransfer{.to_memory = true,
                          .lba = state_.lba * kSectorsPerBlock,
                          .sectors = std::min(state_.sectors_left, kMost) * kSectorsPerBlock};
}

void AtapiDrive::dma_moved(uint32_t sectors) {
    if (state_.phase != AtaPhase::kDma) return;
    if (!state_.buffer.empty()) {
        if (state_.operation == AtaOperation::kRead) return continue_read();
        return packet_done();
    }
    const uint32_t blocks = std::min(sectors / kSectorsPerBlock, state_.sectors_left);
    state_.lba += blocks;
    state_.sectors_left -= blocks;
    if (state_.sectors_left == 0) packet_done();
}

void AtapiDrive::dma_failed() {
    if (state_.phase != AtaPhase::kDma) return;
    mmc_.fail_read();
    packet_failed();
}

AtapiState AtapiDrive::save_packet() const {
    AtapiState state = packet_;
    state.mmc = mmc_.save();
    return state;
}

namespace {

Result<void> validate_data_in(const AtaDriveState& drive, const AtapiState& packet) {
    if (drive.buffer.empty() || drive.buffer.size() % 2 != 0) {
        return fail("a data block of {} bytes", drive.buffer.size());
    }
    if (drive.operation != AtaOperation::kIdentify && packet.byte_limit == 0) {
        return fail("data without room for it");
    }
    return {};
}

bool may_be(AtaOperation operation, AtaPhase phase) {
    switch (operation) {
        case AtaOperation::kPacket: return phase == AtaPhase::kDataOut;
        case AtaOperation::kIdentify: return phase == AtaPhase::kDataIn;
        case AtaOperation::kReply:
        case AtaOperation::kRead: return phase == AtaPhase::kDataIn || phase == AtaPhase::kDma;
        default: return false;
    }
}

}  // namespace

Result<void> AtapiDrive::validate(const AtaDriveState& state) const {
    if (state.capacity != 0) return fail("there is a disk there and a CD-ROM drive here");
    TRY(validate_transfer_mode(state));
    if (state.phase == AtaPhase::kIdle) return {};
    if (state.phase == AtaPhase::kDisk) return fail("a read was in flight when it was saved");
    if (!may_be(state.operation, state.phase)) {
        return fail("phase and operation contradict each other");
    }
    if (state.lba + state.sectors_left > uint64_t{1} << 32) return fail("block {}", state.lba);
    if (state.phase == AtaPhase::kDataOut) return validate_position(state, mmc::kPacketSize);
    if (state.phase == AtaPhase::kDataIn) return validate_position(state, state.buffer.size());
    const bool plain_read = state.operation == AtaOperation::kRead && state.buffer.empty();
    if (state.buffer.empty() && (!plain_read || state.sectors_left == 0)) {
        return fail("a transfer of nothing");
    }
    return {};
}

Result<void> AtapiDrive::validate_packet(const AtaDriveState& drive,
                                         const AtapiState& packet) const {
    if (!packet.present) return fail("there is no CD-ROM drive there, but here");
    TRY(validate(drive));
    if (packet.frames > MmcFrames::kRaw) {
        return fail("frames of kind {}", static_cast<unsigned>(packet.frames));
    }
    if (drive.phase == AtaPhase::kDataIn) TRY(validate_data_in(drive, packet));
    if (drive.phase != AtaPhase::kDataIn && !packet.pending.empty()) {
        return fail("{} bytes wait for a transfer that is not going on", packet.pending.size());
    }
    if (packet.fresh && drive.phase != AtaPhase::kIdle) {
        return fail("a drive that was just reset is not at work");
    }
    return mmc_.validate(packet.mmc);
}

void AtapiDrive::restore_packet(const AtapiState& state) {
    packet_ = state;
    mmc_.restore(state.mmc);
}

}  // namespace qc::hw
