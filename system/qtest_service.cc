// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/qtest_service.h"

#include "system/machine.h"

namespace qc::system {

QtestService::QtestService(Machine& machine) : machine_(machine) {
    if (machine.accelerator().guest_time_passes()) return;
    time_ = std::make_unique<SteppedTime>(machine.core());
    machine.vm().add_listener(*time_);
}

QtestService::~QtestService() = default;

Result<void> QtestService::open(const std::string& chardev, const std::string& log) {
    if (server_) return fail("Only one instance of qtest can be created");
    auto claim = TRY(machine_.chardevs().claim(chardev));
    auto transcript = log.empty() ? qtest_server::Transcript::to_stderr()
                                  : TRY(qtest_server::Transcript::open(log));
    server_ = std::make_unique<qtest_server::Server>(
        std::move(claim), std::move(transcript),
        qtest_server::Server::Deps{
            .loop = machine_.loop(), .lock = machine_.core().lock, .target = *this});
    return {};
}

uint32_t QtestService::port_read(uint16_t port, unsigned size) {
    return static_cast<uint32_t>(machine_.core().io.load(memory::PhysAddr(port), size));
}

void QtestService::port_write(uint16_t port, unsigned size, uint32_t value) {
    machine_.core().io.store(memory::PhysAddr(port), size, value);
}

uint64_t QtestService::load(uint64_t address, unsigned size) {
    return machine_.core().memory.load(memory::PhysAddr(address), size);
}

void QtestService::store(uint64_t address, unsigned size, uint64_t value) {
    machine_.core().memory.store(memory::PhysAddr(address), size, value);
}

void QtestService::read(uint64_t address, std::span<std::byte> data) {
    machine_.core().memory.read(memory::PhysAddr(address), data);
}

void QtestService::write(uint64_t address, std::span<const std::byte> data) {
    machine_.core().memory.write(memory::PhysAddr(address), data);
}

std::optional<qtest_server::WatchableDevice> QtestService::find_device(std::string_view path) {
    auto object = machine_.object_tree().resolve(path);
    if (!object) return std::nullopt;
    const hw::Device* const device = machine_.find_device(**object);
    if (device == nullptr) return std::nullopt;
    return qtest_server::WatchableDevice{(*object)->path(), machine_.board()->pins(*device)};
}

}  // namespace qc::system
