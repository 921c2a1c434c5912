# SPDX-License-Identifier: GPL-2.0-or-later
#
# Divides by zero twice with CR0.NE clear. Each time interrupt 13 is to come before the
# instruction that waits: its handler prints 'E' and writes port F0h, after which the
# program goes on and prints 'A'.

        .include "boot.inc"
        .set    VECTOR, 0x75
        boot_entry
        movw    $error, VECTOR * 4
        movw    $0, VECTOR * 4 + 2
        in      $0x21, %al
        and     $0xfb, %al              # the second controller
        out     %al, $0x21
        in      $0xa1, %al
        and     $0xdf, %al              # interrupt 13
        out     %al, $0xa1
        fninit
        fldcw   zero_divide_unmasked
        sti
        mov     $2, %cx
1:      fld1
        fldz
        fdivrp
        fwait
        mov     $'A', %al
        serial_byte
        fnclex
        fstp    %st(0)
        fstp    %st(0)
        loop    1b
2:      hlt
        jmp     2b

error:  push    %ax
        push    %dx
        mov     $'E', %al
        serial_byte
        out     %al, $0xf0
        mov     $0x20, %al
        out     %al, $0xa0
        out     %al, $0x20
        pop     %dx
        pop     %ax
        iret

zero_divide_unmasked:
        .word   0x037b
        end_of_boot_sector
