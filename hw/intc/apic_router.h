// SPDX-License-Identifier: GPL-2.0-or-later
//
// The bus between local APICs and I/O APICs: finds out which processors a message
// is for. Source: Intel SDM vol. 3, "Local and I/O APIC ... interrupt
// destination", "Interrupt distribution mechanisms".
//
// Threading: machine lock. Owned by the board; the nodes and listeners it knows
// live as long as it does.
#pragma once

#include <vector>

#include "hw/intc/apic_bus.h"
#include "hw/intc/local_apic_core.h"

namespace qc::hw {

// A local APIC as the router sees it.
class ApicNode {
 public:
    virtual ~ApicNode() = default;
    virtual bool matches(ApicDestinationMode mode, uint8_t destination) const = 0;
    // Whether it may be chosen for a lowest-priority message, and its rank then.
    virtual bool takes_interrupts() const = 0;
    virtual uint8_t processor_priority() const = 0;
    virtual bool receive(const ApicMessage& message) = 0;
    // The vector is in its IRR.
    virtual bool waits(uint8_t vector) const = 0;
};

class ApicRouter final : public ApicBus {
 public:
    void add_node(ApicNode& node) { nodes_.push_back(&node); }
    void add_eoi_listener(EoiListener& listener) { listeners_.push_back(&listener); }

    bool deliver(const ApicMessage& message) override;
    bool waits(const ApicMessage& message) const override;
    void send_ipi(ApicNode& source, const LocalApicCore::Ipi& ipi);
    void broadcast_eoi(uint8_t vector);
    void broadcast_taken(uint8_t vector);

 private:
    bool deliver_to(const std::vector<ApicNode*>& targets, const ApicMessage& message);

    std::vector<ApicNode*> nodes_;
    std::vector<EoiListener*> listeners_;
};

}  // namespace qc::hw
