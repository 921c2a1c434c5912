// SPDX-License-Identifier: GPL-2.0-or-later
//
// Any register accesses and any descriptors for the AHCI controller, with its disk
// answering, failing and lagging: the process lives, no memory outside of the
// guest's is touched, and the state can be migrated whenever nothing is in flight.
//
// An input is a list of steps of eight bytes: what, where, and a value.
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <span>

#include "hw/ide/ahci_test_guest.h"

namespace {

using namespace qc;
using namespace qc::hw;

constexpr size_t kStep = 8;
constexpr size_t kMaxSteps = 256;

void check_state(AhciGuest& source, AhciGuest& target) {
    const AhciState state = source.ahci.save();
    if (!source.disk.waiting.empty()) return;
    if (!target.ahci.validate(state)) std::abort();
    target.ahci.restore(state);
    if (target.interrupt() != source.interrupt()) std::abort();
}

void step(AhciGuest& guest, AhciGuest& other, std::span<const uint8_t, kStep> bytes) {
    uint32_t value = 0;
    std::memcpy(&value, bytes.data() + 4, sizeof(value));
    const unsigned where = bytes[1] | static_cast<unsigned>(bytes[2]) << 8;
    const unsigned slot = bytes[3] % ahci::kSlots;
    switch (bytes[0] % 12) {
        case 0: guest.set_port(where % 0x80 & ~3u, value); break;
        case 1: guest.put(AhciGuest::kRegisters + where % 0x1000, value); break;
        case 2: (void)guest.get(AhciGuest::kRegisters + where % 0x1000); break;
        case 3: guest.header(slot, where % 9, 2 + bytes[3] % 6); break;
        case 4: guest.region(slot, where % 8, value, 1 + value % 0x20000); break;
        case 5:
            guest.fis(slot, bytes[1], value % 5000, bytes[2], bytes[3]);
            guest.issue(slot);
            break;
        case 6: guest.queued(slot, 0x60 | (bytes[1] & 1), value % 5000, bytes[2], bytes[3]); break;
        case 7:
            guest.disk.error = bytes[1] % 4 == 0 ? EIO : 0;
            guest.disk.complete();
            check_state(guest, other);
            break;
        case 8: guest.put(AhciGuest::kList + where % 0x4000, value); break;
        case 9: guest.ahci.config_write(static_cast<uint8_t>(where & 0xfc), 4, value); break;
        case 10:
            guest.map();
            guest.start_port();
            break;
        case 11: guest.ahci.reset(); break;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    AhciGuest guest, other;
    guest.start_port();
    const std::span input(data, size);
    for (size_t i = 0; i < kMaxSteps && (i + 1) * kStep <= size; ++i)
        step(guest, other, input.subspan(i * kStep).first<kStep>());
    guest.disk.error = 0;
    guest.disk.complete();
    check_state(guest, other);
    return 0;
}
