// SPDX-License-Identifier: GPL-2.0-or-later
//
// What travels between I/O APIC, local APICs and message-signalled devices.
// Source: Intel SDM vol. 3, "Advanced programmable interrupt controller".
//
// Threading: machine lock.
#pragma once

#include <cstdint>

namespace qc::hw {

// As the redirection table, the ICR and the LVT encode it.
enum class ApicDelivery : uint8_t {
    kFixed = 0,
    kLowestPriority = 1,
    kSmi = 2,
    kReserved = 3,
    kNmi = 4,
    kInit = 5,
    kStartup = 6,
    kExtInt = 7,
};
enum class ApicDestinationMode : uint8_t { kPhysical = 0, kLogical = 1 };
enum class ApicTrigger : uint8_t { kEdge = 0, kLevel = 1 };

struct ApicMessage {
    uint8_t vector = 0;
    ApicDelivery delivery = ApicDelivery::kFixed;
    ApicDestinationMode destination_mode = ApicDestinationMode::kPhysical;
    uint8_t destination = 0;
    ApicTrigger trigger = ApicTrigger::kEdge;
    bool operator==(const ApicMessage&) const = default;
};

class ApicBus {
 public:
    virtual ~ApicBus() = default;
    // True if a local APIC took the message.
    virtual bool deliver(const ApicMessage& message) = 0;
    // True if an interrupt with the message's vector is still to be taken by a processor
    // that the message is for: another one would become one with it.
    virtual bool waits(const ApicMessage& message) const = 0;
};

// An I/O APIC as the local APICs see it.
class EoiListener {
 public:
    virtual ~EoiListener() = default;
    // A processor finished serving a level-triggered interrupt.
    virtual void end_of_interrupt(uint8_t vector) = 0;
    // A processor began to serve an interrupt.
    virtual void taken(uint8_t vector) = 0;
};

}  // namespace qc::hw
