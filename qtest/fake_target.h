// SPDX-License-Identifier: GPL-2.0-or-later
//
// A machine for unit tests: 64 KiB of memory, ports that remember, three devices, and
// timers that are a list of deadlines.
//
// Threading: one thread.
#pragma once

#include <array>
#include <cstring>
#include <map>
#include <set>

#include "qtest/session.h"

namespace qc::qtest_server {

class FakeTime final : public GuestTime {
 public:
    int64_t now_ns() const override { return now; }
    std::optional<int64_t> next_deadline_ns() const override {
        if (deadlines.empty()) return std::nullopt;
        return *deadlines.begin();
    }
    // One deadline at a time.
    bool advance(int64_t target) override {
        if (!deadlines.empty() && *deadlines.begin() <= target) {
            now = std::max(now, *deadlines.begin());
            reached.push_back(now);
            deadlines.erase(deadlines.begin());
            return false;
        }
        now = std::max(now, target);
        return true;
    }

    int64_t now = 0;
    std::set<int64_t> deadlines;
    std::vector<int64_t> reached;
};

class FakeTarget final : public Target {
 public:
    uint32_t port_read(uint16_t port, unsigned size) override {
        const uint32_t all_ones = size == 4 ? ~0u : (1u << (8 * size)) - 1;
        const auto found = ports.find(port);
        return (found == ports.end() ? ~0u : found->second) & all_ones;
    }
    // Port 80h is wired to pin 3 of the ioapic.
    void port_write(uint16_t port, unsigned, uint32_t value) override {
        ports[port] = value;
        if (port == 0x80) ioapic.moved(3, value != 0);
    }
    uint64_t load(uint64_t address, unsigned size) override {
        uint64_t value = 0;
        read(address, std::as_writable_bytes(std::span(&value, 1)).first(size));
        return value;
    }
    void store(uint64_t address, unsigned size, uint64_t value) override {
        write(address, std::as_bytes(std::span(&value, 1)).first(size));
    }
    void read(uint64_t address, std::span<std::byte> data) override {
        for (size_t i = 0; i < data.size(); ++i)
            data[i] = address + i < memory.size() ? memory[address + i] : std::byte{0xff};
    }
    void write(uint64_t address, std::span<const std::byte> data) override {
        for (size_t i = 0; i < data.size() && address + i < memory.size(); ++i)
            memory[address + i] = data[i];
    }
    GuestTime* guest_time() override { return time_passes ? nullptr : &time; }
    std::optional<WatchableDevice> find_device(std::string_view path) override {
        if (path == "ioapic" || path == "/machine/ioapic") {
            return WatchableDevice{"/machine/ioapic", {&ioapic}};
        }
        if (path == "pic") return WatchableDevice{"/machine/pic", {&pic_out}};
        if (path == "nothing") return WatchableDevice{"/machine/nothing", {}};
        return std::nullopt;
    }

    std::map<uint16_t, uint32_t> ports;
    std::array<std::byte, 65536> memory{};
    bool time_passes = false;
    FakeTime time;
    std::vector<std::pair<unsigned, bool>> driven;
    hw::GpioPins ioapic{hw::GpioPins::Direction::kIn, 24, [this](unsigned pin, bool level) {
                            driven.emplace_back(pin, level);
                            ioapic.moved(pin, level);
                        }};
    hw::GpioPins pic_out{hw::GpioPins::Direction::kOut, 1};
};

class FakeLog final : public SessionLog {
 public:
    void log(Kind kind, std::string_view line) override {
        text += static_cast<char>(kind);
        text += ' ';
        text += line;
        text += '\n';
    }
    std::string text;
};

}  // namespace qc::qtest_server
