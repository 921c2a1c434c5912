// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/virtio/virtio_pci.h"

#include <algorithm>
#include <bit>

#include "hw/virtio/virtio_pci_layout.h"
#include "qom/property.h"

namespace qc::hw {

using namespace virtio_pci;

namespace {

std::optional<Msix::Config> msix_config(const VirtioPci::Config& how) {
    if (how.vectors == 0) return std::nullopt;
    return Msix::Config{.vectors = how.vectors,
                        .bar = kMsixBar,
                        .capability = how.modern ? kMsixCap : kCommonCap,
                        .next = how.modern ? kWindowCap : uint8_t{0}};
}

PciIdentity identity(const VirtioPci::Config& how) {
    constexpr uint16_t kVendor = 0x1af4;
    constexpr uint16_t kFirstModern = 0x1040;
    const uint16_t modern_id = static_cast<uint16_t>(kFirstModern + how.virtio_id);
    return {.vendor = kVendor,
            .device = how.legacy ? how.legacy_pci_id : modern_id,
            .revision = static_cast<uint8_t>(how.legacy ? 0 : 1),
            .class_code = how.class_code,
            .interrupt_pin = 1,
            .subsystem_vendor = kVendor,
            .subsystem = how.legacy ? how.virtio_id : uint16_t{0x1100}};
}

// A vendor capability: where in BAR 4 a structure is.
void add_structure(std::vector<PciRegister>& registers, uint8_t at, uint8_t next, uint8_t type,
                   uint32_t offset) {
    const uint32_t length = type == kNotifyType || type == kWindowType ? 20 : 16;
    const auto reg = [&](unsigned delta, std::string_view name, uint32_t value) {
        registers.push_back({static_cast<uint8_t>(at + delta), 4, name, value});
    };
    reg(0, "VIRTIO", 0x09u | uint32_t{next} << 8 | length << 16 | uint32_t{type} << 24);
    if (type == kWindowType) return;
    reg(4, "BAR", kModernBar);
    reg(8, "OFFSET", offset);
    reg(12, "LENGTH", kStructureSize);
    if (type == kNotifyType) reg(16, "MULT", kNotifyMultiplier);
}

std::vector<PciRegister> registers(const VirtioPci::Config& how) {
    std::vector<PciRegister> all;
    uint8_t first = 0;
    if (how.modern) {
        add_structure(all, kCommonCap, 0, kCommonType, kCommonOffset);
        add_structure(all, kIsrCap, kCommonCap, kIsrType, kIsrOffset);
        add_structure(all, kDeviceCap, kIsrCap, kDeviceType, kDeviceOffset);
        add_structure(all, kNotifyCap, kDeviceCap, kNotifyType, kNotifyOffset);
        add_structure(all, kWindowCap, kNotifyCap, kWindowType, 0);
        all.push_back({kWindowCap + 4, 4, "CFGBAR", 0, 0x000000ff});
        all.push_back({kWindowCap + 8, 4, "CFGOFF", 0, 0xffffffff});
        all.push_back({kWindowCap + 12, 4, "CFGLEN", 0, 0xffffffff});
        all.push_back({kWindowData, 4, "CFGDATA", 0, 0xffffffff});
        first = kWindowCap;
    }
    if (const auto msix = msix_config(how)) {
        const auto more = Msix::registers(*msix);
        all.insert(all.end(), more.begin(), more.end());
        first = msix->capability;
    }
    if (first != 0) {
        all.push_back({pci::kStatus, 2, "STS", 0x0010, 0, 0xf900, pci::kStatusInterrupt});
        all.push_back({0x34, 1, "CAP", first});
    }
    return all;
}

uint32_t legacy_bar_size(const VirtioPci::Config& how) {
    return std::bit_ceil((how.vectors != 0 ? kLegacyWithVectors : kLegacyHeader) + how.config_size);
}

std::vector<PciBarSpec> bars(const VirtioPci::Config& how) {
    using Space = PciBarSpec::Space;
    std::vector<PciBarSpec> all;
    if (how.legacy) all.push_back({kLegacyBar, Space::kIo, legacy_bar_size(how)});
    if (how.vectors != 0) all.push_back({kMsixBar, Space::kMemory, Msix::bar_size(how.vectors)});
    if (how.modern) all.push_back({kModernBar, Space::kMemory64, kModernSize});
    return all;
}

}  // namespace

VirtioPci::VirtioPci(const DeviceContext& context, MsiPort& msi, const Config& config)
    : PciDevice(context, identity(config), registers(config), bars(config)),
      how_(config),
      modern_region_(memory::MemoryRegion::io("virtio-pci-modern", kModernSize, modern_)),
      legacy_region_(memory::MemoryRegion::io("virtio-pci", legacy_bar_size(config), legacy_)) {
    if (how_.modern) set_bar_region(kModernBar, modern_region_);
    if (how_.legacy) set_bar_region(kLegacyBar, legacy_region_);
    if (const auto vectors = msix_config(how_)) {
        msix_.emplace(*vectors, this->config(), msi);
        set_bar_region(kMsixBar, msix_->region());
    }
}

VirtioPci::~VirtioPci() = default;

void VirtioPci::settle_properties(qom::PropertyValues& properties) const {
    PciDevice::settle_properties(properties);
    properties.settle("vectors", how_.vectors);
    properties.settle("disable-legacy", how_.legacy ? "off" : "on");
}

void VirtioPci::reset() {
    reset_pci();
    device_->reset();
    if (msix_) msix_->reset();
    device_feature_select_ = driver_feature_select_ = 0;
    queue_select_ = 0;
    config_vector_ = Virtqueue::kNoVector;
    interrupt_status_ = 0;
    set_interrupt(false);
}

// A function that may not be master of the bus reaches no memory.
template <typename Use>
bool VirtioPci::for_ram(uint64_t address, uint64_t length, bool to_write, Use use) const {
    if (!config().command(pci::kCommandMaster)) return false;
    const auto view = context().memory.view();
    for (uint64_t done = 0; done < length;) {
        const memory::FlatRange* range = view->find(memory::PhysAddr(address));
        if (range == nullptr || range->block == nullptr) return false;
        if (to_write && range->read_only) return false;
        const uint64_t bytes = std::min(length - done, range->last - address + 1);
        use(*range->block, range->offset + (address - range->start), done, bytes);
        done += bytes;
        address += bytes;
    }
    return true;
}

bool VirtioPci::read(uint64_t address, std::span<std::byte> data) const {
    return for_ram(address, data.size(), false,
                   [&](memory::RamBlock& block, uint64_t offset, uint64_t at, uint64_t bytes) {
                       std::copy_n(block.host() + offset, bytes,
                                   data.begin() + static_cast<ptrdiff_t>(at));
                   });
}

bool VirtioPci::write(uint64_t address, std::span<const std::byte> data) {
    return for_ram(address, data.size(), true,
                   [&](memory::RamBlock& block, uint64_t offset, uint64_t at, uint64_t bytes) {
                       block.write(offset, data.subspan(at, bytes));
                   });
}

bool VirtioPci::locate(uint64_t address, uint64_t length, bool to_write,
                       memory::RamBuffer& buffer) const {
    return for_ram(address, length, to_write,
                   [&](memory::RamBlock& block, uint64_t offset, uint64_t, uint64_t bytes) {
                       buffer.add(block, offset, bytes);
                   });
}

void VirtioPci::queue_interrupt(unsigned queue) {
    interrupt(device_->queue(queue).registers().vector, kQueueCause);
}

void VirtioPci::config_interrupt() {
    interrupt(config_vector_, kConfigCause);
}

void VirtioPci::interrupt(uint16_t vector, uint8_t cause) {
    if (msix_ && msix_->enabled()) {
        const bool outer = sending_;
        sending_ = true;
        msix_->raise(vector);
        sending_ = outer;
        return;
    }
    interrupt_status_ |= cause;
    set_interrupt(true);
}

uint8_t VirtioPci::take_interrupt_status() {
    const uint8_t status = interrupt_status_;
    interrupt_status_ = 0;
    set_interrupt(false);
    return status;
}

VirtioPci::Registers* VirtioPci::window_target(uint32_t& offset, uint32_t& length) {
    if (!how_.modern || sending_) return nullptr;
    const uint8_t bar = config().byte(kWindowCap + 4);
    offset = config().read(kWindowCap + 8, 4);
    length = config().read(kWindowCap + 12, 4);
    uint32_t size = 0;
    if (bar == kModernBar) size = kModernSize;
    if (bar == kLegacyBar && how_.legacy) size = legacy_bar_size(how_);
    const bool good = (length == 1 || length == 2 || length == 4) && offset % length == 0;
    if (!good || offset >= size || length > size - offset) return nullptr;
    return bar == kModernBar ? &modern_ : &legacy_;
}

void VirtioPci::config_is_read(uint8_t offset, unsigned size) {
    if (!how_.modern || offset >= kWindowData + 4 || offset + size <= kWindowData) return;
    uint32_t at = 0;
    uint32_t length = 0;
    Registers* target = window_target(at, length);
    if (target == nullptr) return;
    mutable_config().set(kWindowData, length, static_cast<uint32_t>(target->io_read(at, length)));
}

void VirtioPci::config_written(uint8_t offset, unsigned size) {
    if (how_.modern && offset < kWindowData + 4 && offset + size > kWindowData) {
        uint32_t at = 0;
        uint32_t length = 0;
        if (Registers* target = window_target(at, length)) {
            target->io_write(at, length, config().read(kWindowData, length));
        }
    }
    if (sending_) return;
    if (msix_) {
        sending_ = true;
        msix_->config_written();
        sending_ = false;
        set_interrupt(interrupt_status_ != 0 && !msix_->enabled());
    }
    // What the driver told of while this was no master of the bus.
    const bool command = offset < pci::kStatus && offset + size > pci::kCommand;
    if (command && config().command(pci::kCommandMaster)) device_->notify_all();
}

VirtioPciState VirtioPci::save_virtio() const {
    VirtioPciState state;
    state.config = config().state();
    if (msix_) state.vectors = msix_->state();
    state.device_feature_select = device_feature_select_;
    state.driver_feature_select = driver_feature_select_;
    state.queue_select = queue_select_;
    state.config_vector = config_vector_;
    state.interrupt_status = interrupt_status_;
    state.device = device_->save();
    return state;
}

Result<void> VirtioPci::validate_virtio(const VirtioPciState& state) const {
    TRY(validate_pci(state.config));
    if (msix_) {
        TRY(msix_->validate(state.vectors));
    } else if (!state.vectors.empty()) {
        return fail("{} MSI-X vectors, this device has none", state.vectors.size());
    }
    TRY(device_->validate(state.device));
    if (usable_vector(state.config_vector) != state.config_vector) {
        return fail("configuration vector {}", state.config_vector);
    }
    for (const VirtqueueState& queue : state.device.queues) {
        if (usable_vector(queue.vector) != queue.vector) return fail("vector {}", queue.vector);
    }
    if ((state.interrupt_status & ~(kQueueCause | kConfigCause)) != 0) {
        return fail("interrupt status {:#x}", state.interrupt_status);
    }
    return {};
}

void VirtioPci::restore_virtio(const VirtioPciState& state) {
    device_->restore(state.device);
    if (msix_) msix_->restore(state.vectors);
    device_feature_select_ = state.device_feature_select;
    driver_feature_select_ = state.driver_feature_select;
    queue_select_ = state.queue_select;
    config_vector_ = state.config_vector;
    interrupt_status_ = state.interrupt_status;
    restore_pci(state.config);
}

}  // namespace qc::hw
