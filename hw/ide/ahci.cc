// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/ahci.h"

namespace qc::hw {

using namespace ahci;

namespace {

constexpr uint8_t kMsi = 0x80;
constexpr uint8_t kSata = 0xa8;
constexpr unsigned kIndexBar = 4;
constexpr uint32_t kIndexBarSize = 32;
constexpr uint32_t kIndexPort = 0x10;
constexpr uint32_t kDataPort = 0x14;
constexpr unsigned kRegistersBar = 5;
constexpr uint32_t kRegistersSize = 4096;

constexpr uint32_t kCap = 0x00;
constexpr uint32_t kGhc = 0x04;
constexpr uint32_t kIs = 0x08;
constexpr uint32_t kPi = 0x0c;
constexpr uint32_t kVs = 0x10;
constexpr uint32_t kFirstPort = 0x100;
constexpr uint32_t kPortSize = 0x80;
// 64-bit addresses, native command queuing, generation 1, AHCI only, 32 slots, six
// ports.
constexpr uint32_t kCapabilities = 0xc0141f05;
constexpr uint32_t kVersion = 0x00010000;
constexpr uint32_t kPortsImplemented = (1u << kPorts) - 1;

constexpr uint32_t kGhcReset = 1u << 0;
constexpr uint32_t kGhcInterruptEnable = 1u << 1;
constexpr uint32_t kGhcAhciEnable = 1u << 31;

constexpr PciIdentity kIdentity = {
    .vendor = 0x8086,
    .device = 0x2922,
    .revision = 0x02,
    .class_code = 0x010601,
    .header_type = 0x80,
    .interrupt_pin = 1,
};

constexpr PciRegister kRegisters[] = {
    {0x06, 2, "PCISTS", 0x0010, 0, 0xf900, pci::kStatusInterrupt},
    {0x34, 1, "CAP", kMsi},
    {kMsi, 2, "MID", kSata << 8 | 0x05},
    {kMsi + 2, 2, "MC", 0x0080, 0x0001},
    {kMsi + 4, 4, "MA", 0, 0xfffffffc},
    {kMsi + 8, 4, "MUA", 0, 0xffffffff},
    {kMsi + 12, 2, "MD", 0, 0xffff},
    // AHCI mode; which ports are enabled.
    {0x90, 1, "MAP", 0x40, 0xc0},
    {0x92, 2, "PCS", 0x0000, 0x803f},
    // The index/data pair is in BAR 4, four doublewords from its start.
    {kSata, 2, "SATACR0", 0x0012},
    {kSata + 2, 2, "SATACR0V", 0x0010},
    {kSata + 4, 4, "SATACR1", 0x00000048},
};

constexpr PciBarSpec kBars[] = {
    {kIndexBar, PciBarSpec::Space::kIo, kIndexBarSize},
    {kRegistersBar, PciBarSpec::Space::kMemory, kRegistersSize},
};

}  // namespace

Ahci::Ahci(const DeviceContext& context, MsiPort& msi)
    : PciDevice(context, kIdentity, kRegisters, kBars),
      msi_(msi),
      registers_region_(memory::MemoryRegion::io("ahci", kRegistersSize, *this)),
      index_region_(memory::MemoryRegion::io("ahci-idp", kIndexBarSize, index_ports_)) {
    for (unsigned i = 0; i < kPorts; ++i)
        ports_[i] = std::make_unique<AhciPort>(*this, context, i);
    set_bar_region(kIndexBar, index_region_);
    set_bar_region(kRegistersBar, registers_region_);
}

Ahci::~Ahci() = default;

void Ahci::add_disk(unsigned port, AtaDriveConfig config, block::BlockDevice& disk) {
    ports_[port]->add_disk(std::move(config), disk);
}

void Ahci::add_cdrom(unsigned port, AtapiDriveConfig config, block::BlockDevice& disk) {
    ports_[port]->add_cdrom(std::move(config), disk);
}

void Ahci::enter(const std::function<void()>& work) {
    entered_ = true;
    work();
    entered_ = false;
    update_interrupt();
}

void Ahci::update_interrupt() {
    uint32_t fresh = 0;
    for (unsigned i = 0; i < kPorts; ++i) {
        if (ports_[i]->interrupt()) fresh |= 1u << i;
    }
    fresh &= ~interrupt_status_;
    interrupt_status_ |= fresh;
    const bool asserted = (control_ & kGhcInterruptEnable) != 0 && interrupt_status_ != 0;
    const bool news = asserted && (fresh != 0 || !asserted_);
    asserted_ = asserted;
    const auto message = enabled_msi(config(), kMsi);
    set_interrupt(asserted && !message);
    if (!message || !news) return;
    // The guest may have addressed it to our own registers.
    entered_ = true;
    msi_.send_msi(*message);
    entered_ = false;
}

void Ahci::config_written(uint8_t offset, unsigned size) {
    // Messages instead of the pin, or the other way round.
    const bool command = offset < pci::kStatus;
    const bool message = offset < kMsi + 4 && offset + size > kMsi + 2;
    if (!entered_ && (command || message)) update_interrupt();
}

void Ahci::reset_ports() {
    for (auto& port : ports_)
        port->reset();
    control_ = kGhcAhciEnable;
    interrupt_status_ = 0;
}

void Ahci::reset() {
    reset_pci();
    reset_ports();
    index_ = 0;
    asserted_ = false;
    set_interrupt(false);
}

uint32_t Ahci::read_register(uint32_t offset) const {
    if (offset >= kFirstPort) {
        const uint32_t port = (offset - kFirstPort) / kPortSize;
        return port < kPorts ? ports_[port]->read((offset - kFirstPort) % kPortSize) : 0;
    }
    switch (offset) {
        case kCap: return kCapabilities;
        case kGhc: return control_;
        case kIs: return interrupt_status_;
        case kPi: return kPortsImplemented;
        case kVs: return kVersion;
        default: return 0;
    }
}

void Ahci::write_register(uint32_t offset, uint32_t value) {
    if (entered_) return;
    enter([&] {
        if (offset >= kFirstPort) {
            const uint32_t port = (offset - kFirstPort) / kPortSize;
            if (port < kPorts) ports_[port]->write((offset - kFirstPort) % kPortSize, value);
        } else if (offset == kGhc && (value & kGhcReset) != 0) {
            reset_ports();
        } else if (offset == kGhc) {
            control_ = kGhcAhciEnable | (value & kGhcInterruptEnable);
        } else if (offset == kIs) {
            interrupt_status_ &= ~value;
        }
    });
}

// Registers are doublewords. A narrower write is one of the whole doubleword with
// zeros in the rest, which clears nothing in registers of flags.
uint64_t Ahci::io_read(uint64_t offset, unsigned) {
    return read_register(static_cast<uint32_t>(offset) & ~3u);
}

void Ahci::io_write(uint64_t offset, unsigned size, uint64_t value) {
    const auto at = static_cast<uint32_t>(offset);
    const unsigned shift = 8 * (at & 3);
    const uint32_t written =
        static_cast<uint32_t>(size < 4 ? value & ((1u << (8 * size)) - 1) : value);
    write_register(at & ~3u, written << shift);
}

uint64_t Ahci::IndexPorts::io_read(uint64_t offset, unsigned) {
    if ((offset & ~3u) == kIndexPort) return ahci_.index_;
    if ((offset & ~3u) == kDataPort) return ahci_.read_register(ahci_.index_);
    return 0;
}

void Ahci::IndexPorts::io_write(uint64_t offset, unsigned, uint64_t value) {
    if (offset == kIndexPort) {
        ahci_.index_ = static_cast<uint32_t>(value) & (kRegistersSize - 4);
    } else if (offset == kDataPort) {
        ahci_.write_register(ahci_.index_, static_cast<uint32_t>(value));
    }
}

AhciState Ahci::save() const {
    AhciState state{.config = config().state(),
                    .control = control_,
                    .interrupt_status = interrupt_status_,
                    .index = index_,
                    .ports = {}};
    for (unsigned i = 0; i < kPorts; ++i)
        state.ports[i] = ports_[i]->save();
    return state;
}

Result<void> Ahci::validate(const AhciState& state) const {
    TRY(validate_pci(state.config));
    if ((state.control & ~kGhcInterruptEnable) != kGhcAhciEnable) {
        return fail("GHC {:#x}", state.control);
    }
    if ((state.interrupt_status & ~kPortsImplemented) != 0) {
        return fail("IS {:#x}", state.interrupt_status);
    }
    if ((state.index & ~(kRegistersSize - 4)) != 0) return fail("index {:#x}", state.index);
    for (unsigned i = 0; i < kPorts; ++i)
        TRY(ports_[i]->validate(state.ports[i]).context("AHCI port {}", i));
    return {};
}

void Ahci::restore(const AhciState& state) {
    for (unsigned i = 0; i < kPorts; ++i)
        ports_[i]->restore(state.ports[i]);
    control_ = state.control;
    interrupt_status_ = state.interrupt_status;
    index_ = state.index;
    asserted_ = (control_ & kGhcInterruptEnable) != 0 && interrupt_status_ != 0;
    restore_pci(state.config);
}

}  // namespace qc::hw
