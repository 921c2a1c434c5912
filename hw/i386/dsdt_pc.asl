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

#define LINK_NAME LNKA
#define LINK_NUMBER 0
#define LINK_REGISTER PRQA
#include "acpi_link.asl"

#define LINK_NAME LNKB
#define LINK_NUMBER 1
#define LINK_REGISTER PRQB
#include "acpi_link.asl"

#define LINK_NAME LNKC
#define LINK_NUMBER 2
#define LINK_REGISTER PRQC
#include "acpi_link.asl"

#define LINK_NAME LNKD
#define LINK_NUMBER 3
#define LINK_REGISTER PRQD
#include "acpi_link.asl"

        // The power management function's: its SCI is wire 9.
#define LINK_NAME LNKS
#define LINK_NUMBER 4
#define LINK_INTERRUPT 9
#include "acpi_fixed_link.asl"
    }

    // PCI hot-plug (hw/acpi/pci_hotplug_core.h). The slots, and DVNT, which passes a notice on to
    // those in a mask, are in the SSDT.
    External (\_SB.PCI0.DVNT, MethodObj)
    Scope (\_SB.PCI0)
    {
        OperationRegion (HPRG, SystemIO, 0xAE00, 0x18)
        Field (HPRG, DWordAcc, NoLock, WriteAsZeros)
        {
            HPUP, 32,
            HPDN, 32,
            HPEJ, 32
        }
        Device (HPRS)
        {
            Name (_HID, EisaId ("PNP0C02"))
            Name (_UID, One)
            Name (_CRS, ResourceTemplate ()
            {
                IO (Decode16, 0xAE00, 0xAE00, 1, 0x18)
            })
        }
        // The device in slot Arg0 is let go.
        Method (PCEJ, 1, NotSerialized)
        {
            HPEJ = One << Arg0
        }
    }
    Method (\_GPE._E01, 0, NotSerialized)
    {
        \_SB.PCI0.DVNT (\_SB.PCI0.HPUP, 1)
        \_SB.PCI0.DVNT (\_SB.PCI0.HPDN, 3)
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
