// SPDX-License-Identifier: GPL-2.0-or-later
//
// The DSDT of `q35`: MCH and ICH9. Sources: ACPI specification 6.5, chapters 6 and 19;
// Intel I/O Controller Hub 9 datasheet (316972), 13.1.17 and 13.1.23 (PIRQx_ROUT) and
// 10.1 (DxxIR).
DefinitionBlock ("dsdt_q35.aml", "DSDT", 2, "QCOLO ", "QCPC    ", 1)
{
    Device (\_SB.PCI0)
    {
        Name (_HID, EisaId ("PNP0A08"))
        Name (_CID, EisaId ("PNP0A03"))
        Name (_UID, Zero)

        Device (ISA)
        {
            Name (_ADR, 0x001F0000)
            OperationRegion (PRRA, PCI_Config, 0x60, 4)
            OperationRegion (PRRE, PCI_Config, 0x68, 4)
        }
    }
    Include ("acpi_common.asl")

    // The configuration window, which nothing else may use.
    Device (\_SB.ECAM)
    {
        Name (_HID, EisaId ("PNP0C02"))
        Name (_UID, Zero)
        Name (_CRS, ResourceTemplate ()
        {
            Memory32Fixed (ReadWrite, 0xB0000000, 0x10000000)
        })
    }

    Scope (\_SB)
    {
        Field (PCI0.ISA.PRRA, ByteAcc, NoLock, Preserve)
        {
            PRQA, 8,
            PRQB, 8,
            PRQC, 8,
            PRQD, 8
        }
        Field (PCI0.ISA.PRRE, ByteAcc, NoLock, Preserve)
        {
            PRQE, 8,
            PRQF, 8,
            PRQG, 8,
            PRQH, 8
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
        Device (LNKE)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 4)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 5, 10, 11 }
            })
            Method (_STA, 0, NotSerialized) { Return (LSTA (PRQE)) }
            Method (_DIS, 0, NotSerialized) { PRQE |= 0x80 }
            Method (_CRS, 0, NotSerialized) { Return (LCRS (PRQE)) }
            Method (_SRS, 1, NotSerialized) { PRQE = LGET (Arg0) }
        }
        Device (LNKF)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 5)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 5, 10, 11 }
            })
            Method (_STA, 0, NotSerialized) { Return (LSTA (PRQF)) }
            Method (_DIS, 0, NotSerialized) { PRQF |= 0x80 }
            Method (_CRS, 0, NotSerialized) { Return (LCRS (PRQF)) }
            Method (_SRS, 1, NotSerialized) { PRQF = LGET (Arg0) }
        }
        Device (LNKG)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 6)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 5, 10, 11 }
            })
            Method (_STA, 0, NotSerialized) { Return (LSTA (PRQG)) }
            Method (_DIS, 0, NotSerialized) { PRQG |= 0x80 }
            Method (_CRS, 0, NotSerialized) { Return (LCRS (PRQG)) }
            Method (_SRS, 1, NotSerialized) { PRQG = LGET (Arg0) }
        }
        Device (LNKH)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 7)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 5, 10, 11 }
            })
            Method (_STA, 0, NotSerialized) { Return (LSTA (PRQH)) }
            Method (_DIS, 0, NotSerialized) { PRQH |= 0x80 }
            Method (_CRS, 0, NotSerialized) { Return (LCRS (PRQH)) }
            Method (_SRS, 1, NotSerialized) { PRQH = LGET (Arg0) }
        }
        // The same wires as pins 16 to 23 of the I/O APIC.
        Device (GSIA)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 8)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 16 }
            })
            Name (_CRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 16 }
            })
            Method (_STA, 0, NotSerialized) { Return (0x0B) }
            Method (_DIS, 0, NotSerialized) { }
            Method (_SRS, 1, NotSerialized) { }
        }
        Device (GSIB)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 9)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 17 }
            })
            Name (_CRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 17 }
            })
            Method (_STA, 0, NotSerialized) { Return (0x0B) }
            Method (_DIS, 0, NotSerialized) { }
            Method (_SRS, 1, NotSerialized) { }
        }
        Device (GSIC)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 10)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 18 }
            })
            Name (_CRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 18 }
            })
            Method (_STA, 0, NotSerialized) { Return (0x0B) }
            Method (_DIS, 0, NotSerialized) { }
            Method (_SRS, 1, NotSerialized) { }
        }
        Device (GSID)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 11)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 19 }
            })
            Name (_CRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 19 }
            })
            Method (_STA, 0, NotSerialized) { Return (0x0B) }
            Method (_DIS, 0, NotSerialized) { }
            Method (_SRS, 1, NotSerialized) { }
        }
        Device (GSIE)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 12)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 20 }
            })
            Name (_CRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 20 }
            })
            Method (_STA, 0, NotSerialized) { Return (0x0B) }
            Method (_DIS, 0, NotSerialized) { }
            Method (_SRS, 1, NotSerialized) { }
        }
        Device (GSIF)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 13)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 21 }
            })
            Name (_CRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 21 }
            })
            Method (_STA, 0, NotSerialized) { Return (0x0B) }
            Method (_DIS, 0, NotSerialized) { }
            Method (_SRS, 1, NotSerialized) { }
        }
        Device (GSIG)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 14)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 22 }
            })
            Name (_CRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 22 }
            })
            Method (_STA, 0, NotSerialized) { Return (0x0B) }
            Method (_DIS, 0, NotSerialized) { }
            Method (_SRS, 1, NotSerialized) { }
        }
        Device (GSIH)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 15)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 23 }
            })
            Name (_CRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 23 }
            })
            Method (_STA, 0, NotSerialized) { Return (0x0B) }
            Method (_DIS, 0, NotSerialized) { }
            Method (_SRS, 1, NotSerialized) { }
        }
    }

    // The wire, 0 to 7, of pin Arg1 (0 is INTA#) of device Arg0: E to H in rotation, but the
    // chip's own devices (25 to 31, without the PCI bridge) as DxxIR has them from reset on.
    Method (\_SB.PCI0.WIRE, 2, NotSerialized)
    {
        If ((Arg0 >= 25) && (Arg0 != 30))
        {
            Return (Arg1)
        }
        Return (4 + ((Arg0 + Arg1) & 3))
    }

    Method (\_SB.PCI0.LINK, 1, NotSerialized)
    {
        If (\PICF)
        {
            If (Arg0 == 0) { Return (Package (4) { Zero, Zero, GSIA, Zero }) }
            If (Arg0 == 1) { Return (Package (4) { Zero, Zero, GSIB, Zero }) }
            If (Arg0 == 2) { Return (Package (4) { Zero, Zero, GSIC, Zero }) }
            If (Arg0 == 3) { Return (Package (4) { Zero, Zero, GSID, Zero }) }
            If (Arg0 == 4) { Return (Package (4) { Zero, Zero, GSIE, Zero }) }
            If (Arg0 == 5) { Return (Package (4) { Zero, Zero, GSIF, Zero }) }
            If (Arg0 == 6) { Return (Package (4) { Zero, Zero, GSIG, Zero }) }
            If (Arg0 == 7) { Return (Package (4) { Zero, Zero, GSIH, Zero }) }
        }
        If (Arg0 == 0) { Return (Package (4) { Zero, Zero, LNKA, Zero }) }
        If (Arg0 == 1) { Return (Package (4) { Zero, Zero, LNKB, Zero }) }
        If (Arg0 == 2) { Return (Package (4) { Zero, Zero, LNKC, Zero }) }
        If (Arg0 == 3) { Return (Package (4) { Zero, Zero, LNKD, Zero }) }
        If (Arg0 == 4) { Return (Package (4) { Zero, Zero, LNKE, Zero }) }
        If (Arg0 == 5) { Return (Package (4) { Zero, Zero, LNKF, Zero }) }
        If (Arg0 == 6) { Return (Package (4) { Zero, Zero, LNKG, Zero }) }
        Return (Package (4) { Zero, Zero, LNKH, Zero })
    }

    Method (\_SB.PCI0._PRT, 0, Serialized)
    {
        Local0 = Package (128) { }
        Local1 = Zero
        While (Local1 < 128)
        {
            Local2 = Local1 >> 2
            Local3 = Local1 & 3
            Local4 = LINK (WIRE (Local2, Local3))
            Local4 [0] = (Local2 << 16) | 0xFFFF
            Local4 [1] = Local3
            Local0 [Local1] = Local4
            Local1++
        }
        Return (Local0)
    }
}
