// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/telnet_fsm.h"

namespace qc::chardev {

namespace {

enum Command : uint8_t {
    kSubEnd = 240,
    kBreak = 243,
    kSubBegin = 250,
    kWill = 251,
    kWont = 252,
    kDo = 253,
    kDont = 254,
};

enum Option : uint8_t { kBinary = 0, kEcho = 1, kSuppressGoAhead = 3 };

void append(std::string& text, uint8_t verb, uint8_t option) {
    text += static_cast<char>(TelnetFsm::kIac);
    text += static_cast<char>(verb);
    text += static_cast<char>(option);
}

}  // namespace

std::string TelnetFsm::greeting() {
    std::string text;
    append(text, kWill, kEcho);
    append(text, kWill, kSuppressGoAhead);
    append(text, kWill, kBinary);
    append(text, kDo, kBinary);
    return text;
}

size_t TelnetFsm::decode(std::span<std::byte> data) {
    size_t kept = 0;
    for (const std::byte byte : data) {
        if (step(static_cast<uint8_t>(byte))) data[kept++] = byte;
    }
    return kept;
}

bool TelnetFsm::step(uint8_t byte) {
    switch (state_) {
        case State::kData: return data_byte(byte);
        case State::kCommand:
            // A doubled IAC is one in the data.
            state_ = State::kData;
            if (byte == kIac) return true;
            command(byte);
            return false;
        case State::kOption:
            state_ = State::kData;
            option(byte);
            return false;
        case State::kSub:
            if (byte == kIac) state_ = State::kSubIac;
            return false;
        case State::kSubIac: state_ = byte == kSubEnd ? State::kData : State::kSub; return false;
    }
    return false;
}

bool TelnetFsm::data_byte(uint8_t byte) {
    if (byte == kIac) {
        state_ = State::kCommand;
        return false;
    }
    // Without eight bits a zero only fills the place after a carriage return.
    const bool filler = after_return_ && byte == 0 && !binary_;
    after_return_ = byte == '\r';
    return !filler;
}

void TelnetFsm::command(uint8_t byte) {
    if (byte >= kWill && byte <= kDont) {
        verb_ = byte;
        state_ = State::kOption;
    } else if (byte == kSubBegin) {
        state_ = State::kSub;
    } else if (byte == kBreak) {
        ++breaks_;
    }
}

void TelnetFsm::option(uint8_t byte) {
    const bool ours = byte == kBinary || byte == kEcho || byte == kSuppressGoAhead;
    if (byte == kBinary && verb_ == kWill) {
        binary_ = true;
    } else if (byte == kBinary && verb_ == kWont) {
        binary_ = false;
    } else if (verb_ == kWill) {
        refuse(refused_will_, kDont, byte);
    } else if (verb_ == kDo && !ours) {
        refuse(refused_do_, kWont, byte);
    }
}

void TelnetFsm::refuse(std::bitset<256>& done, uint8_t verb, uint8_t option) {
    if (done[option]) return;
    done[option] = true;
    append(reply_, verb, option);
}

}  // namespace qc::chardev
