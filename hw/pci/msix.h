// SPDX-License-Identifier: GPL-2.0-or-later
//
// The MSI-X capability of a PCI function: a table of messages and an array of
// pending bits in a memory BAR of their own. Source: PCI Local Bus Specification
// 3.0, section 6.8.2.
//
// A vector that is raised while it may not be sent (masked, the function masked, no
// bus master) stays pending and is sent when it may be.
//
// Threading: machine lock. Owned by the function, which calls config_written() and
// keeps the state inside its own.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "hw/pci/msi.h"
#include "hw/pci/pci_config.h"
#include "memory/io_handler.h"
#include "memory/memory_region.h"

namespace qc::hw {

struct MsixEntry {
    uint64_t address = 0;
    uint32_t data = 0;
    bool masked = true;
    bool pending = false;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("address", s.address);
        v("data", s.data);
        v("masked", s.masked);
        v("pending", s.pending);
    }
};

class Msix final : public memory::IoHandler {
 public:
    static constexpr unsigned kMaxVectors = 2048;

    struct Config {
        unsigned vectors = 1;  // 1 to kMaxVectors
        unsigned bar = 1;
        uint8_t capability = 0;  // its offset
        uint8_t next = 0;        // the next capability's
    };
    // `config` is the function's; read whenever a vector is raised.
    Msix(const Config& how, const PciConfig& config, MsiPort& port);

    // For the function's table of registers, and for its BAR.
    static std::array<PciRegister, 3> registers(const Config& how);
    static uint32_t bar_size(unsigned vectors);
    memory::MemoryRegion& region() { return region_; }

    unsigned vectors() const { return static_cast<unsigned>(entries_.size()); }
    // The guest uses it instead of the pin.
    bool enabled() const;
    // Sends the vector's message, or keeps it pending. Others than those that exist
    // are ignored.
    void raise(unsigned vector);
    void clear(unsigned vector);

    // After the guest wrote configuration bytes.
    void config_written() { send_pending(); }
    void reset();

    const std::vector<MsixEntry>& state() const { return entries_; }
    Result<void> validate(const std::vector<MsixEntry>& state) const;
    void restore(const std::vector<MsixEntry>& state) { entries_ = state; }

    std::string_view io_name() const override { return "msix"; }
    Rules io_rules() const override { return {.min_size = 4, .max_size = 4}; }
    uint64_t io_read(uint64_t offset, unsigned size) override;
    void io_write(uint64_t offset, unsigned size, uint64_t value) override;

 private:
    bool may_send() const;
    void send_pending();
    void send(MsixEntry& entry);

    const Config how_;
    const PciConfig& config_;
    MsiPort& port_;
    std::vector<MsixEntry> entries_;
    bool sending_ = false;
    memory::MemoryRegion region_;
};

}  // namespace qc::hw
