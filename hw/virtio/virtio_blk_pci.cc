// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/virtio/virtio_blk_pci.h"

#include <algorithm>
#include <bit>

namespace qc::hw {

namespace {

using qom::PropertyDef;
using qom::PropertyKind;

constexpr uint32_t kAutoQueues = 65535;
constexpr std::string_view kOnOffAuto[] = {"on", "off", "auto"};

constexpr PropertyDef kProperties[] = {
    {.name = "drive", .kind = PropertyKind::kString, .description = "ID of a drive"},
    {.name = "bootindex",
     .kind = PropertyKind::kInt32,
     .description = "place in the boot order",
     .default_value = -1},
    {.name = "config-wce",
     .kind = PropertyKind::kBool,
     .description = "the driver may switch the write cache",
     .default_value = true},
    {.name = "discard",
     .kind = PropertyKind::kBool,
     .description = "the driver may discard sectors",
     .default_value = true},
    {.name = "logical_block_size",
     .kind = PropertyKind::kSize,
     .description = "a power of two between 512 B and 2 MiB; 0: 512 B",
     .default_value = 0u},
    {.name = "max-discard-sectors",
     .kind = PropertyKind::kUint32,
     .description = "of one request",
     .default_value = VirtioBlk::kDefaultRangeSectors},
    {.name = "max-write-zeroes-sectors",
     .kind = PropertyKind::kUint32,
     .description = "of one request",
     .default_value = VirtioBlk::kDefaultRangeSectors},
    {.name = "min_io_size",
     .kind = PropertyKind::kSize,
     .description = "what the driver is advised, in bytes",
     .default_value = 0u},
    {.name = "num-queues",
     .kind = PropertyKind::kUint16,
     .description = "queues; 65535: one for each processor",
     .default_value = kAutoQueues},
    {.name = "opt_io_size",
     .kind = PropertyKind::kSize,
     .description = "what the driver is advised, in bytes",
     .default_value = 0u},
    {.name = "physical_block_size",
     .kind = PropertyKind::kSize,
     .description = "a power of two between 512 B and 2 MiB; 0: the logical size",
     .default_value = 0u},
    {.name = "queue-size",
     .kind = PropertyKind::kUint16,
     .description = "entries of each queue, a power of two up to 1024",
     .default_value = 256u},
    {.name = "serial", .kind = PropertyKind::kString, .description = "at most 20 characters"},
    {.name = "write-cache",
     .kind = PropertyKind::kEnum,
     .description = "whether it is on after a reset; auto: on",
     .default_value = "auto",
     .enum_values = kOnOffAuto,
     .type_name = "OnOffAuto"},
    {.name = "write-zeroes",
     .kind = PropertyKind::kBool,
     .description = "the driver may have sectors zeroed",
     .default_value = true},
};

Result<uint32_t> block_size(const qom::PropertyValues& properties, std::string_view name,
                            uint32_t otherwise) {
    const uint64_t size = properties.get_uint(name);
    if (size == 0) return otherwise;
    if (std::has_single_bit(size) && size >= 512 && size <= 2 * 1024 * 1024) {
        return static_cast<uint32_t>(size);
    }
    return fail("{} must be a power of 2 between 512 and 2097152", name);
}

Result<void> take_sizes(const qom::PropertyValues& properties, VirtioBlk::Config& blk) {
    blk.logical_block_size = TRY(block_size(properties, "logical_block_size", 512));
    blk.physical_block_size =
        TRY(block_size(properties, "physical_block_size", blk.logical_block_size));
    if (blk.physical_block_size < blk.logical_block_size) {
        return fail("logical_block_size > physical_block_size not supported");
    }
    const uint64_t min = properties.get_uint("min_io_size");
    const uint64_t opt = properties.get_uint("opt_io_size");
    if (min % blk.logical_block_size != 0) {
        return fail("min_io_size must be a multiple of logical_block_size");
    }
    if (min / blk.logical_block_size > UINT16_MAX) {
        return fail("min_io_size must not exceed {} logical blocks", UINT16_MAX);
    }
    if (opt % blk.logical_block_size != 0 || opt > UINT32_MAX) {
        return fail("opt_io_size must be a multiple of logical_block_size below 4 GiB");
    }
    blk.min_io_size = static_cast<uint32_t>(min);
    blk.opt_io_size = static_cast<uint32_t>(opt);
    return {};
}

Result<void> take_queues(const qom::PropertyValues& properties, unsigned queues,
                         VirtioBlk::Config& blk) {
    const uint64_t wanted = properties.get_uint("num-queues");
    if (wanted == 0) return fail("num-queues property must be larger than 0");
    const uint64_t count = wanted == kAutoQueues ? queues : wanted;
    if (count > VirtioState::kMaxQueues) {
        return fail("num-queues property must not exceed {}", VirtioState::kMaxQueues);
    }
    const uint64_t size = properties.get_uint("queue-size");
    if (!std::has_single_bit(size) || size > Virtqueue::kMaxSize) {
        return fail("invalid queue-size property ({}), must be a power of 2 (max {})", size,
                    Virtqueue::kMaxSize);
    }
    if (size <= 2) return fail("invalid queue-size property ({}), must be > 2", size);
    blk.queues = static_cast<uint16_t>(count);
    blk.queue_size = static_cast<uint16_t>(size);
    return {};
}

VirtioPci::Config transport(const VirtioBlkPci::Config& config) {
    constexpr uint32_t kMassStorageScsi = 0x010000;
    const unsigned vectors = std::min(config.blk.queues + 1u, Msix::kMaxVectors);
    return {.virtio_id = VirtioBlk::kVirtioId,
            .legacy_pci_id = 0x1001,
            .class_code = kMassStorageScsi,
            .vectors = config.pci.vectors.value_or(static_cast<uint16_t>(vectors)),
            .config_size = VirtioBlk::kConfigSize,
            .legacy = config.pci.legacy,
            .modern = config.pci.modern};
}

}  // namespace

constinit const qom::ObjectType kVirtioBlkPciType{.name = "virtio-blk-pci",
                                                  .parent = &kVirtioPciType,
                                                  .description = "virtio disk",
                                                  .properties = kProperties};

Result<VirtioBlkPci::Config> VirtioBlkPci::parse(const qom::PropertyValues& properties,
                                                 unsigned queues) {
    Config config{.pci = TRY(virtio_pci_options(properties)), .blk = {}, .boot_index = {}};
    TRY(take_sizes(properties, config.blk));
    TRY(take_queues(properties, queues, config.blk));
    config.blk.ring_features = config.pci.ring_features;
    config.blk.serial = properties.get_string("serial");
    if (config.blk.serial.size() > 20) {
        return fail("property 'serial': '{}' is longer than 20 characters", config.blk.serial);
    }
    config.blk.config_wce = properties.get_bool("config-wce");
    config.blk.write_cache = properties.get_string("write-cache") != "off";
    config.blk.discard = properties.get_bool("discard");
    config.blk.write_zeroes = properties.get_bool("write-zeroes");
    const auto sectors = [&](std::string_view name, bool on, uint32_t& value) -> Result<void> {
        value = static_cast<uint32_t>(properties.get_uint(name));
        if (!on || (value != 0 && value <= VirtioBlk::kDefaultRangeSectors)) return {};
        return fail("invalid {} property ({}), must be between 1 and {}", name, value,
                    VirtioBlk::kDefaultRangeSectors);
    };
    TRY(sectors("max-discard-sectors", config.blk.discard, config.blk.max_discard_sectors));
    TRY(sectors("max-write-zeroes-sectors", config.blk.write_zeroes,
                config.blk.max_write_zeroes_sectors));
    if (properties.is_set("bootindex") && properties.get_int("bootindex") >= 0) {
        config.boot_index = static_cast<uint32_t>(properties.get_int("bootindex"));
    }
    return config;
}

VirtioBlkPci::VirtioBlkPci(const DeviceContext& context, MsiPort& msi, const Config& config,
                           PciSlot slot, block::BlockDevice& disk)
    : VirtioPci(context, msi, transport(config)),
      blk_config_(config.blk),
      disk_(disk),
      blk_(config.blk, disk, dma(), interrupts()),
      component_({.name = virtio_state_name(slot, "virtio-blk")}, *this) {
    attach(blk_);
}

void VirtioBlkPci::settle_properties(qom::PropertyValues& properties) const {
    VirtioPci::settle_properties(properties);
    properties.settle("num-queues", blk_config_.queues);
    properties.settle("logical_block_size", blk_config_.logical_block_size);
    properties.settle("physical_block_size", blk_config_.physical_block_size);
}

VirtioBlkPciState VirtioBlkPci::save() const {
    return {.pci = save_virtio(), .blk = blk_.save_blk(), .capacity = disk_.length()};
}

Result<void> VirtioBlkPci::validate(const VirtioBlkPciState& state) const {
    TRY(validate_virtio(state.pci));
    if (state.capacity == disk_.length()) return {};
    return fail("a disk of {} bytes, this one has {}", state.capacity, disk_.length());
}

void VirtioBlkPci::restore(const VirtioBlkPciState& state) {
    restore_virtio(state.pci);
    blk_.restore_blk(state.blk);
}

}  // namespace qc::hw
