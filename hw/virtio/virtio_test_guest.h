// SPDX-License-Identifier: GPL-2.0-or-later
//
// For unit tests and the fuzzer: a virtio-blk-pci function with a disk in memory, in
// a machine with RAM, and the driver's side of it.
#pragma once

#include <array>

#include "hw/core/fake_machine.h"
#include "hw/ide/fake_disk.h"
#include "hw/pci/pci_bus.h"
#include "hw/virtio/fake_virtio_guest.h"
#include "hw/virtio/virtio_blk_pci.h"
#include "memory/ram_list.h"
#include "util/option_string.h"

namespace qc::hw {

struct FakeVirtioMsi final : MsiPort {
    void send_msi(const MsiMessage& message) override { messages.push_back(message); }
    std::vector<MsiMessage> messages;
};

// The machine's memory as a driver writes it.
class GuestRam final : public VirtioMemory {
 public:
    explicit GuestRam(memory::AddressSpace& space) : space_(space) {}
    bool read(uint64_t address, std::span<std::byte> data) const override {
        space_.read(memory::PhysAddr(address), data);
        return true;
    }
    bool write(uint64_t address, std::span<const std::byte> data) override {
        space_.write(memory::PhysAddr(address), data);
        return true;
    }
    // A driver's processor has no use for it.
    bool locate(uint64_t, uint64_t, bool, memory::RamBuffer&) const override { return false; }

 private:
    memory::AddressSpace& space_;
};

// A machine with RAM, a PCI bus and the places where a driver has the BARs.
struct VirtioMachine {
    static constexpr uint16_t kLegacy = 0xc000;
    static constexpr uint32_t kMsix = 0xfebf0000;
    static constexpr uint32_t kModern = 0xfe000000;
    static constexpr uint32_t kNotify = kModern + 0x3000;
    static constexpr uint64_t kRamBytes = 8 << 20;

    VirtioMachine() { machine.memory_root().add_child(0, ram); }
    ~VirtioMachine() { machine.memory_root().remove_child(ram); }

    uint32_t get(uint64_t address, unsigned size = 4) {
        return static_cast<uint32_t>(machine.context.memory.load(memory::PhysAddr(address), size));
    }
    void put(uint64_t address, uint32_t value, unsigned size = 4) {
        machine.context.memory.store(memory::PhysAddr(address), size, value);
    }
    uint32_t in(unsigned offset, unsigned size) {
        return static_cast<uint32_t>(
            machine.context.io.load(memory::PhysAddr(kLegacy + offset), size));
    }
    void out(unsigned offset, uint32_t value, unsigned size) {
        machine.context.io.store(memory::PhysAddr(kLegacy + offset), size, value);
    }
    void map(PciDevice& device) {
        device.config_write(0x10, 4, kLegacy);
        device.config_write(0x14, 4, kMsix);
        device.config_write(0x20, 4, kModern);
        device.config_write(0x24, 4, 0);
        device.config_write(4, 2, pci::kCommandIo | pci::kCommandMemory | pci::kCommandMaster);
    }
    void common(unsigned offset, uint32_t value, unsigned size) {
        put(kModern + offset, value, size);
    }
    uint32_t common(unsigned offset, unsigned size) { return get(kModern + offset, size); }
    uint8_t status() { return static_cast<uint8_t>(common(0x14, 1)); }
    void set_status(uint8_t value) { common(0x14, value, 1); }
    // All features that are offered, or those of `only`.
    uint64_t negotiate(uint64_t only = ~uint64_t{0}) {
        set_status(0);
        set_status(virtio::kAcknowledge | virtio::kDriver);
        uint64_t taken = 0;
        for (unsigned half = 0; half < 2; ++half) {
            common(0, half, 4);
            const uint64_t offered = uint64_t{common(4, 4)} << (32 * half);
            taken |= offered & only;
            common(8, half, 4);
            common(0xc, static_cast<uint32_t>((offered & only) >> (32 * half)), 4);
        }
        set_status(virtio::kAcknowledge | virtio::kDriver | virtio::kFeaturesOk);
        return taken;
    }
    void enable_queue(unsigned index, uint16_t size, uint64_t base) {
        VirtqueueState places;
        FakeRing(memory, size, base).place(places);
        common(0x16, index, 2);
        common(0x18, size, 2);
        common(0x20, static_cast<uint32_t>(places.descriptors), 4);
        common(0x24, 0, 4);
        common(0x28, static_cast<uint32_t>(places.driver), 4);
        common(0x30, static_cast<uint32_t>(places.device), 4);
        common(0x1c, 1, 2);
    }
    void drive() {
        set_status(virtio::kAcknowledge | virtio::kDriver | virtio::kFeaturesOk |
                   virtio::kDriverOk);
    }
    void notify(unsigned queue = 0) { put(kNotify + 4 * queue, queue, 2); }

    FakeMachine machine;
    memory::RamList blocks;
    memory::RamBlock* block =
        blocks.create_block("ram", kRamBytes, memory::RamBlock::Kind::kRam).value();
    memory::MemoryRegion ram = memory::MemoryRegion::ram("ram", *block);
    FakeVirtioMsi msi;
    PciBus bus{0, machine.memory_root(), machine.context.io_root};
    GuestRam memory{machine.context.memory};
};

struct BlkGuest : VirtioMachine {
    static constexpr unsigned kSectors = 8192;
    static constexpr uint16_t kRingSize = 16;
    static constexpr uint64_t kHeaders = 0x20000;
    static constexpr uint64_t kData = 0x100000;

    BlkGuest() : BlkGuest(config("")) {}
    explicit BlkGuest(const VirtioBlkPci::Config& how)
        : blk(machine.context, msi, how, {4, 0}, disk) {
        if (!bus.plug(blk, {4, 0})) return;
        blk.reset();
        map(blk);
    }
    static VirtioBlkPci::Config config(std::string_view options) {
        auto parsed = OptionString::parse(options, "").value();
        auto values = qom::PropertyValues::from_options(kVirtioBlkPciType, parsed).value();
        return VirtioBlkPci::parse(values, 1).value();
    }
    void start(uint64_t features = ~(virtio::kEventIndex | virtio::kPacked)) {
        negotiate(features);
        enable_queue(0, kRingSize, 0);
        drive();
    }
    static uint64_t header(unsigned head) { return kHeaders + 64 * head; }
    uint8_t result(unsigned head) { return static_cast<uint8_t>(get(header(head) + 32, 1)); }
    // A request of header, data, status in descriptors `head` and the next two.
    void prepare(unsigned head, uint32_t type, uint64_t sector, uint64_t address, uint32_t bytes) {
        put(header(head), type);
        put(header(head) + 4, 0);
        put(header(head) + 8, static_cast<uint32_t>(sector));
        put(header(head) + 12, static_cast<uint32_t>(sector >> 32));
        put(header(head) + 32, 0xee, 1);
        const bool in = type == 0 || type == 8;
        const auto next = [&](unsigned more) { return static_cast<uint16_t>(head + more); };
        ring.descriptor(head, {header(head), 16, virtqueue::kNext, next(bytes != 0 ? 1 : 2)});
        ring.descriptor(
            head + 1,
            {address, bytes, static_cast<uint16_t>(virtqueue::kNext | (in ? virtqueue::kWrite : 0)),
             next(2)});
        ring.descriptor(head + 2, {header(head) + 32, 1, virtqueue::kWrite, 0});
    }
    void request(unsigned head, uint32_t type, uint64_t sector, uint64_t address, uint32_t bytes) {
        prepare(head, type, sector, address, bytes);
        ring.offer(static_cast<uint16_t>(head));
        notify();
    }
    void range(uint64_t address, uint64_t sector, uint32_t sectors, uint32_t flags) {
        put(address, static_cast<uint32_t>(sector));
        put(address + 4, static_cast<uint32_t>(sector >> 32));
        put(address + 8, sectors);
        put(address + 12, flags);
    }
    bool interrupt() const {
        return (blk.config().word(pci::kStatus) & pci::kStatusInterrupt) != 0;
    }
    const uint8_t* ram_at(uint64_t address) const {
        return reinterpret_cast<const uint8_t*>(block->host()) + address;
    }
    uint8_t* ram_at(uint64_t address) {
        return reinterpret_cast<uint8_t*>(block->host()) + address;
    }
    bool data_is_sectors(uint64_t address, unsigned first, unsigned count) const {
        return std::equal(ram_at(address), ram_at(address) + count * 512,
                          disk.bytes.begin() + first * 512);
    }

    FakeDisk disk{kSectors};
    FakeRing ring{memory, kRingSize};
    VirtioBlkPci blk;
};

}  // namespace qc::hw
