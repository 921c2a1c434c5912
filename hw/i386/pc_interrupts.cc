// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/pc_interrupts.h"

#include "hw/intc/apic_router.h"
#include "hw/intc/apic_window.h"
#include "hw/intc/i8259.h"
#include "hw/intc/ioapic.h"
#include "hw/intc/local_apic.h"
#include "hw/isa/isa_irqs.h"
#include "hw/timer/i8254.h"
#include "hw/timer/pc_speaker.h"

namespace qc::hw {

namespace {

constexpr unsigned kTimerIrq = 0;
constexpr unsigned kCascadeIrq = 2;

// Ports and command words. Source: Intel 8259A datasheet, ICW1 to ICW4 and OCW1; 82371SB
// datasheet, 2.5.6 (ELCR).
constexpr uint16_t kMaster = 0x20;
constexpr uint16_t kSlave = 0xa0;
constexpr uint16_t kElcr = 0x4d0;
constexpr uint8_t kIcw1Cascaded = 0x11;
constexpr uint8_t kIcw48086 = 0x01;

void set_up_pic(memory::AddressSpace& io, uint16_t port, uint8_t vector, uint8_t cascade,
                uint8_t masked) {
    io.store(memory::PhysAddr(port), 1, kIcw1Cascaded);
    for (uint8_t value : {vector, cascade, kIcw48086, masked})
        io.store(memory::PhysAddr(port + 1), 1, value);
}

class OwnInterrupts final : public PcInterrupts {
 public:
    explicit OwnInterrupts(const Deps& deps)
        : PcInterrupts(deps.context.memory),
          io_(deps.context.io),
          pic_(deps.context),
          ioapic_(deps.memory_root, router_),
          pit_(deps.context) {
        std::vector<LocalApic*> apics;
        for (unsigned index = 0; index < deps.cpus.size(); ++index) {
            const LocalApic::Config config{
                .id = static_cast<uint8_t>(deps.places.possible[index].apic_id),
                .index = index,
                .cpu =
                    index == 0 ? LocalApicCore::Cpu::kBootstrap : LocalApicCore::Cpu::kApplication};
            apics_.push_back(std::make_unique<LocalApic>(
                config, deps.context, LocalApic::Connections{*deps.cpus[index], pic_, router_}));
            apics.push_back(apics_.back().get());
        }
        router_.add_eoi_listener(ioapic_);
        window_ = std::make_unique<ApicWindow>(
            ApicWindow::Deps{deps.context.memory, deps.memory_root, deps.current_cpu}, apics);
        pic_.output().connect([this](bool level) {
            pic_output_.moved(0, level);
            apics_.front()->set_lint(0, level);
        });
    }

    void set_irq(unsigned irq, bool level) override {
        if (irq == kCascadeIrq) return;
        if (irq < kIsaIrqCount) set_pic_pin(irq, level);
        set_ioapic_pin(irq, level);
    }
    void set_up_pics(const PicSetup& setup) override {
        set_up_pic(io_, kMaster, setup.master_vector, 1u << kCascadeIrq,
                   static_cast<uint8_t>(setup.masked));
        set_up_pic(io_, kSlave, setup.slave_vector, kCascadeIrq,
                   static_cast<uint8_t>(setup.masked >> 8));
        io_.store(memory::PhysAddr(kElcr), 1, setup.level_triggered & 0xff);
        io_.store(memory::PhysAddr(kElcr + 1), 1, setup.level_triggered >> 8);
    }
    void connect_timer(IsaIrqs& wires) override { wires.connect(kTimerIrq, pit_.output()); }
    PitChannel2& timer_channel2() override { return pit_; }
    void set_timer_replaced(bool) override {}
    void pulse_nmi() override {
        for (const auto& apic : apics_) {
            apic->set_lint(1, true);
            apic->set_lint(1, false);
        }
    }
    ApicPort* apic(unsigned cpu) override {
        return cpu < apics_.size() ? apics_[cpu].get() : nullptr;
    }
    std::vector<Device*> devices() override {
        std::vector<Device*> all;
        for (const auto& apic : apics_)
            all.push_back(apic.get());
        all.insert(all.end(), {&ioapic_, &pic_, &pit_});
        return all;
    }
    std::vector<GpioPins*> pins(const Device& device) override {
        if (&device == &ioapic_) return {&ioapic_inputs_};
        if (&device == &pic_) return {&pic_inputs_, &pic_output_};
        return {};
    }

 private:
    void set_pic_pin(unsigned pin, bool level) {
        pic_inputs_.moved(pin, level);
        pic_.set_irq(pin, level);
    }
    // By the wire's number, which is how a watcher knows the pin.
    void set_ioapic_pin(unsigned irq, bool level) {
        ioapic_inputs_.moved(irq, level);
        ioapic_.set_irq(irq == kTimerIrq ? IoApic::kTimerPin : irq, level);
    }

    // Source: Intel SDM vol. 3, "Message signalled interrupts".
    void deliver_msi(const MsiMessage& message) override {
        router_.deliver(
            {.vector = static_cast<uint8_t>(message.data),
             .delivery = static_cast<ApicDelivery>(message.data >> 8 & 7),
             .destination_mode = (message.address >> 2 & 1) != 0 ? ApicDestinationMode::kLogical
                                                                 : ApicDestinationMode::kPhysical,
             .destination = static_cast<uint8_t>(message.address >> 12),
             .trigger = (message.data >> 15 & 1) != 0 ? ApicTrigger::kLevel : ApicTrigger::kEdge});
    }

    memory::AddressSpace& io_;
    ApicRouter router_;
    I8259 pic_;
    IoApic ioapic_;
    I8254 pit_;
    std::vector<std::unique_ptr<LocalApic>> apics_;
    std::unique_ptr<ApicWindow> window_;
    GpioPins ioapic_inputs_{GpioPins::Direction::kIn, IoApicCore::kPins,
                            [this](unsigned pin, bool level) { set_ioapic_pin(pin, level); }};
    GpioPins pic_inputs_{GpioPins::Direction::kIn, kIsaIrqCount,
                         [this](unsigned pin, bool level) { set_pic_pin(pin, level); }};
    GpioPins pic_output_{GpioPins::Direction::kOut, 1};
};

// The kernel's chips, so that they are reset and saved with the others.
class KernelDevice final : public Device {
 public:
    explicit KernelDevice(KernelIrqchip& irqchip) : irqchip_(irqchip) {}
    std::string_view type_name() const override { return "kernel-irqchip"; }
    void reset() override { irqchip_.reset(); }
    std::vector<state::StateComponent*> state_components() override {
        return irqchip_.state_components();
    }

 private:
    KernelIrqchip& irqchip_;
};

class KernelInterrupts final : public PcInterrupts {
 public:
    KernelInterrupts(KernelIrqchip& irqchip, memory::AddressSpace& memory)
        : PcInterrupts(memory), irqchip_(irqchip), device_(irqchip), channel2_(irqchip) {}

    void set_irq(unsigned irq, bool level) override {
        inputs_.moved(irq, level);
        irqchip_.set_gsi_level(irq, level);
    }
    void set_up_pics(const PicSetup& setup) override { irqchip_.set_up_pics(setup); }
    void connect_timer(IsaIrqs&) override {}
    PitChannel2& timer_channel2() override { return channel2_; }
    void set_timer_replaced(bool replaced) override { irqchip_.set_pit_replaced(replaced); }
    void pulse_nmi() override {
        constexpr uint32_t kNmi = 0x400;
        irqchip_.send_msi(LocalApicCore::kDefaultBase, kNmi);
    }
    ApicPort* apic(unsigned) override { return nullptr; }
    std::vector<Device*> devices() override { return {&device_}; }
    std::vector<GpioPins*> pins(const Device& device) override {
        if (&device == &device_) return {&inputs_};
        return {};
    }

 private:
    void deliver_msi(const MsiMessage& message) override {
        irqchip_.send_msi(message.address, message.data);
    }

    KernelIrqchip& irqchip_;
    KernelDevice device_;
    KernelPitChannel2 channel2_;
    // Those of the I/O APIC, as devices of ours drive them.
    GpioPins inputs_{GpioPins::Direction::kIn, IoApicCore::kPins,
                     [this](unsigned pin, bool level) { set_irq(pin, level); }};
};

}  // namespace

void PcInterrupts::send_msi(const MsiMessage& message) {
    constexpr uint64_t kLocalApics = 0xfee;
    if (message.address >> 20 == kLocalApics) return deliver_msi(message);
    memory_.store(memory::PhysAddr(message.address), 4, message.data);
}

std::unique_ptr<PcInterrupts> PcInterrupts::create_own(const Deps& deps) {
    return std::make_unique<OwnInterrupts>(deps);
}

std::unique_ptr<PcInterrupts> PcInterrupts::create_kernel(KernelIrqchip& irqchip,
                                                          memory::AddressSpace& memory) {
    return std::make_unique<KernelInterrupts>(irqchip, memory);
}

}  // namespace qc::hw
