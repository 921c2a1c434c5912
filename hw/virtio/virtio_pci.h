// SPDX-License-Identifier: GPL-2.0-or-later
//
// A virtio device on PCI: the structures of virtio 1.0 in BAR 4 with the
// capabilities that point at them, the registers of older drivers in BAR 0, MSI-X in
// BAR 1. Source: virtio 1.2, section 4.1; ids, offsets and BARs as QEMU has them.
//
//   BAR 0  I/O     legacy registers and configuration (transitional devices)
//   BAR 1  memory  MSI-X
//   BAR 4  memory  0000h common, 1000h ISR, 2000h device, 3000h + 4 * queue notify
//
// While a message is sent, accesses to the registers do nothing: a guest that
// addresses its messages to the device gets no further than that.
//
// Threading: machine lock. A type of device derives from it, owns its VirtioDevice
// and hands it over with attach().
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "hw/pci/msix.h"
#include "hw/pci/pci_device.h"
#include "hw/virtio/virtio_device.h"
#include "memory/io_handler.h"

namespace qc::hw {

struct VirtioPciState {
    PciConfigState config;
    std::vector<MsixEntry> vectors;
    uint32_t device_feature_select = 0;
    uint32_t driver_feature_select = 0;
    uint16_t queue_select = 0;
    uint16_t config_vector = 0xffff;
    uint8_t interrupt_status = 0;
    VirtioState device;

    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("config", s.config);
        v.counted("vectors", s.vectors, Msix::kMaxVectors);
        v("device_feature_select", s.device_feature_select);
        v("driver_feature_select", s.driver_feature_select);
        v("queue_select", s.queue_select);
        v("config_vector", s.config_vector);
        v("interrupt_status", s.interrupt_status);
        v("device", s.device);
    }
};

class VirtioPci : public PciDevice, protected VirtioMemory, protected VirtioInterrupts {
 public:
    struct Config {
        uint16_t virtio_id = 0;      // 2: block
        uint16_t legacy_pci_id = 0;  // 0: no driver before 1.0 knows the type
        uint32_t class_code = 0;
        unsigned vectors = 0;      // 0: no MSI-X
        uint32_t config_size = 0;  // of the device's configuration space
        bool legacy = true;        // at least one of them
        bool modern = true;
    };
    ~VirtioPci() override;

    void reset() override;
    void settle_properties(qom::PropertyValues& properties) const override;

 protected:
    VirtioPci(const DeviceContext& context, MsiPort& msi, const Config& config);
    // During construction.
    void attach(VirtioDevice& device) { device_ = &device; }
    const Config& how() const { return how_; }
    VirtioMemory& dma() { return *this; }
    VirtioInterrupts& interrupts() { return *this; }

    VirtioPciState save_virtio() const;
    Result<void> validate_virtio(const VirtioPciState& state) const;
    void restore_virtio(const VirtioPciState& state);

 private:
    enum class Window : uint8_t { kModern, kLegacy };
    class Registers final : public memory::IoHandler {
     public:
        Registers(VirtioPci& owner, Window window) : owner_(owner), window_(window) {}
        std::string_view io_name() const override { return "virtio-pci"; }
        uint64_t io_read(uint64_t offset, unsigned size) override;
        void io_write(uint64_t offset, unsigned size, uint64_t value) override;

     private:
        VirtioPci& owner_;
        const Window window_;
    };
    using Image = std::vector<uint8_t>;

    uint64_t read_modern(uint64_t offset, unsigned size);
    void write_modern(uint64_t offset, unsigned size, uint64_t value);
    Image common_image() const;
    void write_common(uint64_t offset, uint64_t value);
    void write_queue_address(uint64_t offset, uint32_t value);
    uint64_t read_legacy(uint64_t offset, unsigned size);
    void write_legacy(uint64_t offset, unsigned size, uint64_t value);
    Image legacy_image() const;
    void place_legacy_queue(uint32_t page);
    uint32_t legacy_header_size() const;
    uint8_t take_interrupt_status();
    void write_device_config(uint64_t offset, unsigned size, uint64_t value);
    uint16_t usable_vector(uint64_t vector) const;
    void set_driver_features(uint32_t half, uint32_t value);
    Virtqueue* selected();
    const Virtqueue* selected() const;

    // The window into the BARs in configuration space.
    void config_is_read(uint8_t offset, unsigned size) override;
    void config_written(uint8_t offset, unsigned size) override;
    Registers* window_target(uint32_t& offset, uint32_t& length);

    bool read(uint64_t address, std::span<std::byte> data) const override;
    bool write(uint64_t address, std::span<const std::byte> data) override;
    bool locate(uint64_t address, uint64_t length, bool to_write,
                memory::RamBuffer& buffer) const override;
    template <typename Use>
    bool for_ram(uint64_t address, uint64_t length, bool to_write, Use use) const;
    void queue_interrupt(unsigned queue) override;
    void config_interrupt() override;
    void interrupt(uint16_t vector, uint8_t cause);

    const Config how_;
    VirtioDevice* device_ = nullptr;
    uint32_t device_feature_select_ = 0;
    uint32_t driver_feature_select_ = 0;
    uint16_t queue_select_ = 0;
    uint16_t config_vector_ = Virtqueue::kNoVector;
    uint8_t interrupt_status_ = 0;
    bool sending_ = false;
    Registers modern_{*this, Window::kModern};
    Registers legacy_{*this, Window::kLegacy};
    memory::MemoryRegion modern_region_;
    memory::MemoryRegion legacy_region_;
    std::optional<Msix> msix_;
};

}  // namespace qc::hw
