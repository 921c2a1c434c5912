// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/virtio/virtio_rng_pci.h"

namespace qc::hw {

namespace {

using qom::PropertyDef;
using qom::PropertyKind;

constexpr PropertyDef kProperties[] = {
    {.name = "max-bytes",
     .kind = PropertyKind::kUint64,
     .description = "bytes in a period",
     .default_value = uint64_t{INT64_MAX}},
    {.name = "period",
     .kind = PropertyKind::kUint32,
     .description = "milliseconds",
     .default_value = 65536u},
    {.name = "rng",
     .kind = PropertyKind::kString,
     .description = "ID of an object that gives random bytes; none: rng-builtin",
     .type_name = "link<rng-backend>"},
};

VirtioPci::Config transport(const VirtioRngPci::Config& config) {
    constexpr uint32_t kNoClass = 0x00ff00;
    constexpr uint16_t kVectors = 2;
    return {.virtio_id = VirtioRng::kVirtioId,
            .legacy_pci_id = 0x1005,
            .class_code = kNoClass,
            .vectors = config.pci.vectors.value_or(kVectors),
            .config_size = 0,
            .legacy = config.pci.legacy,
            .modern = config.pci.modern};
}

}  // namespace

constinit const qom::ObjectType kVirtioRngPciType{.name = "virtio-rng-pci",
                                                  .parent = &kVirtioPciType,
                                                  .description = "virtio random numbers",
                                                  .properties = kProperties};

Result<VirtioRngPci::Config> VirtioRngPci::parse(const qom::PropertyValues& properties) {
    Config config{.pci = TRY(virtio_pci_options(properties)), .rng = {}};
    config.rng.features = config.pci.ring_features;
    config.rng.max_bytes = properties.get_uint("max-bytes");
    if (config.rng.max_bytes > INT64_MAX) {
        return fail("'max-bytes' parameter must be non-negative, and less than 2^63");
    }
    config.rng.period_ms = static_cast<uint32_t>(properties.get_uint("period"));
    if (config.rng.period_ms == 0) return fail("'period' parameter expects a positive integer");
    return config;
}

VirtioRngPci::VirtioRngPci(const DeviceContext& context, MsiPort& msi, const Config& config,
                           PciSlot slot, std::shared_ptr<EntropySource> source)
    : VirtioPci(context, msi, transport(config)),
      rng_(config.rng, std::move(source), context.virtual_timers, dma(), interrupts()),
      component_({.name = virtio_state_name(slot, "virtio-rng")}, *this) {
    attach(rng_);
}

Result<void> VirtioRngPci::validate(const VirtioRngPciState& state) const {
    TRY(validate_virtio(state.pci));
    return rng_.validate_rng(state.rng);
}

void VirtioRngPci::restore(const VirtioRngPciState& state) {
    restore_virtio(state.pci);
    rng_.restore_rng(state.rng);
}

}  // namespace qc::hw
