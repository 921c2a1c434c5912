// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/intc/apic_router.h"

#include <algorithm>

namespace qc::hw {

// Of several processors with the same priority the first is taken.
bool ApicRouter::deliver_to(const std::vector<ApicNode*>& targets, const ApicMessage& message) {
    if (message.delivery == ApicDelivery::kLowestPriority) {
        ApicNode* chosen = nullptr;
        for (ApicNode* node : targets) {
            if (!node->takes_interrupts()) continue;
            if (chosen == nullptr || node->processor_priority() < chosen->processor_priority()) {
                chosen = node;
            }
        }
        return chosen != nullptr && chosen->receive(message);
    }
    bool accepted = false;
    for (ApicNode* node : targets)
        accepted |= node->receive(message);
    return accepted;
}

bool ApicRouter::deliver(const ApicMessage& message) {
    std::vector<ApicNode*> targets;
    for (ApicNode* node : nodes_) {
        if (node->matches(message.destination_mode, message.destination)) targets.push_back(node);
    }
    return deliver_to(targets, message);
}

bool ApicRouter::waits(const ApicMessage& message) const {
    return std::ranges::any_of(nodes_, [&](const ApicNode* node) {
        return node->matches(message.destination_mode, message.destination) &&
               node->waits(message.vector);
    });
}

void ApicRouter::send_ipi(ApicNode& source, const LocalApicCore::Ipi& ipi) {
    using Shorthand = LocalApicCore::Shorthand;
    switch (ipi.shorthand) {
        case Shorthand::kNone: deliver(ipi.message); return;
        case Shorthand::kSelf: deliver_to({&source}, ipi.message); return;
        case Shorthand::kAll: deliver_to(nodes_, ipi.message); return;
        case Shorthand::kOthers: {
            std::vector<ApicNode*> others = nodes_;
            std::erase(others, &source);
            deliver_to(others, ipi.message);
            return;
        }
    }
}

void ApicRouter::broadcast_eoi(uint8_t vector) {
    for (EoiListener* listener : listeners_)
        listener->end_of_interrupt(vector);
}

void ApicRouter::broadcast_taken(uint8_t vector) {
    for (EoiListener* listener : listeners_)
        listener->taken(vector);
}

}  // namespace qc::hw
