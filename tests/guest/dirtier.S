# SPDX-License-Identifier: GPL-2.0-or-later
#
# Dirties a fixed set of pages at a rate, for measurements: one store to each of
# PAGES pages from 1 MiB up, SPIN empty loops between two stores, a letter after
# each round. 'A' is printed at the start, 'B' after each round.

        .include "boot.inc"
        .ifndef PAGES
        .set    PAGES, 4
        .endif
        .ifndef SPIN
        .set    SPIN, 1000
        .endif

        boot_entry
        enter_pm32
        mov     $'A', %al
        serial_byte

round:
        mov     $0x100000, %esi
        mov     $PAGES, %ebx
store:
        incl    (%esi)
        mov     $SPIN, %ecx
1:      dec     %ecx
        jnz     1b
        add     $0x1000, %esi
        dec     %ebx
        jnz     store
        mov     $'B', %al
        serial_byte
        jmp     round

        flat_gdt
        end_of_boot_sector
