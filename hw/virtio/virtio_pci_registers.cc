// SPDX-License-Identifier: GPL-2.0-or-later
//
// The registers that a driver sees in BAR 4 (virtio 1.2, section 4.1.4) and in BAR 0
// (section 4.1.4.10).
#include "hw/virtio/virtio_pci.h"
#include "hw/virtio/virtio_pci_layout.h"
#include "util/little_endian.h"

namespace qc::hw {

using namespace virtio_pci;

namespace {

// Offsets in the common configuration.
enum Common : uint32_t {
    kDeviceFeatureSelect = 0x00,
    kDeviceFeature = 0x04,
    kDriverFeatureSelect = 0x08,
    kDriverFeature = 0x0c,
    kConfigVector = 0x10,
    kQueueCount = 0x12,
    kDeviceStatus = 0x14,
    kGeneration = 0x15,
    kQueueSelect = 0x16,
    kQueueSize = 0x18,
    kQueueVector = 0x1a,
    kQueueEnable = 0x1c,
    kQueueNotify = 0x1e,
    kQueueDescriptors = 0x20,
    kQueueDriver = 0x28,
    kQueueDevice = 0x30,
    kQueueReset = 0x3a,
    kCommonSize = 0x3c,
};

enum Legacy : uint32_t {
    kHostFeatures = 0,
    kGuestFeatures = 4,
    kLegacyPage = 8,
    kLegacySize = 12,
    kLegacySelect = 14,
    kLegacyNotify = 16,
    kLegacyStatus = 18,
    kLegacyIsr = 19,
    kLegacyConfigVector = 20,
    kLegacyQueueVector = 22,
};

constexpr unsigned kPageBits = 12;
constexpr uint64_t kPageSize = uint64_t{1} << kPageBits;

// What lies behind the end reads as zeros.
uint64_t get(const std::vector<uint8_t>& image, uint64_t offset, unsigned bytes) {
    if (offset >= image.size()) return 0;
    return get_le(image, offset, std::min<uint64_t>(bytes, image.size() - offset));
}

void put_half(uint64_t& target, bool high, uint32_t value) {
    const unsigned shift = high ? 32 : 0;
    target = (target & ~(uint64_t{0xffffffff} << shift)) | uint64_t{value} << shift;
}

}  // namespace

uint64_t VirtioPci::Registers::io_read(uint64_t offset, unsigned size) {
    if (owner_.sending_) return 0;
    return window_ == Window::kModern ? owner_.read_modern(offset, size)
                                      : owner_.read_legacy(offset, size);
}

void VirtioPci::Registers::io_write(uint64_t offset, unsigned size, uint64_t value) {
    if (owner_.sending_) return;
    if (window_ == Window::kModern) {
        owner_.write_modern(offset, size, value);
    } else {
        owner_.write_legacy(offset, size, value);
    }
}

Virtqueue* VirtioPci::selected() {
    return queue_select_ < device_->queue_count() ? &device_->queue(queue_select_) : nullptr;
}

const Virtqueue* VirtioPci::selected() const {
    return queue_select_ < device_->queue_count() ? &device_->queue(queue_select_) : nullptr;
}

// Vectors that do not exist read back as none, which tells the driver.
uint16_t VirtioPci::usable_vector(uint64_t vector) const {
    return vector < how_.vectors ? static_cast<uint16_t>(vector) : Virtqueue::kNoVector;
}

void VirtioPci::set_driver_features(uint32_t half, uint32_t value) {
    if (half > 1) return;
    uint64_t features = device_->features();
    put_half(features, half == 1, value);
    device_->set_features(features);
}

VirtioPci::Image VirtioPci::common_image() const {
    Image image(kCommonSize);
    // To drivers of 1.0 the layout is always any.
    const uint64_t features = device_->offered_features() & ~virtio::kAnyLayout;
    const auto half = [](uint64_t all, uint32_t select) {
        return select > 1 ? 0 : static_cast<uint32_t>(all >> (32 * select));
    };
    put_le(image, kDeviceFeatureSelect, 4, device_feature_select_);
    put_le(image, kDeviceFeature, 4, half(features, device_feature_select_));
    put_le(image, kDriverFeatureSelect, 4, driver_feature_select_);
    put_le(image, kDriverFeature, 4, half(device_->features(), driver_feature_select_));
    put_le(image, kConfigVector, 2, config_vector_);
    put_le(image, kQueueCount, 2, device_->queue_count());
    put_le(image, kDeviceStatus, 1, device_->status());
    put_le(image, kGeneration, 1, device_->generation());
    put_le(image, kQueueSelect, 2, queue_select_);
    put_le(image, kQueueVector, 2, Virtqueue::kNoVector);
    put_le(image, kQueueNotify, 2, queue_select_);
    if (const Virtqueue* queue = selected()) {
        const VirtqueueState& registers = queue->registers();
        put_le(image, kQueueSize, 2, registers.size);
        put_le(image, kQueueVector, 2, registers.vector);
        put_le(image, kQueueEnable, 2, registers.enabled ? 1 : 0);
        put_le(image, kQueueDescriptors, 8, registers.descriptors);
        put_le(image, kQueueDriver, 8, registers.driver);
        put_le(image, kQueueDevice, 8, registers.device);
    }
    return image;
}

uint64_t VirtioPci::read_modern(uint64_t offset, unsigned size) {
    if (offset < kIsrOffset) return get(common_image(), offset, size);
    if (offset < kDeviceOffset) return offset == kIsrOffset ? take_interrupt_status() : 0;
    if (offset < kNotifyOffset) return get(device_->config_space(), offset - kDeviceOffset, size);
    return 0;
}

void VirtioPci::write_modern(uint64_t offset, unsigned size, uint64_t value) {
    if (offset < kIsrOffset) return write_common(offset, value);
    if (offset < kDeviceOffset) return;
    if (offset < kNotifyOffset) return write_device_config(offset - kDeviceOffset, size, value);
    if (!config().command(pci::kCommandMaster)) return;
    device_->notify(static_cast<unsigned>((offset - kNotifyOffset) / kNotifyMultiplier));
}

void VirtioPci::write_device_config(uint64_t offset, unsigned size, uint64_t value) {
    for (unsigned i = 0; i < size; ++i)
        device_->write_config(static_cast<uint32_t>(offset + i),
                              static_cast<uint8_t>(value >> 8 * i));
}

void VirtioPci::write_common(uint64_t offset, uint64_t value) {
    const auto word = static_cast<uint32_t>(value);
    const auto half = static_cast<uint16_t>(value);
    switch (offset) {
        case kDeviceFeatureSelect: device_feature_select_ = word; return;
        case kDriverFeatureSelect: driver_feature_select_ = word; return;
        case kDriverFeature: return set_driver_features(driver_feature_select_, word);
        case kConfigVector: config_vector_ = usable_vector(half); return;
        case kDeviceStatus:
            device_->set_status(static_cast<uint8_t>(value));
            if (device_->status() != 0) return;
            // The transport's part of a reset.
            config_vector_ = Virtqueue::kNoVector;
            queue_select_ = 0;
            (void)take_interrupt_status();
            return;
        case kQueueSelect: queue_select_ = half; return;
        default: break;
    }
    Virtqueue* queue = selected();
    if (queue == nullptr) return;
    if (offset == kQueueVector) {
        queue->registers().vector = usable_vector(half);
    } else if (offset == kQueueReset) {
        if (half == 1 && device_->has(virtio::kRingReset)) device_->reset_queue(queue_select_);
    } else if (!queue->registers().enabled) {
        if (offset == kQueueSize) queue->set_size(half);
        if (offset == kQueueEnable && half == 1) queue->registers().enabled = true;
        if (offset >= kQueueDescriptors && offset % 4 == 0) write_queue_address(offset, word);
    }
}

void VirtioPci::write_queue_address(uint64_t offset, uint32_t value) {
    VirtqueueState& queue = selected()->registers();
    const bool high = offset % 8 != 0;
    switch (offset & ~uint64_t{7}) {
        case kQueueDescriptors: return put_half(queue.descriptors, high, value);
        case kQueueDriver: return put_half(queue.driver, high, value);
        case kQueueDevice: return put_half(queue.device, high, value);
        default: return;
    }
}

uint32_t VirtioPci::legacy_header_size() const {
    return msix_ && msix_->enabled() ? kLegacyWithVectors : kLegacyHeader;
}

VirtioPci::Image VirtioPci::legacy_image() const {
    Image image(legacy_header_size());
    put_le(image, kHostFeatures, 4, device_->offered_features());
    put_le(image, kGuestFeatures, 4, device_->features());
    put_le(image, kLegacySelect, 2, queue_select_);
    put_le(image, kLegacyStatus, 1, device_->status());
    uint16_t vector = Virtqueue::kNoVector;
    if (const Virtqueue* queue = selected()) {
        const VirtqueueState& registers = queue->registers();
        const uint64_t page = registers.enabled ? registers.descriptors >> kPageBits : 0;
        put_le(image, kLegacyPage, 4, page);
        put_le(image, kLegacySize, 2, queue->max_size());
        vector = registers.vector;
    }
    if (image.size() > kLegacyConfigVector) {
        put_le(image, kLegacyConfigVector, 2, config_vector_);
        put_le(image, kLegacyQueueVector, 2, vector);
    }
    const std::vector<uint8_t> space = device_->config_space();
    image.insert(image.end(), space.begin(), space.end());
    return image;
}

uint64_t VirtioPci::read_legacy(uint64_t offset, unsigned size) {
    uint64_t value = get(legacy_image(), offset, size);
    if (offset <= kLegacyIsr && offset + size > kLegacyIsr) {
        value |= uint64_t{take_interrupt_status()} << (8 * (kLegacyIsr - offset));
    }
    return value;
}

// The three areas lie behind each other, the last one on a page of its own.
void VirtioPci::place_legacy_queue(uint32_t page) {
    Virtqueue* queue = selected();
    if (queue == nullptr) return;
    VirtqueueState& registers = queue->registers();
    const uint64_t entries = queue->max_size();
    registers.size = queue->max_size();
    registers.descriptors = uint64_t{page} << kPageBits;
    registers.driver = registers.descriptors + 16 * entries;
    const uint64_t end = registers.driver + 2 * (3 + entries);
    registers.device = (end + kPageSize - 1) & ~(kPageSize - 1);
    registers.enabled = true;
}

void VirtioPci::write_legacy(uint64_t offset, unsigned size, uint64_t value) {
    const auto word = static_cast<uint32_t>(value);
    const auto half = static_cast<uint16_t>(value);
    const uint32_t header = legacy_header_size();
    if (offset >= header) return write_device_config(offset - header, size, value);
    const auto reset_all = [this] {
        device_->reset();
        config_vector_ = Virtqueue::kNoVector;
        queue_select_ = 0;
        (void)take_interrupt_status();
    };
    Virtqueue* queue = selected();
    switch (offset) {
        case kGuestFeatures: return set_driver_features(0, word);
        case kLegacyPage: return word == 0 ? reset_all() : place_legacy_queue(word);
        case kLegacySelect: queue_select_ = half; return;
        case kLegacyNotify:
            if (config().command(pci::kCommandMaster)) device_->notify(half);
            return;
        case kLegacyStatus:
            if (static_cast<uint8_t>(value) == 0) return reset_all();
            return device_->set_status(static_cast<uint8_t>(value));
        case kLegacyConfigVector: config_vector_ = usable_vector(half); return;
        case kLegacyQueueVector:
            if (queue != nullptr) queue->registers().vector = usable_vector(half);
            return;
        default: return;
    }
}

}  // namespace qc::hw
