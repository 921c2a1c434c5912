# SPDX-License-Identifier: GPL-2.0-or-later
#
# A whole CD: what El Torito needs for the firmware to start a program from it, and the
# program, which reads the CD's blocks through the BIOS for ever, 8 at a time, and looks
# at them: blocks 32 to 39 hold byte i xor FILL. Prints a letter, from FIRST on and round
# again, after every 2 reads, and '!' if one fails or differs, and tries again. Source
# of the layout: El Torito 1.0, chapters 2 and 5; ECMA-119, section 8.

        .include "boot.inc"
        .set    BLOCK, 2048
        .set    BUFFER, 0x9000
        .set    COUNT, 8
        .set    READS, 2
        .ifndef FIRST
        .set    FIRST, 'A'
        .endif
        .ifndef FILL
        .set    FILL, 0xa5
        .endif

        .code16
        .globl  _start
_start: cli                             # as a disk it does nothing
1:      hlt
        jmp     1b
        end_of_boot_sector

        .org    16 * BLOCK              # primary volume descriptor
        .byte   1
        .ascii  "CD001"
        .byte   1, 0

        .org    17 * BLOCK              # boot record: where the catalogue is
        .byte   0
        .ascii  "CD001"
        .byte   1
        .ascii  "EL TORITO SPECIFICATION"
        .org    17 * BLOCK + 0x47
        .long   18

        .org    18 * BLOCK              # the catalogue
        .byte   1, 0                    # validation entry, for a PC; its words add up to 0
        .org    18 * BLOCK + 28
        .word   0x55aa
        .byte   0x55, 0xaa
        .byte   0x88, 0                 # boot this one, emulating no disk
        .word   0                       # at 07c0:0000
        .byte   0, 0
        .word   4                       # sectors of 512 bytes
        .long   20

        .org    20 * BLOCK
code:
        cli
        cld
        ljmp    $0, $(1f - code + 0x7c00)
1:      xor     %ax, %ax
        mov     %ax, %ss
        mov     $0x7c00, %sp
        mov     %ax, %ds
        mov     %ax, %es
        mov     %dl, drive - code + 0x7c00
        sti
again:  mov     $READS, %bp
1:      mov     $(packet - code + 0x7c00), %si
        movw    $COUNT, packet - code + 0x7c02  # the BIOS says there how many it read
        mov     drive - code + 0x7c00, %dl
        mov     $0x42, %ah
        int     $0x13
        jc      failed
        cld
        mov     $BUFFER, %si
        mov     $COUNT * BLOCK, %cx
        xor     %bx, %bx
2:      lodsb
        mov     %bl, %dl
        xor     $FILL, %dl
        cmp     %dl, %al
        jne     failed
        movb    $0, -1(%si)             # the next read has to bring it again
        inc     %bx
        loop    2b
        dec     %bp
        jnz     1b
        mov     letter - code + 0x7c00, %al
        serial_byte
        inc     %al
        cmp     $FIRST + 16, %al
        jne     3f
        mov     $FIRST, %al
3:      mov     %al, letter - code + 0x7c00
        jmp     again

failed: mov     $'!', %al
        serial_byte
        jmp     again

letter: .byte   FIRST
drive:  .byte   0
        .balign 4
packet:
        .byte   16, 0
        .word   COUNT
        .word   BUFFER, 0
        .quad   32

        .org    32 * BLOCK
        .rept   COUNT * BLOCK / 256
        .set    i, 0
        .rept   256
        .byte   i ^ FILL
        .set    i, i + 1
        .endr
        .endr
