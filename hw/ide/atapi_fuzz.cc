// SPDX-License-Identifier: GPL-2.0-or-later
//
// Any packets, registers and descriptors for a CD drive, on the PIIX3 and on AHCI,
// while its medium comes and goes and answers, fails and lags: the process lives, and
// the state can be migrated whenever nothing is in flight.
//
// An input is a list of steps of sixteen bytes: what, an argument, a limit, a packet.
#include <array>
#include <cerrno>
#include <cstdlib>
#include <span>

#include "hw/ide/ahci_test_guest.h"
#include "hw/ide/piix3_test_guest.h"

namespace {

using namespace qc;
using namespace qc::hw;

constexpr size_t kStep = 16;
constexpr size_t kMaxSteps = 256;
using Step = std::span<const uint8_t, kStep>;

void resize(FakeDisk& cd, uint8_t argument) {
    cd.bytes.resize(argument % 4 == 0 ? 0 : size_t{argument} * 1024);
    cd.tray->medium_changed();
}

// What the host does to both.
void disturb(FakeDisk& cd, uint8_t argument) {
    switch (argument % 5) {
        case 0: cd.tray->move_tray(true); break;
        case 1: cd.tray->move_tray(false); break;
        case 2: cd.tray->request_eject(); break;
        default: resize(cd, argument); break;
    }
}

template <typename Controller>
void check_state(Controller& source, FakeDisk& cd, Controller& target, FakeDisk& other_cd) {
    if (!cd.waiting.empty()) return;
    other_cd.bytes.resize(cd.bytes.size());
    other_cd.tray->medium_changed();
    const auto state = source.save();
    if (!target.validate(state)) std::abort();
    target.restore(state);
}

void on_piix3(Piix3IdeGuest& guest, Piix3IdeGuest& other, Step step) {
    const auto limit = static_cast<uint16_t>(step[2] | step[3] << 8);
    switch (step[0] % 8) {
        case 0:
        case 1:
            guest.packet({step[4], step[5], step[6], step[7], step[8], step[9], step[10], step[11],
                          step[12], step[13], step[14], step[15]},
                         limit, step[1]);
            break;
        case 2: guest.out(static_cast<uint16_t>(0x170 + step[1] % 8), step[2]); break;
        case 3:
            for (unsigned i = 0; i < 16u * step[1]; ++i)
                (void)guest.in(0x170, 2);
            break;
        case 4:
            guest.descriptor(step[1] % 4, static_cast<uint32_t>(step[2]) << 16, limit,
                             step[4] % 2 != 0);
            guest.start_cd_dma();
            break;
        case 5:
            guest.cd.error = step[1] % 4 == 0 ? EIO : 0;
            guest.cd.complete();
            check_state(guest.ide, guest.cd, other.ide, other.cd);
            break;
        case 6: disturb(guest.cd, step[1]); break;
        case 7: guest.out(0x376, step[1] & 0x86); break;
    }
}

void on_ahci(AhciGuest& guest, AhciGuest& other, Step step) {
    const auto limit = static_cast<uint16_t>(step[2] | step[3] << 8);
    const unsigned slot = step[1] % ahci::kSlots;
    switch (step[0] % 6) {
        case 0:
        case 1:
            guest.header(slot, step[1] % 5, step[1] % 8 == 0 ? 5 : 0x25);
            guest.packet(slot,
                         {step[4], step[5], step[6], step[7], step[8], step[9], step[10], step[11],
                          step[12], step[13], step[14], step[15]},
                         step[1] & 3, limit);
            guest.issue(slot);
            break;
        case 2:
            guest.region(slot, step[2] % 4, AhciGuest::kData + step[3] * 64u, 1 + step[4] * 32u);
            break;
        case 3: guest.start_port(); break;
        case 4:
            guest.cd.error = step[1] % 4 == 0 ? EIO : 0;
            guest.cd.complete();
            check_state(guest.ahci, guest.cd, other.ahci, other.cd);
            break;
        case 5: disturb(guest.cd, step[1]); break;
    }
}

template <typename Guest, typename Run>
void run(std::span<const uint8_t> input, Run run_step) {
    Guest guest, other;
    for (size_t i = 0; i < kMaxSteps && (i + 1) * kStep <= input.size(); ++i)
        run_step(guest, other, input.subspan(i * kStep).template first<kStep>());
    guest.cd.error = 0;
    guest.cd.complete();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::span input(data, size);
    run<Piix3IdeGuest>(input, on_piix3);
    run<AhciGuest>(input, [](AhciGuest& guest, AhciGuest& other, Step step) {
        guest.chosen = 1;
        on_ahci(guest, other, step);
    });
    return 0;
}
