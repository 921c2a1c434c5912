# SPDX-License-Identifier: GPL-2.0-or-later
#
# Dirties a fixed set of pages at a rate, for measurements: one store to each of
# PAGES pages from 1 MiB up, round and round, with SPIN empty loops between two
# stores. Prints 'A' at its start and 'B' after every LETTER stores [PAGES].

        .include "boot.inc"
        .ifndef PAGES
        .set    PAGES, 4
        .endif
        .ifndef SPIN
        .set    SPIN, 1000
        .endif
        .ifndef LETTER
        .set    LETTER, PAGES
        .endif

        boot_entry
        enter_pm32
        mov     $'A', %al
        serial_byte

        mov     $LETTER, %edi
round:
        mov     $0x100000, %esi
        mov     $PAGES, %ebx
store:
        incl    (%esi)
        mov     $SPIN, %ecx
1:      dec     %ecx
        jnz     1b
        dec     %edi
        jnz     2f
        mov     $LETTER, %edi
        mov     $'B', %al
        serial_byte
2:      add     $0x1000, %esi
        dec     %ebx
        jnz     store
        jmp     round

        flat_gdt
        end_of_boot_sector
