# SPDX-License-Identifier: GPL-2.0-or-later
#
# Reads sectors of the boot disk through the BIOS for ever, 8 at a time, and looks
# at them: sectors 8 to 15 hold byte i xor 0xa5. Prints a letter, from 'A' on and
# round again, after every READS reads, and '!' for ever if one fails or differs.

        .include "boot.inc"
        .set    BUFFER, 0x9000
        .set    COUNT, 8
        .ifndef READS
        .set    READS, 32
        .endif

        boot_entry
        sti
again:  mov     $READS, %bp
1:      mov     $packet, %si
        mov     boot_drive, %dl
        mov     $0x42, %ah
        int     $0x13
        jc      failed
        cld
        mov     $BUFFER, %si
        mov     $COUNT * 512, %cx
        xor     %bx, %bx
2:      lodsb
        mov     %bl, %dl
        xor     $0xa5, %dl
        cmp     %dl, %al
        jne     failed
        movb    $0, -1(%si)             # the next read has to bring it again
        inc     %bx
        loop    2b
        dec     %bp
        jnz     1b
        mov     letter, %al
        mov     $COM1, %dx
        out     %al, %dx
        inc     %al
        cmp     $'Z' + 1, %al
        jne     3f
        mov     $'A', %al
3:      mov     %al, letter
        jmp     again

failed: mov     $COM1, %dx
        mov     $'!', %al
        out     %al, %dx
        jmp     failed

letter: .byte   'A'
        .balign 4
packet:
        .byte   16, 0
        .word   COUNT
        .word   BUFFER, 0
        .quad   8
        end_of_boot_sector

        .org    8 * 512
        .rept   COUNT * 2
        .set    i, 0
        .rept   256
        .byte   i ^ 0xa5
        .set    i, i + 1
        .endr
        .endr
