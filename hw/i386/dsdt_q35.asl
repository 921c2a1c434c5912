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

#define LINK_NAME LNKE
#define LINK_NUMBER 4
#define LINK_REGISTER PRQE
#include "acpi_link.asl"

#define LINK_NAME LNKF
#define LINK_NUMBER 5
#define LINK_REGISTER PRQF
#include "acpi_link.asl"

#define LINK_NAME LNKG
#define LINK_NUMBER 6
#define LINK_REGISTER PRQG
#include "acpi_link.asl"

#define LINK_NAME LNKH
#define LINK_NUMBER 7
#define LINK_REGISTER PRQH
#include "acpi_link.asl"

        // The same wires as pins 16 to 23 of the I/O APIC.
#define LINK_NAME GSIA
#define LINK_NUMBER 8
#define LINK_INTERRUPT 16
#include "acpi_fixed_link.asl"

#define LINK_NAME GSIB
#define LINK_NUMBER 9
#define LINK_INTERRUPT 17
#include "acpi_fixed_link.asl"

#define LINK_NAME GSIC
#define LINK_NUMBER 10
#define LINK_INTERRUPT 18
#include "acpi_fixed_link.asl"

#define LINK_NAME GSID
#define LINK_NUMBER 11
#define LINK_INTERRUPT 19
#include "acpi_fixed_link.asl"

#define LINK_NAME GSIE
#define LINK_NUMBER 12
#define LINK_INTERRUPT 20
#include "acpi_fixed_link.asl"

#define LINK_NAME GSIF
#define LINK_NUMBER 13
#define LINK_INTERRUPT 21
#include "acpi_fixed_link.asl"

#define LINK_NAME GSIG
#define LINK_NUMBER 14
#define LINK_INTERRUPT 22
#include "acpi_fixed_link.asl"

#define LINK_NAME GSIH
#define LINK_NUMBER 15
#define LINK_INTERRUPT 23
#include "acpi_fixed_link.asl"
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
