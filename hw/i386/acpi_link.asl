// SPDX-License-Identifier: GPL-2.0-or-later
//
// A PIRQ# wire's interrupt link, for the scope \_SB: LINK_NAME, LINK_NUMBER (its _UID)
// and LINK_REGISTER are defined by who includes it, for once.
        Device (LINK_NAME)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, LINK_NUMBER)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 5, 10, 11 }
            })
            Method (_STA, 0, NotSerialized) { Return (LSTA (LINK_REGISTER)) }
            Method (_DIS, 0, NotSerialized) { LINK_REGISTER |= 0x80 }
            Method (_CRS, 0, NotSerialized) { Return (LCRS (LINK_REGISTER)) }
            Method (_SRS, 1, NotSerialized) { LINK_REGISTER = LGET (Arg0) }
        }
#undef LINK_NAME
#undef LINK_NUMBER
#undef LINK_REGISTER
