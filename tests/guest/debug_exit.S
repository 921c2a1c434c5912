# SPDX-License-Identifier: GPL-2.0-or-later
#
# Prints 'D' and writes VALUE to an isa-debug-exit device at 0xf4: the process
# exits with 2 * VALUE + 1.

        .include "boot.inc"
        .ifndef VALUE
        .set    VALUE, 21
        .endif
        boot_entry
        enter_pm32
        mov     $'D', %al
        serial_byte
        mov     $VALUE, %al
        out     %al, $0xf4
        mov     $'!', %al
        serial_byte
        cli
1:      hlt
        jmp     1b
        flat_gdt
        end_of_boot_sector
