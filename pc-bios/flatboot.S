# SPDX-License-Identifier: GPL-2.0-or-later
#
# The option ROM that loads a program for 32-bit protected mode (PVH, Multiboot), by the
# plan that hw/i386/flat_boot has made: its header has the plan's layout. Sources beside
# those of option_rom.inc: ACPI specification 6.5, 5.2.5.1 (finding the RSDP) and 15.1
# (INT 15h, E820h); "x86/HVM direct boot ABI" of Xen; Multiboot Specification 0.6.96.
#
#   8000h  the plan (segment 800h)
#   fff0h  the descriptor by which it is fetched, the stack below

        .include "option_rom.inc"

        .set    SEGMENT, 0x800
        .set    BASE, SEGMENT * 16
        .set    FETCH, 0x7ff0
        .set    PLAN_KEY, 0x18
        .set    PLAN_BYTES, 0x7000

        .set    ENTRY, 0
        .set    ENTRY_EAX, 4
        .set    ENTRY_EBX, 8
        .set    BETWEEN, 0xc
        .set    TRANSFERS, 0x10
        .set    TRANSFERS_END, 0x12
        .set    MAP_ENTRIES_AT, 0x14
        .set    MAP_BYTES_AT, 0x16
        .set    LOWER_AT, 0x18
        .set    UPPER_AT, 0x1a
        .set    RSDP_AT, 0x1c
        .set    GDT_POINTER, 0x20
        .set    MAP, 0x204
        .set    MAP_ENTRY, 24
        .set    MAP_END, MAP + 128 * MAP_ENTRY

        .set    CODE, 8
        .set    DATA, 0x10
        .set    TASK, 0x18

        .set    SMAP, 0x534d4150
        .set    E820_RAM, 1
        .set    BIOS_DATA, 0x40
        .set    EBDA_SEGMENT, 0xe

        option_rom "Kernel"

boot:   cli
        cld
        mov     $SEGMENT, %ax
        mov     %ax, %ss
        mov     $FETCH, %sp
        mov     %ax, %ds
        mov     %ax, %es

        # All fields of a descriptor are big-endian.
        mov     $FETCH, %si
        movl    $DMA_SELECT_AND_READ << 24 | PLAN_KEY << 8, (%si)
        movl    $(PLAN_BYTES & 0xff00) << 8, 4(%si)
        movl    $0, 8(%si)
        movl    $(BASE & 0xff00) << 8, 12(%si)
        call    transfer

        # The memory map, as the firmware sees it.
        mov     $MAP, %di
        xor     %ebx, %ebx
1:      mov     $0xe820, %eax
        mov     $20, %ecx
        mov     $SMAP, %edx
        int     $0x15
        jc      3f
        cmp     $SMAP, %eax
        jne     3f
        cmpl    $E820_RAM, 16(%di)
        jne     2f
        cmpl    $0x100000, (%di)
        jne     2f
        cmpl    $0, 4(%di)
        jne     2f
        mov     8(%di), %eax
        shr     $10, %eax
        mov     UPPER_AT, %si
        mov     %eax, (%si)
2:      mov     BETWEEN, %eax
        mov     %eax, 20(%di)
        add     $MAP_ENTRY, %di
        cmp     $MAP_END, %di
        jae     3f
        test    %ebx, %ebx
        jnz     1b
3:      movzwl  %di, %eax
        sub     $MAP, %eax
        mov     MAP_BYTES_AT, %si
        mov     %eax, (%si)
        xor     %edx, %edx
        mov     $MAP_ENTRY, %ecx
        div     %ecx
        mov     MAP_ENTRIES_AT, %si
        mov     %eax, (%si)

        int     $0x12
        movzwl  %ax, %eax
        mov     LOWER_AT, %si
        mov     %eax, (%si)

        # The RSDP: in the first KiB of the extended BIOS data, or in the BIOS's own 128 KiB.
        mov     $BIOS_DATA, %ax
        mov     %ax, %es
        mov     %es:EBDA_SEGMENT, %ax
        mov     $0x400 >> 4, %cx
        call    find
        je      1f
        mov     $0xe000, %ax
        mov     $0x20000 >> 4, %cx
        call    find
        jne     2f
1:      movzwl  %ax, %eax
        shl     $4, %eax
        mov     RSDP_AT, %si
        mov     %eax, (%si)
2:
        mov     TRANSFERS, %si
1:      cmp     TRANSFERS_END, %si
        jae     2f
        call    transfer
        add     $16, %si
        jmp     1b

2:      lgdtl   GDT_POINTER
        xor     %eax, %eax
        mov     %cs, %ax
        shl     $4, %eax
        add     $flat, %eax
        pushl   $CODE
        pushl   %eax
        mov     %cr0, %eax
        or      $1, %al
        mov     %eax, %cr0
        lretl

# Looks at cx paragraphs from segment ax on; equal: ax has the RSDP's.
find:   mov     %ax, %es
        cmpl    $0x20445352, %es:0      # "RSD "
        jne     1f
        cmpl    $0x20525450, %es:4      # "PTR "
        je      2f
1:      inc     %ax
        loop    find
        test    %sp, %sp                # not equal
2:      ret

        define_transfer BASE

        .code32
flat:   mov     $DATA, %eax
        mov     %eax, %ds
        mov     %eax, %es
        mov     %eax, %ss
        mov     %eax, %fs
        mov     %eax, %gs
        mov     $TASK, %eax
        ltr     %ax
        mov     BASE + ENTRY, %ecx
        mov     BASE + ENTRY_EAX, %eax
        mov     BASE + ENTRY_EBX, %ebx
        jmp     *%ecx
