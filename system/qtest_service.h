// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the qtest protocol reaches: the machine's ports and memory, its clock if that
// moves by commands, its devices by their places in the object tree. `-qtest` and
// `-object qtest` open it, one at a time.
//
// Threading: main thread; the target under the machine lock. Owned by system::Machine;
// dies before the board.
#pragma once

#include <memory>
#include <string>

#include "qtest/server.h"
#include "system/stepped_time.h"

namespace qc::system {

class Machine;

class QtestService final : private qtest_server::Target {
 public:
    // Before the VM is started for the first time.
    explicit QtestService(Machine& machine);
    ~QtestService() override;

    // An empty `log`: stderr.
    Result<void> open(const std::string& chardev, const std::string& log);
    void close() { server_.reset(); }

 private:
    uint32_t port_read(uint16_t port, unsigned size) override;
    void port_write(uint16_t port, unsigned size, uint32_t value) override;
    uint64_t load(uint64_t address, unsigned size) override;
    void store(uint64_t address, unsigned size, uint64_t value) override;
    void read(uint64_t address, std::span<std::byte> data) override;
    void write(uint64_t address, std::span<const std::byte> data) override;
    qtest_server::GuestTime* guest_time() override { return time_.get(); }
    std::optional<qtest_server::WatchableDevice> find_device(std::string_view path) override;

    Machine& machine_;
    std::unique_ptr<SteppedTime> time_;  // null: guest time passes by itself
    std::unique_ptr<qtest_server::Server> server_;
};

}  // namespace qc::system
