// SPDX-License-Identifier: GPL-2.0-or-later
//
// An interrupt link that leads to one interrupt: LINK_NAME, LINK_NUMBER (its _UID) and
// LINK_INTERRUPT are defined by who includes it, for once.
        Device (LINK_NAME)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, LINK_NUMBER)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { LINK_INTERRUPT }
            })
            Name (_CRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { LINK_INTERRUPT }
            })
            Method (_STA, 0, NotSerialized) { Return (0x0B) }
            Method (_DIS, 0, NotSerialized) { }
            Method (_SRS, 1, NotSerialized) { }
        }
#undef LINK_NAME
#undef LINK_NUMBER
#undef LINK_INTERRUPT
