// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/direct/mp_table.h"

#include <span>
#include <string_view>

#include "hw/intc/ioapic.h"
#include "hw/intc/local_apic_core.h"
#include "util/assert.h"
#include "util/bytes.h"
#include "util/little_endian.h"

namespace qc::hw {

namespace {

constexpr size_t kHeaderSize = 44;
constexpr size_t kChecksumAt = 7;
constexpr size_t kCountAt = 34;
constexpr uint8_t kRevision = 4;  // 1.4
constexpr size_t kPointerSize = 16;
constexpr size_t kPointerChecksumAt = 10;

constexpr uint8_t kApicVersion = 0x14;
constexpr uint8_t kIoApicVersion = 0x11;
constexpr uint8_t kIoApicId = 0;
constexpr uint8_t kPciBus = 0;
constexpr uint8_t kIsaBus = 1;
constexpr uint8_t kAllApics = 0xff;

enum Entry : uint8_t { kProcessor, kBus, kIoApic, kIoInterrupt, kLocalInterrupt };
enum Kind : uint8_t { kVectored = 0, kNmi = 1, kExternal = 3 };
constexpr uint16_t kAsTheBus = 0;
constexpr uint16_t kLevelHigh = 0xd;
constexpr uint8_t kTimerIrq = 0;
constexpr uint8_t kCascadeIrq = 2;
constexpr unsigned kIsaIrqs = 16;

// Entries, counted.
class Entries {
 public:
    void add_processor(uint32_t apic_id, bool bootstrap, uint64_t id) {
        begin(kProcessor);
        out_.u8(static_cast<uint8_t>(apic_id));
        out_.u8(kApicVersion);
        out_.u8(bootstrap ? 3 : 1);  // usable, and the first
        out_.le32(static_cast<uint32_t>(id));
        out_.le32(static_cast<uint32_t>(id >> 32));
        out_.le64(0);
    }
    void add_bus(uint8_t number, std::string_view name) {
        QC_ASSERT(name.size() == 6);
        begin(kBus);
        out_.u8(number);
        out_.bytes(std::as_bytes(std::span(name)));
    }
    void add_io_apic() {
        begin(kIoApic);
        out_.u8(kIoApicId);
        out_.u8(kIoApicVersion);
        out_.u8(1);  // usable
        out_.le32(static_cast<uint32_t>(IoApic::kAddress));
    }
    struct Wire {
        Kind kind = kVectored;
        uint16_t flags = kAsTheBus;
        uint8_t bus = kIsaBus;
        uint8_t source = 0;
        uint8_t apic = kIoApicId;
        uint8_t input = 0;
    };
    void add_interrupt(Entry entry, const Wire& wire) {
        begin(entry);
        out_.u8(wire.kind);
        out_.le16(wire.flags);
        out_.u8(wire.bus);
        out_.u8(wire.source);
        out_.u8(wire.apic);
        out_.u8(wire.input);
    }
    uint16_t count() const { return count_; }
    std::span<const std::byte> view() const { return out_.view(); }

 private:
    void begin(Entry entry) {
        out_.u8(entry);
        ++count_;
    }
    ByteWriter out_;
    uint16_t count_ = 0;
};

void add_interrupts(Entries& entries, const MpTableConfig& config) {
    for (const MpTableConfig::PciPin& pin : config.pci_pins) {
        entries.add_interrupt(kIoInterrupt,
                              {.flags = kLevelHigh,
                               .bus = kPciBus,
                               .source = static_cast<uint8_t>(pin.device << 2 | pin.pin),
                               .input = pin.target});
    }
    for (uint8_t irq = 0; irq < kIsaIrqs; ++irq) {
        if (irq == kCascadeIrq || (config.taken_by_pci >> irq & 1) != 0) continue;
        const auto input = static_cast<uint8_t>(irq == kTimerIrq ? IoApic::kTimerPin : irq);
        entries.add_interrupt(kIoInterrupt, {.source = irq, .input = input});
    }
    const auto first = static_cast<uint8_t>(config.cpus.possible.front().apic_id);
    entries.add_interrupt(kLocalInterrupt, {.kind = kExternal, .apic = first, .input = 0});
    entries.add_interrupt(kLocalInterrupt, {.kind = kNmi, .apic = kAllApics, .input = 1});
}

void put_text(ByteWriter& out, std::string_view text) {
    out.bytes(std::as_bytes(std::span(text)));
}

}  // namespace

std::vector<std::byte> make_mp_table(const MpTableConfig& config) {
    Entries entries;
    for (uint32_t cpu = 0; cpu < config.cpus.present; ++cpu)
        entries.add_processor(config.cpus.possible[cpu].apic_id, cpu == 0, config.processor_id);
    entries.add_bus(kPciBus, "PCI   ");
    entries.add_bus(kIsaBus, "ISA   ");
    entries.add_io_apic();
    add_interrupts(entries, config);

    ByteWriter out;
    put_text(out, "PCMP");
    out.le16(static_cast<uint16_t>(kHeaderSize + entries.view().size()));
    out.u8(kRevision);
    out.u8(0);  // checksum
    put_text(out, "QCOLO   ");
    put_text(out, "QCPC        ");
    out.le32(0);  // no table of the maker's
    out.le16(0);
    QC_ASSERT(out.size() == kCountAt);
    out.le16(entries.count());
    out.le32(static_cast<uint32_t>(LocalApicCore::kDefaultBase));
    out.le32(0);  // nothing behind
    QC_ASSERT(out.size() == kHeaderSize);
    out.bytes(entries.view());
    std::vector<std::byte> table = out.take();
    set_checksum(table, kChecksumAt);
    return table;
}

std::vector<std::byte> make_mp_pointer(uint32_t table_address) {
    ByteWriter out;
    put_text(out, "_MP_");
    out.le32(table_address);
    out.u8(kPointerSize / 16);
    out.u8(kRevision);
    out.u8(0);    // checksum
    out.u8(0);    // there is a table
    out.le32(0);  // and the 8259s are connected directly
    std::vector<std::byte> pointer = out.take();
    QC_ASSERT(pointer.size() == kPointerSize);
    set_checksum(pointer, kPointerChecksumAt);
    return pointer;
}

}  // namespace qc::hw
