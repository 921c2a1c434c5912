// SPDX-License-Identifier: GPL-2.0-or-later
//
// The DSDT of `pc`: 440FX, PIIX3, PIIX4's power management. Sources: ACPI specification
// 6.5, chapters 6 and 19; Intel 82371SB (PIIX3) datasheet, 2.2 (PIRQRC).
DefinitionBlock ("dsdt_pc.aml", "DSDT", 2, "QCOLO ", "QCPC    ", 1)
{
    Device (\_SB.PCI0)
    {
        Name (_HID, EisaId ("PNP0A03"))
        Name (_UID, Zero)

        Device (ISA)
        {
            Name (_ADR, 0x00010000)
            OperationRegion (PRRC, PCI_Config, 0x60, 4)
        }
    }
    Include ("acpi_common.asl")

    Scope (\_SB)
    {
        Field (PCI0.ISA.PRRC, ByteAcc, NoLock, Preserve)
        {
            PRQA, 8,
            PRQB, 8,
            PRQC, 8,
            PRQD, 8
        }
        Device (LNKA)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 0)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 5, 10, 11 }
            })
            Method (_STA, 0, NotSerialized) { Return (LSTA (PRQA)) }
            Method (_DIS, 0, NotSerialized) { PRQA |= 0x80 }
            Method (_CRS, 0, NotSerialized) { Return (LCRS (PRQA)) }
            Method (_SRS, 1, NotSerialized) { PRQA = LGET (Arg0) }
        }
        Device (LNKB)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 1)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 5, 10, 11 }
            })
            Method (_STA, 0, NotSerialized) { Return (LSTA (PRQB)) }
            Method (_DIS, 0, NotSerialized) { PRQB |= 0x80 }
            Method (_CRS, 0, NotSerialized) { Return (LCRS (PRQB)) }
            Method (_SRS, 1, NotSerialized) { PRQB = LGET (Arg0) }
        }
        Device (LNKC)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 2)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 5, 10, 11 }
            })
            Method (_STA, 0, NotSerialized) { Return (LSTA (PRQC)) }
            Method (_DIS, 0, NotSerialized) { PRQC |= 0x80 }
            Method (_CRS, 0, NotSerialized) { Return (LCRS (PRQC)) }
            Method (_SRS, 1, NotSerialized) { PRQC = LGET (Arg0) }
        }
        Device (LNKD)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 3)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 5, 10, 11 }
            })
            Method (_STA, 0, NotSerialized) { Return (LSTA (PRQD)) }
            Method (_DIS, 0, NotSerialized) { PRQD |= 0x80 }
            Method (_CRS, 0, NotSerialized) { Return (LCRS (PRQD)) }
            Method (_SRS, 1, NotSerialized) { PRQD = LGET (Arg0) }
        }
        // The power management function's: its SCI is wire 9.
        Device (LNKS)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 4)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 9 }
            })
            Name (_CRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 9 }
            })
            Method (_STA, 0, NotSerialized) { Return (0x0B) }
            Method (_DIS, 0, NotSerialized) { }
            Method (_SRS, 1, NotSerialized) { }
        }
    }

    // Pin p (0 is INTA#) of device d is on wire (d + p - 1) mod 4.
    Method (\_SB.PCI0._PRT, 0, Serialized)
    {
        Local0 = Package (128) { }
        Local1 = Zero
        While (Local1 < 128)
        {
            Local2 = Local1 >> 2
            Local3 = Local1 & 3
            Local4 = (Local2 + Local3 + 3) & 3
            Local5 = Package (4) { Zero, Zero, LNKA, Zero }
            If (Local4 == 1) { Local5 = Package (4) { Zero, Zero, LNKB, Zero } }
            If (Local4 == 2) { Local5 = Package (4) { Zero, Zero, LNKC, Zero } }
            If (Local4 == 3) { Local5 = Package (4) { Zero, Zero, LNKD, Zero } }
            If (Local1 == 4) { Local5 = Package (4) { Zero, Zero, LNKS, Zero } }
            Local5 [0] = (Local2 << 16) | 0xFFFF
            Local5 [1] = Local3
            Local0 [Local1] = Local5
            Local1++
        }
        Return (Local0)
    }
}
