// SPDX-License-Identifier: GPL-2.0-or-later
//
// The keys by which a user of a multiplexed terminal speaks to the multiplexer:
// Control-A, then a letter. Control-A twice is one for the front end.
//
// Threading: plain value.
#pragma once

#include <cstdint>
#include <string_view>

namespace qc::chardev {

enum class MuxKey : uint8_t {
    kNone,     // the first half of a command
    kData,     // a byte for the front end
    kHelp,     // h, ?
    kQuit,     // x
    kCommit,   // s
    kBreak,    // b
    kNext,     // c
    kStamps,   // t
    kUnknown,  // is ignored
};

class MuxEscape {
 public:
    static constexpr uint8_t kEscape = 1;

    MuxKey step(uint8_t byte) {
        if (!escaped_) {
            escaped_ = byte == kEscape;
            return escaped_ ? MuxKey::kNone : MuxKey::kData;
        }
        escaped_ = false;
        switch (byte) {
            case kEscape: return MuxKey::kData;
            case 'h':
            case '?': return MuxKey::kHelp;
            case 'x': return MuxKey::kQuit;
            case 's': return MuxKey::kCommit;
            case 'b': return MuxKey::kBreak;
            case 'c': return MuxKey::kNext;
            case 't': return MuxKey::kStamps;
            default: return MuxKey::kUnknown;
        }
    }

    static constexpr std::string_view kHelpText =
        "\r\n"
        "C-a h    this help\r\n"
        "C-a ?    this help\r\n"
        "C-a x    end the emulator\r\n"
        "C-a s    write the disks' changes back (where -snapshot keeps them apart)\r\n"
        "C-a b    send a break\r\n"
        "C-a c    give the terminal to the next front end\r\n"
        "C-a t    time stamps on or off\r\n"
        "C-a C-a  send C-a\r\n";

 private:
    bool escaped_ = false;
};

}  // namespace qc::chardev
