# SPDX-License-Identifier: GPL-2.0-or-later
#
# Keeps a virtio disk busy, for measurements: DEPTH requests of SECTORS sectors are
# always out, one after the other over the disk or, with RANDOM, anywhere. Prints a
# letter for every LETTER requests that came back, 'X' and no more when one failed.
# The disk is the first transitional one on PCI bus 0, driven through its legacy
# registers (virtio 1.2, sections 2.7 and 4.1.4.8).

        .include "boot.inc"
        .ifndef SECTORS
        .set    SECTORS, 8
        .endif
        .ifndef DEPTH
        .set    DEPTH, 32
        .endif
        .ifndef LETTER
        .set    LETTER, 100
        .endif
        .ifndef TYPE
        .set    TYPE, 0                 # 0 reads, 1 writes
        .endif

        .set    VIRTIO_DISK, 0x10011af4
        .set    RING, 0x100000          # descriptors, available ring, used ring
        .set    HEADERS, 0x110000       # 16 bytes for each request
        .set    STATUSES, 0x120000      # 4 bytes for each request
        .set    DATA, 0x200000
        .set    DESCRIPTOR_NEXT, 1
        .set    DESCRIPTOR_WRITE, 2

        # Registers of the legacy interface, from the first BAR.
        .set    GUEST_FEATURES, 4
        .set    QUEUE_PAGE, 8
        .set    QUEUE_SIZE, 12
        .set    QUEUE_SELECT, 14
        .set    QUEUE_NOTIFY, 16
        .set    DEVICE_STATUS, 18
        .set    CAPACITY, 20

        .macro  device register
        movl    registers, %edx
        add     $\register, %edx
        .endm

        boot_entry 3
        jmp     begin
        flat_gdt
        end_of_boot_sector

begin:  enter_pm32
        call    find_disk
        device  DEVICE_STATUS
        xor     %eax, %eax
        out     %al, %dx                # reset, after whatever the firmware did with it
        mov     $3, %al                 # acknowledge, driver
        out     %al, %dx
        device  GUEST_FEATURES
        xor     %eax, %eax
        out     %eax, %dx
        device  CAPACITY
        in      %dx, %eax
        mov     %eax, capacity
        call    lay_out_ring
        device  QUEUE_SELECT
        xor     %eax, %eax
        out     %ax, %dx
        device  QUEUE_PAGE
        mov     $RING >> 12, %eax
        out     %eax, %dx
        device  DEVICE_STATUS
        mov     $7, %al                 # and driver OK
        out     %al, %dx

        xor     %ecx, %ecx
1:      mov     %ecx, %eax
        call    submit
        inc     %ecx
        cmp     $DEPTH, %ecx
        jb      1b
        jmp     publish

# ---- the loop; ebp counts what came back since the last letter
wait:   pause
        mov     used, %esi
        movw    2(%esi), %ax
        cmp     %ax, used_index
        je      wait
2:      movzwl  used_index, %ebx
        mov     queue_size, %ecx
        dec     %ecx
        and     %ecx, %ebx
        mov     4(%esi,%ebx,8), %eax    # the head of a chain of three
        xor     %edx, %edx
        mov     $3, %ecx
        div     %ecx
        cmpl    $0, STATUSES(,%eax,4)
        jne     failed
        call    submit
        incw    used_index
        inc     %ebp
        cmp     $LETTER, %ebp
        jb      3f
        xor     %ebp, %ebp
        mov     $'L', %al
        serial_byte
3:      mov     used, %esi
        movw    2(%esi), %ax
        cmp     %ax, used_index
        jne     2b
publish:
        mov     available, %esi
        movw    available_index, %ax
        movw    %ax, 2(%esi)
        lock addl $0, (%esp)            # the index, before the device's wish is looked at
        mov     used, %esi
        testw   $1, (%esi)
        jnz     wait
        device  QUEUE_NOTIFY
        xor     %eax, %eax
        out     %ax, %dx
        jmp     wait

failed: mov     $'X', %al
        serial_byte
        hlt
        jmp     failed

# ---- puts request eax into the available ring, with the next place on the disk
submit: pusha
        mov     %eax, %edi
        movl    $0xff, STATUSES(,%edi,4)
        .ifdef  RANDOM
        imull   $1664525, random, %eax
        add     $1013904223, %eax
        mov     %eax, random
        mov     capacity, %ecx
        shr     $3, %ecx
        mul     %ecx
        mov     %edx, %eax
        shl     $3, %eax
        .else
        mov     sector, %eax
        lea     SECTORS(%eax), %ecx
        cmp     capacity, %ecx
        jbe     4f
        xor     %eax, %eax
        mov     $SECTORS, %ecx
4:      mov     %ecx, sector
        .endif
        mov     %edi, %ecx
        shl     $4, %ecx
        mov     %eax, HEADERS + 8(%ecx)
        movzwl  available_index, %ebx
        mov     queue_size, %ecx
        dec     %ecx
        and     %ecx, %ebx
        mov     available, %esi
        lea     (%edi,%edi,2), %eax
        movw    %ax, 4(%esi,%ebx,2)
        incw    available_index
        popa
        ret

# ---- three descriptors for each request: header, data, status
lay_out_ring:
        device  QUEUE_SELECT
        xor     %eax, %eax
        out     %ax, %dx
        device  QUEUE_SIZE
        xor     %eax, %eax
        in      %dx, %ax
        mov     %eax, queue_size
        mov     $RING, %edi
        mov     $0x4000, %ecx
        push    %eax
        xor     %eax, %eax
        rep stosl
        pop     %eax
        mov     %eax, %ecx
        shl     $4, %eax
        add     $RING, %eax
        mov     %eax, available
        lea     6 + 4095(%eax,%ecx,2), %eax
        and     $~4095, %eax
        mov     %eax, used
        mov     $RING, %edi
        xor     %ecx, %ecx              # the request
        xor     %ebx, %ebx              # its first descriptor
5:      mov     %ecx, %eax
        shl     $4, %eax
        lea     HEADERS(%eax), %eax
        movl    $TYPE, (%eax)
        movl    $0, 4(%eax)
        movl    $0, 12(%eax)
        mov     %eax, (%edi)
        movl    $16, 8(%edi)
        movw    $DESCRIPTOR_NEXT, 12(%edi)
        inc     %ebx
        movw    %bx, 14(%edi)
        mov     %ecx, %eax
        imul    $SECTORS * 512, %eax
        add     $DATA, %eax
        mov     %eax, 16(%edi)
        movl    $SECTORS * 512, 24(%edi)
        movw    $DESCRIPTOR_NEXT | (1 - TYPE) * DESCRIPTOR_WRITE, 28(%edi)
        inc     %ebx
        movw    %bx, 30(%edi)
        lea     STATUSES(,%ecx,4), %eax
        mov     %eax, 32(%edi)
        movl    $1, 40(%edi)
        movw    $DESCRIPTOR_WRITE, 44(%edi)
        inc     %ebx
        add     $48, %edi
        inc     %ecx
        cmp     $DEPTH, %ecx
        jb      5b
        ret

# ---- its BAR 0 into `registers`, bus mastering on; waits for ever if there is none
find_disk:
        mov     $0x80000000, %ebx
6:      mov     %ebx, %eax
        call    read_config
        cmp     $VIRTIO_DISK, %eax
        je      7f
        add     $0x800, %ebx
        and     $0x8000ffff, %ebx
        jmp     6b
7:      lea     4(%ebx), %eax
        call    read_config
        or      $5, %eax                # ports, bus master
        out     %eax, %dx
        lea     0x10(%ebx), %eax
        call    read_config
        and     $~3, %eax
        mov     %eax, registers
        ret

# eax: the address; afterwards its value, and dx the data port.
read_config:
        mov     $0xcf8, %dx
        out     %eax, %dx
        mov     $0xcfc, %dx
        in      %dx, %eax
        ret

        .balign 4
registers:
        .long   0
capacity:
        .long   0                       # sectors
queue_size:
        .long   0
available:
        .long   0
used:   .long   0
sector: .long   0
random: .long   12345
used_index:
        .word   0
available_index:
        .word   0
