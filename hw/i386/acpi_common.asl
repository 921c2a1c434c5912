// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the DSDTs of both machines share: what is behind the ISA bridge (\_SB.PCI0.ISA,
// which the including file declares first), the HPET, the windows of the PCI host, soft
// off. Numbers that depend on the machine come from an SSDT (hw/i386/pc_acpi.cc).
// Sources: ACPI specification 6.5, chapters 6, 7 and 19; PCI firmware specification 3.2.

// The windows in which the firmware places BARs: first and last address, and length.
External (\P0S, IntObj)   // 32 bits
External (\P0E, IntObj)
External (\P0L, IntObj)
External (\P1S, IntObj)   // 32 bits, behind the configuration window of the q35
External (\P1E, IntObj)
External (\P1L, IntObj)
External (\P2S, IntObj)   // 64 bits
External (\P2E, IntObj)
External (\P2L, IntObj)
External (\COMS, IntObj)  // bit n: serial port n exists
External (\PVPP, IntObj)  // the port of the pvpanic device, or 0
External (\HPTE, IntObj)  // not 0: there is an HPET

// SLP_TYP 0 switches the machine off.
Name (\_S5, Package () { Zero, Zero, Zero, Zero })

// Not 0 once the system uses the I/O APIC.
Name (\PICF, Zero)
Method (\_PIC, 1, NotSerialized)
{
    PICF = Arg0
}

Scope (\_SB.PCI0)
{
    Name (WNDW, ResourceTemplate ()
    {
        WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
            0, 0x0000, 0x00FF, 0, 0x0100)
        IO (Decode16, 0x0CF8, 0x0CF8, 1, 8)
        WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
            0, 0x0000, 0x0CF7, 0, 0x0CF8)
        WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
            0, 0x0D00, 0xFFFF, 0, 0xF300)
        DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable, ReadWrite,
            0, 0x000A0000, 0x000BFFFF, 0, 0x00020000)
    })
    Name (W32T, ResourceTemplate ()
    {
        DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
            0, 0x00000000, 0x00000000, 0, 0x00000000, , , WN32)
    })
    Name (W64T, ResourceTemplate ()
    {
        QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable, ReadWrite,
            0, 0x0, 0x0, 0, 0x0, , , WN64)
    })

    // A 32-bit window from Arg0 to Arg1.
    Method (WI32, 3, Serialized)
    {
        CreateDWordField (W32T, ^WN32._MIN, WMIN)
        CreateDWordField (W32T, ^WN32._MAX, WMAX)
        CreateDWordField (W32T, ^WN32._LEN, WLEN)
        WMIN = Arg0
        WMAX = Arg1
        WLEN = Arg2
        Return (W32T)
    }

    Method (_CRS, 0, Serialized)
    {
        Local0 = WNDW
        If (\P0L)
        {
            Local0 = ConcatenateResTemplate (Local0, WI32 (\P0S, \P0E, \P0L))
        }
        If (\P1L)
        {
            Local0 = ConcatenateResTemplate (Local0, WI32 (\P1S, \P1E, \P1L))
        }
        CreateQWordField (W64T, ^WN64._MIN, WMIN)
        CreateQWordField (W64T, ^WN64._MAX, WMAX)
        CreateQWordField (W64T, ^WN64._LEN, WLEN)
        WMIN = \P2S
        WMAX = \P2E
        WLEN = \P2L
        Return (ConcatenateResTemplate (Local0, W64T))
    }
}

Scope (\_SB.PCI0.ISA)
{
    Device (RTC)
    {
        Name (_HID, EisaId ("PNP0B00"))
        Name (_CRS, ResourceTemplate ()
        {
            IO (Decode16, 0x0070, 0x0070, 1, 8)
            IRQNoFlags () { 8 }
        })
    }
    Device (KBD)
    {
        Name (_HID, EisaId ("PNP0303"))
        Name (_CRS, ResourceTemplate ()
        {
            IO (Decode16, 0x0060, 0x0060, 1, 1)
            IO (Decode16, 0x0064, 0x0064, 1, 1)
            IRQNoFlags () { 1 }
        })
    }
    Device (MOU)
    {
        Name (_HID, EisaId ("PNP0F13"))
        Name (_CRS, ResourceTemplate ()
        {
            IRQNoFlags () { 12 }
        })
    }
    Device (PEVT)
    {
        Name (_HID, "QEMU0001")
        Name (PORT, ResourceTemplate ()
        {
            IO (Decode16, 0x0505, 0x0505, 1, 1, PVIO)
        })
        Method (_STA, 0, NotSerialized)
        {
            If (\PVPP)
            {
                Return (0x0F)
            }
            Return (Zero)
        }
        Method (_CRS, 0, Serialized)
        {
            CreateWordField (PORT, ^PVIO._MIN, PMIN)
            CreateWordField (PORT, ^PVIO._MAX, PMAX)
            PMIN = \PVPP
            PMAX = \PVPP
            Return (PORT)
        }
    }
    // _STA of a serial port: present, enabled, shown, working; or absent.
    Method (COMP, 1, NotSerialized)
    {
        If ((\COMS >> Arg0) & One)
        {
            Return (0x0F)
        }
        Return (Zero)
    }
    Device (COM1)
    {
        Name (_HID, EisaId ("PNP0501"))
        Name (_UID, 1)
        Method (_STA, 0, NotSerialized) { Return (COMP (0)) }
        Name (_CRS, ResourceTemplate ()
        {
            IO (Decode16, 0x03F8, 0x03F8, 1, 8)
            IRQNoFlags () { 4 }
        })
    }
    Device (COM2)
    {
        Name (_HID, EisaId ("PNP0501"))
        Name (_UID, 2)
        Method (_STA, 0, NotSerialized) { Return (COMP (1)) }
        Name (_CRS, ResourceTemplate ()
        {
            IO (Decode16, 0x02F8, 0x02F8, 1, 8)
            IRQNoFlags () { 3 }
        })
    }
    Device (COM3)
    {
        Name (_HID, EisaId ("PNP0501"))
        Name (_UID, 3)
        Method (_STA, 0, NotSerialized) { Return (COMP (2)) }
        Name (_CRS, ResourceTemplate ()
        {
            IO (Decode16, 0x03E8, 0x03E8, 1, 8)
            IRQNoFlags () { 4 }
        })
    }
    Device (COM4)
    {
        Name (_HID, EisaId ("PNP0501"))
        Name (_UID, 4)
        Method (_STA, 0, NotSerialized) { Return (COMP (3)) }
        Name (_CRS, ResourceTemplate ()
        {
            IO (Decode16, 0x02E8, 0x02E8, 1, 8)
            IRQNoFlags () { 3 }
        })
    }
}

Device (\_SB.HPET)
{
    Name (_HID, EisaId ("PNP0103"))
    Name (_UID, Zero)
    Method (_STA, 0, NotSerialized)
    {
        If (\HPTE)
        {
            Return (0x0F)
        }
        Return (Zero)
    }
    Name (_CRS, ResourceTemplate ()
    {
        Memory32Fixed (ReadOnly, 0xFED00000, 0x00000400)
    })
}

// A PIRQ# wire's register: bit 7 set is "not routed", else the ISA interrupt.
Scope (\_SB)
{
    Name (LIRQ, ResourceTemplate ()
    {
        Interrupt (ResourceConsumer, Level, ActiveHigh, Shared, , , LINT) { 5 }
    })
    // _CRS of a link whose register is Arg0.
    Method (LCRS, 1, Serialized)
    {
        CreateDWordField (LIRQ, ^LINT._INT, LNUM)
        LNUM = Arg0 & 0x0F
        If (Arg0 & 0x80)
        {
            LNUM = Zero
        }
        Return (LIRQ)
    }
    Method (LSTA, 1, NotSerialized)
    {
        If (Arg0 & 0x80)
        {
            Return (0x09)
        }
        Return (0x0B)
    }
    // The interrupt in the descriptor that _SRS was given.
    Method (LGET, 1, Serialized)
    {
        CreateDWordField (Arg0, 0x05, LNUM)
        Return (LNUM)
    }
}
