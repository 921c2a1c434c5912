// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/mmc_core.h"

#include <algorithm>

#include "hw/ide/mmc_tables.h"
#include "util/checked.h"

namespace qc::hw {

using namespace mmc;

namespace {

uint32_t be(std::span<const uint8_t> bytes) {
    uint32_t value = 0;
    for (uint8_t byte : bytes)
        value = value << 8 | byte;
    return value;
}

// Minutes, seconds and 75ths of them, from the start of the disc's first pause.
uint64_t block_of_msf(std::span<const uint8_t> msf) {
    return (uint64_t{msf[0]} * 60 + msf[1]) * 75 + msf[2];
}

constexpr uint64_t kPauseFrames = 150;
constexpr uint8_t kPassesAttention = 1;
constexpr uint8_t kNeedsMedium = 2;

}  // namespace

struct MmcCore::Command {
    uint8_t opcode;
    uint8_t flags;
    MmcReply (MmcCore::*run)(Packet);
};

const MmcCore::Command* MmcCore::find_command(uint8_t opcode) {
    static constexpr Command kCommands[] = {
        {0x00, kNeedsMedium, &MmcCore::run_done},  // TEST UNIT READY
        {0x03, kPassesAttention, &MmcCore::run_request_sense},
        {0x12, kPassesAttention, &MmcCore::run_inquiry},
        {0x1a, 0, &MmcCore::run_mode_sense_6},
        {0x1b, 0, &MmcCore::run_start_stop},
        {0x1e, 0, &MmcCore::run_prevent_removal},
        {0x25, kNeedsMedium, &MmcCore::run_read_capacity},
        {0x28, kNeedsMedium, &MmcCore::run_read_10},
        {0x2b, kNeedsMedium, &MmcCore::run_seek},
        {0x43, kNeedsMedium, &MmcCore::run_read_toc},
        {0x46, kPassesAttention, &MmcCore::run_get_configuration},
        {0x4a, kPassesAttention, &MmcCore::run_get_event},
        {0x51, kNeedsMedium, &MmcCore::run_read_disc_information},
        {0x5a, 0, &MmcCore::run_mode_sense_10},
        {0xa8, kNeedsMedium, &MmcCore::run_read_12},
        {0xad, kNeedsMedium, &MmcCore::run_read_dvd_structure},
        {0xb9, kNeedsMedium, &MmcCore::run_read_cd_msf},
        {0xbb, 0, &MmcCore::run_done},  // SET CD SPEED
        {0xbd, 0, &MmcCore::run_mechanism_status},
        {0xbe, kNeedsMedium, &MmcCore::run_read_cd},
    };
    const auto* found = std::ranges::find(kCommands, opcode, &Command::opcode);
    return found == std::end(kCommands) ? nullptr : found;
}

void MmcCore::reset() {
    state_.locked = false;
    state_.attention = false;
    state_.event = MmcEvent::kNone;
    state_.sense = {};
}

bool MmcCore::is_dvd() const {
    return state_.blocks > kMaxCdBlocks;
}

MmcReply MmcCore::fail(const MmcSense& sense) {
    state_.sense = sense;
    return {.kind = MmcReply::Kind::kFailed, .data = {}};
}

// What the guest left no room for is cut off, silently, as the standards have it.
MmcReply MmcCore::reply(std::vector<uint8_t> data, size_t limit) {
    if (data.size() > limit) data.resize(limit);
    return {.kind = MmcReply::Kind::kData, .data = std::move(data)};
}

MmcReply MmcCore::execute(Packet packet) {
    const Command* command = find_command(packet[0]);
    // Sense data is that of the command before, until the next one.
    if (packet[0] != 0x03) state_.sense = {};
    if (command == nullptr) return fail(kNoSuchCommand);
    if (state_.attention && (command->flags & kPassesAttention) == 0) {
        state_.attention = false;
        return fail(kMediumChanged);
    }
    if ((command->flags & kNeedsMedium) != 0 && !ready()) {
        return fail(state_.tray_open ? kNoMediumTrayOpen : kNoMediumTrayShut);
    }
    return (this->*command->run)(packet);
}

void MmcCore::fail_read() {
    if (ready()) {
        fail(kReadError);
    } else {
        fail(state_.tray_open ? kNoMediumTrayOpen : kNoMediumTrayShut);
    }
}

MmcReply MmcCore::run_done(Packet) {
    return {};
}

MmcReply MmcCore::run_request_sense(Packet packet) {
    if (state_.sense == MmcSense{} && state_.attention) {
        state_.attention = false;
        state_.sense = kMediumChanged;
    }
    std::vector<uint8_t> data(18);
    data[0] = 0x70;  // this command's, in the fixed format
    data[2] = state_.sense.key;
    data[7] = 10;
    data[12] = state_.sense.code;
    data[13] = state_.sense.qualifier;
    state_.sense = {};
    return reply(std::move(data), packet[4]);
}

MmcReply MmcCore::run_inquiry(Packet packet) {
    const size_t limit = be(packet.subspan<3, 2>());
    if ((packet[1] & 1) == 0) {
        if (packet[2] != 0) return fail(kInvalidField);
        return reply(inquiry_data(config_.model, config_.version), limit);
    }
    auto page = vital_product_page(packet[2], config_.serial);
    if (page.empty()) return fail(kInvalidField);
    return reply(std::move(page), limit);
}

MmcReply MmcCore::mode_sense(unsigned page, unsigned control, size_t header, size_t limit) {
    constexpr unsigned kSaved = 3;
    if (control == kSaved) return fail(kNothingSaved);
    // Nothing can be changed: the mask of what can is zeros.
    constexpr unsigned kChangeable = 1;
    auto pages = mode_pages(page, state_.locked, control == kChangeable);
    if (pages.empty()) return fail(kInvalidField);
    std::vector<uint8_t> data(header);
    data.insert(data.end(), pages.begin(), pages.end());
    constexpr uint8_t kNoDisc = 0x70;
    constexpr uint8_t kDataDisc = 0x01;
    const uint8_t medium = ready() ? kDataDisc : kNoDisc;
    if (header == 4) {
        data[0] = static_cast<uint8_t>(data.size() - 1);
        data[1] = medium;
    } else {
        data[1] = static_cast<uint8_t>(data.size() - 2);
        data[2] = medium;
    }
    return reply(std::move(data), limit);
}

MmcReply MmcCore::run_mode_sense_6(Packet packet) {
    if (packet[3] != 0) return fail(kInvalidField);
    return mode_sense(packet[2] & 0x3f, packet[2] >> 6, 4, packet[4]);
}

MmcReply MmcCore::run_mode_sense_10(Packet packet) {
    if (packet[3] != 0) return fail(kInvalidField);
    return mode_sense(packet[2] & 0x3f, packet[2] >> 6, 8, be(packet.subspan<7, 2>()));
}

MmcReply MmcCore::run_start_stop(Packet packet) {
    const bool load_eject = (packet[4] & 2) != 0;
    const bool start = (packet[4] & 1) != 0;
    const bool power_condition = (packet[4] & 0xf0) != 0;
    // The disc turns whenever it has to.
    if (power_condition || !load_eject || start != state_.tray_open) return {};
    if (!start && state_.locked) return fail(kRemovalPrevented);
    move_tray(!start);
    tray_moved_ = true;
    return {};
}

MmcReply MmcCore::run_prevent_removal(Packet packet) {
    state_.locked = (packet[4] & 1) != 0;
    return {};
}

MmcReply MmcCore::run_read_capacity(Packet) {
    std::vector<uint8_t> data;
    append_be(data, 4, state_.blocks - 1);
    append_be(data, 4, kBlockSize);
    return reply(std::move(data), 8);
}

MmcReply MmcCore::read(uint64_t first, uint64_t count, MmcFrames frames) {
    if (!range_fits<uint64_t>(first, count, state_.blocks)) return fail(kPastEnd);
    if (count == 0) return {};
    return {.kind = MmcReply::Kind::kRead,
            .data = {},
            .first = static_cast<uint32_t>(first),
            .count = static_cast<uint32_t>(count),
            .frames = frames};
}

MmcReply MmcCore::run_read_10(Packet packet) {
    return read(be(packet.subspan<2, 4>()), be(packet.subspan<7, 2>()), MmcFrames::kData);
}

MmcReply MmcCore::run_read_12(Packet packet) {
    return read(be(packet.subspan<2, 4>()), be(packet.subspan<6, 4>()), MmcFrames::kData);
}

MmcReply MmcCore::run_seek(Packet packet) {
    return be(packet.subspan<2, 4>()) < state_.blocks ? MmcReply{} : fail(kPastEnd);
}

// READ CD, in either addressing: which part of the frames, if any.
MmcReply MmcCore::read_frames(uint64_t first, uint64_t count, Packet packet) {
    constexpr unsigned kAny = 0;
    constexpr unsigned kMode1 = 2;
    const unsigned expected = packet[1] >> 2 & 7;
    if (expected != kAny && expected != kMode1) return fail(kIllegalMode);
    if ((packet[10] & 7) != 0) return fail(kInvalidField);  // subchannels
    switch (packet[9] & 0xf8) {
        case 0x00: {
            MmcReply checked = read(first, count, MmcFrames::kData);
            return checked.kind == MmcReply::Kind::kRead ? MmcReply{} : checked;
        }
        case 0x10: return read(first, count, MmcFrames::kData);
        case 0xf8: return read(first, count, MmcFrames::kRaw);
        default: return fail(kInvalidField);
    }
}

MmcReply MmcCore::run_read_cd(Packet packet) {
    return read_frames(be(packet.subspan<2, 4>()), be(packet.subspan<6, 3>()), packet);
}

MmcReply MmcCore::run_read_cd_msf(Packet packet) {
    const uint64_t start = block_of_msf(packet.subspan<3, 3>());
    const uint64_t end = block_of_msf(packet.subspan<6, 3>());
    if (start < kPauseFrames || end < start) return fail(kPastEnd);
    return read_frames(start - kPauseFrames, end - start, packet);
}

MmcReply MmcCore::run_read_toc(Packet packet) {
    // Older drivers put the format into the last byte's upper bits.
    const unsigned format = (packet[2] & 0x0f) != 0 ? packet[2] & 0x0fu : packet[9] >> 6;
    auto data = table_of_contents(format, packet[6], (packet[1] & 2) != 0, state_.blocks);
    if (data.empty()) return fail(kInvalidField);
    return reply(std::move(data), be(packet.subspan<7, 2>()));
}

MmcReply MmcCore::run_get_configuration(Packet packet) {
    const unsigned which = packet[1] & 3;
    if (which == 3) return fail(kInvalidField);
    const MmcProfile profile = !ready()   ? MmcProfile::kNone
                               : is_dvd() ? MmcProfile::kDvdRom
                                          : MmcProfile::kCdRom;
    return reply(configuration(which, be(packet.subspan<2, 2>()), profile),
                 be(packet.subspan<7, 2>()));
}

MmcReply MmcCore::run_get_event(Packet packet) {
    constexpr uint8_t kMediaClass = 4;
    constexpr uint8_t kNoEvents = 0x80;
    constexpr uint8_t kSupported = 1 << kMediaClass;
    // A drive that waits with its answer is not one of this kind.
    if ((packet[1] & 1) == 0) return fail(kInvalidField);
    const size_t limit = be(packet.subspan<7, 2>());
    if ((packet[4] & kSupported) == 0) return reply({0, 2, kNoEvents, kSupported}, limit);
    // Event codes have MmcEvent's numbers.
    const auto code = static_cast<uint8_t>(state_.event);
    const auto status = static_cast<uint8_t>((state_.tray_open ? 1 : 0) | (ready() ? 2 : 0));
    // Told is what arrives.
    if (limit > 4) state_.event = MmcEvent::kNone;
    return reply({0, 6, kMediaClass, kSupported, code, status, 0, 0}, limit);
}

MmcReply MmcCore::run_read_disc_information(Packet packet) {
    if ((packet[1] & 7) != 0) return fail(kInvalidField);
    std::vector<uint8_t> data(34);
    data[1] = 32;
    data[2] = 0x0e;  // the last session is complete, and so is the disc
    data[3] = 1;     // the first track
    data[4] = 1;     // sessions
    data[5] = 1;     // the last session's first and last track
    data[6] = 1;
    data[7] = 0x20;  // no restriction of use
    return reply(std::move(data), be(packet.subspan<7, 2>()));
}

MmcReply MmcCore::run_read_dvd_structure(Packet packet) {
    if (!is_dvd()) return fail(kWrongFormat);
    auto data = dvd_structure(packet[7], packet[6], state_.blocks);
    if (data.empty()) return fail(kInvalidField);
    return reply(std::move(data), be(packet.subspan<8, 2>()));
}

MmcReply MmcCore::run_mechanism_status(Packet packet) {
    std::vector<uint8_t> data(8);
    if (state_.tray_open) data[1] = 0x10;
    data[5] = 1;  // one slot
    return reply(std::move(data), be(packet.subspan<8, 2>()));
}

void MmcCore::move_tray(bool open) {
    if (state_.tray_open == open) return;
    state_.tray_open = open;
    if (open) {
        state_.locked = false;
        state_.attention = false;
        state_.event = MmcEvent::kRemoval;
    } else if (state_.blocks != 0) {
        state_.attention = true;
        state_.event = MmcEvent::kNewMedium;
    }
}

void MmcCore::change_medium(uint32_t blocks) {
    state_.blocks = blocks;
    if (state_.tray_open) return;
    state_.attention = blocks != 0;
    state_.event = blocks != 0 ? MmcEvent::kNewMedium : MmcEvent::kRemoval;
}

bool MmcCore::take_tray_moved() {
    return std::exchange(tray_moved_, false);
}

// What lies in an open tray is its host's matter until the tray is shut: the hosts of a
// pair change it one after the other.
MmcState MmcCore::save() const {
    MmcState state = state_;
    if (state.tray_open) state.blocks = 0;
    return state;
}

Result<void> MmcCore::validate(const MmcState& state) const {
    if (state.event > MmcEvent::kRemoval) {
        return qc::fail("media event {}", static_cast<unsigned>(state.event));
    }
    if (state.sense.key > 0x0f) return qc::fail("sense key {:#x}", state.sense.key);
    if (state.tray_open || state.blocks == state_.blocks) return {};
    return qc::fail("the medium in the drive has {} blocks there and {} here", state.blocks,
                    state_.blocks);
}

void MmcCore::restore(const MmcState& state) {
    const uint32_t blocks = state_.blocks;
    state_ = state;
    // The medium is this host's, also where the other's was another one.
    state_.blocks = blocks;
    tray_moved_ = false;
}

void append_raw_frame(std::vector<uint8_t>& out, uint32_t block, std::span<const uint8_t> data) {
    const size_t end = out.size() + kRawSize;
    out.push_back(0x00);
    out.insert(out.end(), 10, 0xff);
    out.push_back(0x00);
    for (uint8_t part : msf_of_block(block))
        out.push_back(static_cast<uint8_t>(part / 10 << 4 | part % 10));
    out.push_back(1);  // mode 1
    out.insert(out.end(), data.begin(), data.end());
    out.resize(end);
}

}  // namespace qc::hw
