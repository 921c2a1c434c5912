// SPDX-License-Identifier: GPL-2.0-or-later
//
// Interrupt controllers and interval timer of a PC: either all of ours, or all of
// the host kernel's.
//
//   ISA wires --+--> 8259 pair --> LINT0 of the first local APIC --> processor
//               +--> I/O APIC ---> bus --> local APICs -------------> processors
//
// Wire 0 (the timer) is on pin 2 of the I/O APIC. Messages of PCI functions go to
// the local APICs.
//
// Threading: machine lock. Owned by PcBoard.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "hw/core/cpu_port.h"
#include "hw/core/device.h"
#include "hw/core/device_context.h"
#include "hw/core/gpio_pins.h"
#include "hw/core/kernel_irqchip.h"
#include "hw/i386/pc_cpus.h"
#include "hw/pci/msi.h"
#include "hw/timer/pit_channel2.h"
#include "memory/address_space.h"
#include "memory/memory_region.h"

namespace qc::hw {

class IsaIrqs;

class PcInterrupts : public MsiPort {
 public:
    struct Deps {
        const DeviceContext& context;
        memory::MemoryRegion& memory_root;
        std::span<CpuPort* const> cpus;
        const PcCpus& places;
        // The index of the processor whose access is being served.
        std::function<unsigned()> current_cpu;
    };
    static std::unique_ptr<PcInterrupts> create_own(const Deps& deps);
    static std::unique_ptr<PcInterrupts> create_kernel(KernelIrqchip& irqchip,
                                                       memory::AddressSpace& memory);

    // A message to somewhere else than the local APICs is a write like any other.
    void send_msi(const MsiMessage& message) final;

    // Where an ISA wire ends (0 to 15), or an input of the I/O APIC (16 to 23).
    virtual void set_irq(unsigned irq, bool level) = 0;
    // After a reset: what firmware would do to the 8259 pair.
    virtual void set_up_pics(const PicSetup& setup) = 0;
    // Connects the timer, if it is ours, to its wire.
    virtual void connect_timer(IsaIrqs& wires) = 0;
    virtual PitChannel2& timer_channel2() = 0;
    // The HPET has taken interrupt 0 over from the timer. Ours is cut off by the wires.
    virtual void set_timer_replaced(bool replaced) = 0;
    // The machine's NMI is LINT1 of every local APIC. Those of the host's kernel cannot be
    // reached that way: there it is the first processor's.
    virtual void pulse_nmi() = 0;
    virtual ApicPort* apic(unsigned cpu) = 0;
    // In the order of resetting and saving.
    virtual std::vector<Device*> devices() = 0;
    // The pins of one of these devices that can be watched; none of other devices.
    virtual std::vector<GpioPins*> pins(const Device& device) = 0;

 protected:
    explicit PcInterrupts(memory::AddressSpace& memory) : memory_(memory) {}

 private:
    virtual void deliver_msi(const MsiMessage& message) = 0;

    memory::AddressSpace& memory_;
};

}  // namespace qc::hw
