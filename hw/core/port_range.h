// SPDX-License-Identifier: GPL-2.0-or-later
//
// A range of byte-wide I/O ports whose accesses go to two member functions of a
// device: `uint8_t read(unsigned offset)` and `void write(unsigned offset, uint8_t)`.
// Wider accesses arrive as several of one byte, as the ISA bus splits them. The
// range is in the I/O tree from construction to destruction.
//
// Threading: machine lock. Owned by the device.
#pragma once

#include <cstdint>
#include <string>

#include "memory/io_handler.h"
#include "memory/memory_region.h"

namespace qc::hw {

template <typename Owner, auto kRead, auto kWrite>
class PortRange final : public memory::IoHandler {
 public:
    PortRange(Owner& owner, memory::MemoryRegion& io_root, std::string name, uint16_t first_port,
              uint16_t count)
        : owner_(owner),
          io_root_(io_root),
          name_(std::move(name)),
          region_(memory::MemoryRegion::io(name_, count, *this)) {
        io_root_.add_child(first_port, region_);
    }
    ~PortRange() override { io_root_.remove_child(region_); }
    PortRange(const PortRange&) = delete;
    PortRange& operator=(const PortRange&) = delete;

    memory::MemoryRegion& region() { return region_; }

    std::string_view io_name() const override { return name_; }
    Rules io_rules() const override { return {.min_size = 1, .max_size = 1}; }
    uint64_t io_read(uint64_t offset, unsigned) override {
        return (owner_.*kRead)(static_cast<unsigned>(offset));
    }
    void io_write(uint64_t offset, unsigned, uint64_t value) override {
        (owner_.*kWrite)(static_cast<unsigned>(offset), static_cast<uint8_t>(value));
    }

 private:
    Owner& owner_;
    memory::MemoryRegion& io_root_;
    std::string name_;
    memory::MemoryRegion region_;
};

}  // namespace qc::hw
