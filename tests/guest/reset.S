# SPDX-License-Identifier: GPL-2.0-or-later
#
# Prints 'R' and resets the machine, in the way that HOW says:
#   0 reset control register 0xcf9   1 keyboard controller   2 port 0x92   3 triple fault
# WAIT times 50 ms lie between the two [0].
# A guest that was reset starts over, so a row of 'R' is what one sees.

        .include "boot.inc"
        .ifndef WAIT
        .set    WAIT, 0
        .endif
        .ifndef HOW
        .set    HOW, 0
        .endif

        boot_entry
        enter_pm32
        mov     $'R', %al
        serial_byte
        wait_50_ms WAIT
        .if     HOW == 0
        mov     $0xcf9, %dx
        mov     $0x02, %al
        out     %al, %dx
        mov     $0x06, %al
        out     %al, %dx
        .elseif HOW == 1
1:      in      $0x64, %al
        test    $2, %al
        jnz     1b
        mov     $0xfe, %al
        out     %al, $0x64
        .elseif HOW == 2
        in      $0x92, %al
        and     $0xfe, %al
        out     %al, $0x92
        or      $1, %al
        out     %al, $0x92
        .else
        lidt    no_idt
        int3
        .endif
        cli
1:      hlt
        jmp     1b

no_idt: .word   0
        .long   0
        flat_gdt
        end_of_boot_sector
