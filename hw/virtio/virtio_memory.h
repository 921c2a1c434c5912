// SPDX-License-Identifier: GPL-2.0-or-later
//
// A virtio device's view of the driver's memory: RAM and nothing else. A buffer in
// a device's registers is a mistake of the driver, so no access of a virtio device
// reaches another device, or itself.
//
// Threading: machine lock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "memory/ram_buffer.h"
#include "util/little_endian.h"

namespace qc::hw {

class VirtioMemory {
 public:
    virtual ~VirtioMemory() = default;
    // False, and nothing was moved or only a part, if some byte of the range is not
    // in RAM (for write(): in RAM that can be written).
    virtual bool read(uint64_t address, std::span<std::byte> data) const = 0;
    virtual bool write(uint64_t address, std::span<const std::byte> data) = 0;
    // Adds the range to a buffer for other threads, under the same condition.
    virtual bool locate(uint64_t address, uint64_t length, bool to_write,
                        memory::RamBuffer& buffer) const = 0;

    // Little-endian numbers, as virtio 1.0 has them.
    template <typename T>
    std::optional<T> load(uint64_t address) const {
        std::array<std::byte, sizeof(T)> bytes{};
        if (!read(address, bytes)) return std::nullopt;
        return get_le<T>(bytes, 0);
    }
    template <typename T>
    bool store(uint64_t address, T value) {
        std::array<std::byte, sizeof(T)> bytes{};
        put_le(bytes, 0, sizeof(T), value);
        return write(address, bytes);
    }
};

}  // namespace qc::hw
