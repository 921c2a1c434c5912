# SPDX-License-Identifier: GPL-2.0-or-later
#
# Fills the memory from 1 MiB to END with numbers that do not compress, for
# measurements of a migration's throughput: a linear congruential sequence of period
# 2^32. Prints 'A' at its start, 'F' when all is filled, and halts.

        .include "boot.inc"
        .ifndef END
        .set    END, 0x7ff00000
        .endif

        boot_entry
        enter_pm32
        mov     $'A', %al
        serial_byte

        mov     $0x100000, %edi
        mov     $(END - 0x100000) / 4, %ecx
        mov     $0x2545f491, %eax
fill:
        imul    $1664525, %eax, %eax
        add     $1013904223, %eax
        mov     %eax, (%edi)
        add     $4, %edi
        dec     %ecx
        jnz     fill
        mov     $'F', %al
        serial_byte
halt:
        cli
        hlt
        jmp     halt

        flat_gdt
        end_of_boot_sector
