# SPDX-License-Identifier: GPL-2.0-or-later
#
# The option ROM that boots a Linux kernel which the emulator has read: a boot entry
# vector that fetches the pieces from fw_cfg by its DMA and jumps to the kernel's
# real-mode entry. Sources: "The Linux/x86 Boot Protocol", chapters "Memory layout" and
# "Running the kernel"; QEMU's specification of fw_cfg (keys 7 to 18h, DMA); Plug and
# Play BIOS specification 1.0a, 3.2 (option ROM header); BIOS Boot Specification 1.01, 3.4.
#
#   10000h  the kernel's setup code, at most 32 KiB (segment 1000h)
#   1f800h  what is exchanged with fw_cfg
#   1fff0h  the stack, which the setup code keeps
#   20000h  the command line

        .set    SETUP_SEGMENT, 0x1000
        .set    SETUP_ENTRY, 0x1020
        .set    STACK, 0xfff0
        .set    EXCHANGE, 0xf800        # offsets in SETUP_SEGMENT
        .set    VALUE, 0xf810
        .set    BASE, SETUP_SEGMENT * 16

        .set    DMA_HIGH, 0x514
        .set    DMA_LOW, 0x518
        .set    DMA_ERROR, 1
        .set    DMA_SELECT_AND_READ, 8 | 2

        .code16
        .globl  _start
_start: .word   0xaa55
        .byte   ROM_SECTORS
        lret                            # nothing to initialise
        .org    0x1a
        .word   pnp

        .balign 16
pnp:    .ascii  "$PnP"
        .byte   0x10                    # revision
        .byte   2                       # length in 16 bytes
        .word   0                       # no further header
        .byte   0
        .byte   0                       # checksum: make_rom.py's
        .long   0                       # no device
        .word   0
        .word   product
        .byte   0, 0, 0
        .byte   0
        .word   0                       # no boot connection vector
        .word   0
        .word   boot
        .word   0
        .word   0
product:
        .asciz  "Linux kernel"

# Keys of each piece: address, size, bytes.
        .balign 2
pieces: .word   0x0a, 0x0b, 0x12        # initial RAM disk
        .word   0x07, 0x08, 0x11        # protected-mode kernel
        .word   0x13, 0x14, 0x15        # command line
        .word   0x16, 0x17, 0x18        # setup code
pieces_end:

boot:   cli
        cld
        mov     $SETUP_SEGMENT, %ax
        mov     %ax, %ss
        mov     $STACK, %sp
        mov     %ax, %ds
        mov     $pieces, %si
next:   call    read_number             # where to
        mov     %eax, %edi
        call    read_number             # how much
        mov     %eax, %ecx
        mov     %cs:(%si), %ax
        add     $2, %si
        jecxz   1f
        call    read
1:      cmp     $pieces_end, %si
        jb      next

        mov     $SETUP_SEGMENT, %ax
        mov     %ax, %es
        mov     %ax, %fs
        mov     %ax, %gs
        ljmp    $SETUP_ENTRY, $0

# eax = the number under the key at cs:si, which moves on
read_number:
        mov     %cs:(%si), %ax
        add     $2, %si
        push    %edi
        mov     $BASE + VALUE, %edi
        mov     $4, %ecx
        call    read
        pop     %edi
        mov     VALUE, %eax
        ret

# ecx bytes of item ax to the address edi
read:   shl     $16, %eax
        mov     $DMA_SELECT_AND_READ, %ax
        bswap   %eax
        mov     %eax, EXCHANGE
        bswap   %ecx
        mov     %ecx, EXCHANGE + 4
        xor     %eax, %eax
        mov     %eax, EXCHANGE + 8
        mov     %edi, %eax
        bswap   %eax
        mov     %eax, EXCHANGE + 12
        xor     %eax, %eax
        mov     $DMA_HIGH, %dx
        out     %eax, %dx
        mov     $BASE + EXCHANGE, %eax
        bswap   %eax
        mov     $DMA_LOW, %dx
        out     %eax, %dx
1:      mov     EXCHANGE, %eax
        bswap   %eax
        test    %eax, %eax
        jz      2f
        test    $DMA_ERROR, %al
        jz      1b
        int     $0x18                   # the BIOS goes on with another device
2:      ret
