// SPDX-License-Identifier: GPL-2.0-or-later
//
// Any descriptors, rings and register accesses for a virtio disk on PCI, split and
// packed, with its disk answering, failing and lagging: the process lives, no memory
// outside of the guest's is touched, and the state can be migrated whenever nothing
// is in flight.
//
// An input is a byte that chooses the kind of rings, then steps of eight bytes: what,
// where, and a value.
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <span>

#include "hw/virtio/virtio_test_guest.h"

namespace {

using namespace qc;
using namespace qc::hw;

constexpr size_t kStep = 8;
constexpr size_t kMaxSteps = 256;

void check_state(BlkGuest& source, BlkGuest& target) {
    if (!source.disk.waiting.empty()) return;
    const VirtioBlkPciState state = source.blk.save();
    if (!target.blk.validate(state)) std::abort();
    target.blk.restore(state);
    if (target.interrupt() != source.interrupt()) std::abort();
}

void answer(BlkGuest& guest, BlkGuest& other, int error) {
    guest.disk.error = error;
    guest.disk.complete();
    check_state(guest, other);
}

void step(BlkGuest& guest, BlkGuest& other, bool packed, std::span<const uint8_t, kStep> bytes) {
    uint32_t value = 0;
    std::memcpy(&value, bytes.data() + 4, sizeof(value));
    const unsigned where = bytes[1] | static_cast<unsigned>(bytes[2]) << 8;
    const unsigned small = bytes[3];
    const auto slot = static_cast<uint16_t>(small % BlkGuest::kRingSize);
    const auto flags = static_cast<uint16_t>(bytes[1] % 8);
    // Buffers in the headers, the rings, the data, nowhere.
    const uint64_t address = (bytes[2] % 4 == 3 ? uint64_t{value} << 32 : 0) + value % 0x900000;
    switch (bytes[0] % 14) {
        case 0: guest.put(BlkGuest::kModern + where % 0x4000, value, 1u << small % 3); break;
        case 1: (void)guest.get(BlkGuest::kModern + where % 0x4000, 1u << small % 3); break;
        case 2: guest.out(where % 0x80, value, 1u << small % 3); break;
        case 3: (void)guest.in(where % 0x80, 1u << small % 3); break;
        case 4: guest.put(BlkGuest::kMsix + where % 0x1000 / 4 * 4, value); break;
        case 5: guest.blk.config_write(static_cast<uint8_t>(where & 0xfc), 4, value); break;
        case 6:
            if (packed) {
                guest.ring.packed(slot, {address, 1 + value % 5000, flags, slot},
                                  (small & 64) == 0);
            } else {
                guest.ring.descriptor(slot, {address, value % 5000, flags, slot});
            }
            break;
        case 7:
            guest.prepare(slot, bytes[1] % 16, value % 9000, BlkGuest::kData + where * 64,
                          bytes[2] * 64u);
            if (packed) break;
            guest.ring.offer(slot);
            guest.notify();
            break;
        case 8:
            if (!packed) guest.ring.offer(static_cast<uint16_t>(small));
            guest.notify(bytes[1] % 3);
            break;
        case 9: answer(guest, other, bytes[1] % 4 == 0 ? EIO : 0); break;
        case 10: guest.put(FakeRing::kDriver + where % 0x2000, value); break;
        case 11: guest.ring.set_available(static_cast<uint16_t>(value)); break;
        case 12:
            guest.map(guest.blk);
            guest.ring.set_available(0);
            guest.start(packed ? ~uint64_t{0} : ~(virtio::kPacked | (value & 0x30000000)));
            break;
        case 13: guest.range(BlkGuest::kData + where, value, value >> 8, small); break;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const bool packed = (data[0] & 1) != 0;
    const auto config =
        BlkGuest::config(packed ? "packed=on,num-queues=2" : "num-queues=2,queue-size=16");
    BlkGuest guest(config), other(config);
    guest.start(packed ? ~uint64_t{0} : ~virtio::kPacked);
    const std::span input(data + 1, size - 1);
    for (size_t i = 0; i < kMaxSteps && (i + 1) * kStep <= input.size(); ++i)
        step(guest, other, packed, input.subspan(i * kStep).first<kStep>());
    answer(guest, other, 0);
    return 0;
}
