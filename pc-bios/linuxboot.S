# SPDX-License-Identifier: GPL-2.0-or-later
#
# The option ROM that boots a Linux kernel which the emulator has read: a boot entry
# vector that fetches the pieces from fw_cfg by its DMA and jumps to the kernel's
# real-mode entry. Sources beside those of option_rom.inc: "The Linux/x86 Boot Protocol",
# chapters "Memory layout" and "Running the kernel"; QEMU's specification of fw_cfg (keys 7
# to 18h).
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

        .include "option_rom.inc"

        option_rom "Linux kernel"

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
        mov     %si, %bx
        mov     $EXCHANGE, %si
        call    transfer
        mov     %bx, %si
        ret

        define_transfer BASE
