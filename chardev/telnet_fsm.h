// SPDX-License-Identifier: GPL-2.0-or-later
//
// The telnet protocol (RFC 854, 855, 856, 857, 858) of a server or client that
// passes bytes: commands are taken out of the input, options that it does not have
// are refused, each once, so that two sides never refuse in a circle.
//
//   data --IAC--> command --WILL, WONT, DO, DONT--> option --any--> data
//    ^               |  \--SB--> subnegotiation <--> IAC in it --SE--> data
//    +---any other---+
//
// Threading: plain value.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace qc::chardev {

class TelnetFsm {
 public:
    static constexpr uint8_t kIac = 255;

    // What is sent first: that the input is echoed and that bytes have eight bits.
    static std::string greeting();

    // Takes the protocol out of `data`; what it carried is left at its front. Returns
    // how many bytes that are.
    size_t decode(std::span<std::byte> data);
    // What is to be sent because of it.
    std::string take_reply() { return std::exchange(reply_, {}); }
    // How many breaks were in the input since the last call.
    unsigned take_breaks() { return std::exchange(breaks_, 0); }

 private:
    enum class State : uint8_t { kData, kCommand, kOption, kSub, kSubIac };

    // True if `byte` is data, which may have been changed.
    bool step(uint8_t byte);
    bool data_byte(uint8_t byte);
    void command(uint8_t byte);
    void option(uint8_t byte);
    void refuse(std::bitset<256>& done, uint8_t verb, uint8_t option);

    State state_ = State::kData;
    uint8_t verb_ = 0;
    bool binary_ = false;  // the peer sends eight bits, and carriage returns bare
    bool after_return_ = false;
    unsigned breaks_ = 0;
    std::string reply_;
    std::bitset<256> refused_will_;
    std::bitset<256> refused_do_;
};

}  // namespace qc::chardev
