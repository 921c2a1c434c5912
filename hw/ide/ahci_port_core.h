// SPDX-License-Identifier: GPL-2.0-or-later
//
// The core of one AHCI port: its registers, and which command is next. Source:
// Serial ATA AHCI 1.3.1, sections 3.3 and 5.3.
//
//             FRE: the device's signature arrives
//   kNoDevice ----> link up --ST--> running --task file error--> halted
//                      ^               |                            |
//                      +----- ST = 0 --+----------- ST = 0 ---------+
//
// It does no I/O and knows no memory: the shell fetches commands, carries them out
// and says what came of them.
//
// Threading: caller locks. Owned by AhciPort.
#pragma once

#include <cstdint>
#include <optional>

#include "hw/ide/ahci_fis.h"
#include "util/result.h"

namespace qc::hw {

namespace ahci {
// Offsets of a port's registers.
inline constexpr unsigned kClb = 0x00;
inline constexpr unsigned kClbu = 0x04;
inline constexpr unsigned kFb = 0x08;
inline constexpr unsigned kFbu = 0x0c;
inline constexpr unsigned kPortIs = 0x10;
inline constexpr unsigned kPortIe = 0x14;
inline constexpr unsigned kCmd = 0x18;
inline constexpr unsigned kTfd = 0x20;
inline constexpr unsigned kSig = 0x24;
inline constexpr unsigned kSsts = 0x28;
inline constexpr unsigned kSctl = 0x2c;
inline constexpr unsigned kSerr = 0x30;
inline constexpr unsigned kSact = 0x34;
inline constexpr unsigned kCi = 0x38;

// Interrupt status and enable.
inline constexpr uint32_t kIsRegister = 1u << 0;
inline constexpr uint32_t kIsPioSetup = 1u << 1;
inline constexpr uint32_t kIsDeviceBits = 1u << 3;
inline constexpr uint32_t kIsConnect = 1u << 6;
inline constexpr uint32_t kIsPhyReady = 1u << 22;
inline constexpr uint32_t kIsOverflow = 1u << 24;
inline constexpr uint32_t kIsInterfaceFatal = 1u << 27;
inline constexpr uint32_t kIsHostBusFatal = 1u << 29;
inline constexpr uint32_t kIsTaskFile = 1u << 30;

inline constexpr uint32_t kCmdStart = 1u << 0;
inline constexpr uint32_t kCmdFisReceive = 1u << 4;
inline constexpr uint32_t kCmdFisRunning = 1u << 14;
inline constexpr uint32_t kCmdListRunning = 1u << 15;
}  // namespace ahci

struct AhciPortRegisters {
    uint64_t command_list = 0;
    uint64_t received_fis = 0;
    uint32_t interrupt_status = 0;
    uint32_t interrupt_enable = 0;
    uint32_t command = 0;  // what the guest wrote; the rest of PxCMD follows from it
    uint32_t task_file = 0;
    uint32_t signature = 0;
    uint32_t control = 0;
    uint32_t error = 0;
    uint32_t active = 0;
    uint32_t issued = 0;
    uint8_t slot = 0;  // the last command fetched
    uint8_t next_slot = 0;
    bool halted = false;
    // The device's first frame waits for somewhere to go.
    bool signature_waits = false;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("command_list", s.command_list);
        v("received_fis", s.received_fis);
        v("interrupt_status", s.interrupt_status);
        v("interrupt_enable", s.interrupt_enable);
        v("command", s.command);
        v("task_file", s.task_file);
        v("signature", s.signature);
        v("control", s.control);
        v("error", s.error);
        v("active", s.active);
        v("issued", s.issued);
        v("slot", s.slot);
        v("next_slot", s.next_slot);
        v("halted", s.halted);
        v("signature_waits", s.signature_waits);
    }
};

class AhciPortCore {
 public:
    // What a write asks of the shell.
    struct Effects {
        bool forget = false;        // what is in flight is void
        bool reset_device = false;  // COMRESET
        bool run = false;           // there may be something to do
    };

    AhciPortCore() { reset(); }
    void set_present() { present_ = true; }
    bool present() const { return present_; }
    void reset();

    uint32_t read(unsigned offset) const;
    Effects write(unsigned offset, uint32_t value);

    bool interrupt() const { return (state_.interrupt_status & state_.interrupt_enable) != 0; }
    void raise(uint32_t bits) { state_.interrupt_status |= bits; }

    // The command to carry out next, if the port may start one now. Fetching it makes
    // it the current one.
    std::optional<unsigned> fetch_slot();
    uint64_t header_address(unsigned slot) const;
    // Where frames of the device go; nothing while they are not received.
    std::optional<uint64_t> fis_address() const;

    void set_task_file(uint8_t status, uint8_t error) {
        state_.task_file = static_cast<uint32_t>(error) << 8 | status;
    }
    // The device's first frame, to be sent now; its signature goes into the register.
    bool take_signature(uint32_t signature);
    // A command left the list.
    void command_done(unsigned slot) { state_.issued &= ~(1u << slot); }
    bool queued(unsigned tag) const { return (state_.active >> tag & 1) != 0; }
    void queued_done(uint32_t tags) { state_.active &= ~tags; }
    // No further command until ST has been cleared.
    void halt(uint32_t interrupt_bits);

    const AhciPortRegisters& state() const { return state_; }
    Result<void> validate(const AhciPortRegisters& state) const;
    void restore(const AhciPortRegisters& state) { state_ = state; }

 private:
    uint32_t command_register() const;
    uint32_t link_status() const;
    void write_command(uint32_t value, Effects& effects);
    void write_control(uint32_t value, Effects& effects);
    void stop();

    bool present_ = false;
    AhciPortRegisters state_;
};

}  // namespace qc::hw
