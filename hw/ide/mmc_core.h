// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a CD or DVD drive does with a packet: its commands, its tray, its sense data,
// whatever cable the packet came by. Source: MMC-3 (T10/1363D), chapters 5 and 6;
// SPC-2 (T10/1236D), chapter 7; INF-8020i for what older drivers use.
//
// A medium has one session with one track of 2048-byte blocks. The drive reads only,
// and plays no audio.
//
//             move_tray(), START STOP UNIT
//   tray shut <----------------------------> tray open
//     | with a medium: ready; a medium that came is first told of by a unit
//     | attention and by an event
//
// It does no I/O: a read is answered with which blocks are wanted, and how.
//
// Threading: caller locks. Owned by AtapiDrive.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "util/result.h"

namespace qc::hw {

namespace mmc {
inline constexpr size_t kPacketSize = 12;
inline constexpr uint32_t kBlockSize = 2048;
// With synchronisation, header and the room for error correction.
inline constexpr uint32_t kRawSize = 2352;
}  // namespace mmc

struct MmcSense {
    uint8_t key = 0;
    uint8_t code = 0;
    uint8_t qualifier = 0;

    bool operator==(const MmcSense&) const = default;
    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("key", s.key);
        v("code", s.code);
        v("qualifier", s.qualifier);
    }
};

namespace mmc {
inline constexpr MmcSense kNoMediumTrayShut = {2, 0x3a, 0x01};
inline constexpr MmcSense kNoMediumTrayOpen = {2, 0x3a, 0x02};
inline constexpr MmcSense kReadError = {3, 0x11, 0x00};
inline constexpr MmcSense kNoSuchCommand = {5, 0x20, 0x00};
inline constexpr MmcSense kPastEnd = {5, 0x21, 0x00};
inline constexpr MmcSense kInvalidField = {5, 0x24, 0x00};
inline constexpr MmcSense kWrongFormat = {5, 0x30, 0x02};
inline constexpr MmcSense kNothingSaved = {5, 0x39, 0x00};
inline constexpr MmcSense kRemovalPrevented = {5, 0x53, 0x02};
inline constexpr MmcSense kIllegalMode = {5, 0x64, 0x00};
inline constexpr MmcSense kMediumChanged = {6, 0x28, 0x00};
}  // namespace mmc

enum class MmcEvent : uint8_t { kNone, kEjectRequest, kNewMedium, kRemoval };

struct MmcState {
    bool tray_open = false;
    bool locked = false;
    bool attention = false;  // the medium may be another one: nobody was told yet
    MmcEvent event = MmcEvent::kNone;
    MmcSense sense;
    uint32_t blocks = 0;  // of the medium; 0: none, or saved while the tray is open

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("tray_open", s.tray_open);
        v("locked", s.locked);
        v("attention", s.attention);
        v("event", s.event);
        v("sense", s.sense);
        v("blocks", s.blocks);
    }
};

enum class MmcFrames : uint8_t { kData, kRaw };

// The answer to a packet. A failure has set the sense data.
struct MmcReply {
    enum class Kind : uint8_t { kDone, kData, kRead, kFailed };
    Kind kind = Kind::kDone;
    std::vector<uint8_t> data;  // kData; may be empty
    // kRead: blocks that exist, at least one.
    uint32_t first = 0;
    uint32_t count = 0;
    MmcFrames frames = MmcFrames::kData;
};

class MmcCore {
 public:
    using Packet = std::span<const uint8_t, mmc::kPacketSize>;
    struct Config {
        std::string model = "QEMU DVD-ROM";  // 16 characters of it are shown
        std::string version = "2.5+";        // 4
        std::string serial;
    };
    explicit MmcCore(Config config) : config_(std::move(config)) {}

    // The bus's reset: the door's lock and what was to be told are forgotten, the tray
    // stays where it is.
    void reset();

    MmcReply execute(Packet packet);
    // A read of blocks that execute() asked for failed.
    void fail_read();
    const MmcSense& sense() const { return state_.sense; }

    // The host's side. The tray obeys, locked or not.
    bool tray_open() const { return state_.tray_open; }
    bool locked() const { return state_.locked; }
    void move_tray(bool open);
    void request_eject() { state_.event = MmcEvent::kEjectRequest; }
    // A medium of so many blocks; 0: none. The guest is told, unless the machine is
    // being built.
    void insert(uint32_t blocks) { state_.blocks = blocks; }
    void change_medium(uint32_t blocks);
    // The guest moved the tray since this was asked last.
    bool take_tray_moved();

    MmcState save() const;
    // Another medium fits only behind an open tray.
    Result<void> validate(const MmcState& state) const;
    void restore(const MmcState& state);

 private:
    struct Command;
    static const Command* find_command(uint8_t opcode);

    bool ready() const { return !state_.tray_open && state_.blocks != 0; }
    bool is_dvd() const;
    MmcReply fail(const MmcSense& sense);
    static MmcReply reply(std::vector<uint8_t> data, size_t limit);
    MmcReply read(uint64_t first, uint64_t count, MmcFrames frames);
    MmcReply read_frames(uint64_t first, uint64_t count, Packet packet);
    MmcReply mode_sense(unsigned page, unsigned control, size_t header, size_t limit);

    MmcReply run_done(Packet packet);
    MmcReply run_request_sense(Packet packet);
    MmcReply run_inquiry(Packet packet);
    MmcReply run_mode_sense_6(Packet packet);
    MmcReply run_mode_sense_10(Packet packet);
    MmcReply run_start_stop(Packet packet);
    MmcReply run_prevent_removal(Packet packet);
    MmcReply run_read_capacity(Packet packet);
    MmcReply run_read_10(Packet packet);
    MmcReply run_read_12(Packet packet);
    MmcReply run_seek(Packet packet);
    MmcReply run_read_toc(Packet packet);
    MmcReply run_get_configuration(Packet packet);
    MmcReply run_get_event(Packet packet);
    MmcReply run_read_disc_information(Packet packet);
    MmcReply run_read_dvd_structure(Packet packet);
    MmcReply run_mechanism_status(Packet packet);
    MmcReply run_read_cd(Packet packet);
    MmcReply run_read_cd_msf(Packet packet);

    const Config config_;
    MmcState state_;
    bool tray_moved_ = false;
};

// One frame as READ CD gives it: 2352 bytes around a block's 2048. Error detection
// and correction codes are zeros, as nobody behind a packet interface looks at them.
void append_raw_frame(std::vector<uint8_t>& out, uint32_t block, std::span<const uint8_t> data);

}  // namespace qc::hw
