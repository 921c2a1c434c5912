# SPDX-License-Identifier: GPL-2.0-or-later
#
# The guest of the demo: counts, and proves that it has forgotten nothing.
# Prints a line about every TICK_MS milliseconds:
#
#     N CHECKSUM
#
# with N in decimal, from 1 on, and the checksum in hexadecimal after
# c = rotl(c, 5) xor (N * 2654435761), c starting as 0. Whoever reads the lines
# can compute it for himself, so a line that is lost, repeated or made of two
# states shows. The numbers also go through memory: number N is written to page
# N mod PAGES of a ring, and before a page is overwritten it must hold N - PAGES,
# else the guest prints "LOST page ... holds ..." and stops.

        .include "boot.inc"
        .set    RING, 0x200000
        .ifndef PAGES
        .set    PAGES, 64
        .endif
        .ifndef TICK_MS
        .set    TICK_MS, 10
        .endif
        .set    PIT_HZ, 1193182
        .set    TICK_COUNT, PIT_HZ * TICK_MS / 1000
        .if     TICK_COUNT > 0xffff
        .error  "TICK_MS is more than channel 2 of the 8254 can count"
        .endif

        boot_entry 3
        enter_pm32
        jmp     main
        flat_gdt
        end_of_boot_sector

        .include "console.inc"

main:
        print   "counter guest\r\n"
        xor     %eax, %eax
        mov     $RING, %edi
        mov     $PAGES, %ecx
1:      mov     %eax, (%edi)
        mov     %eax, 0xffc(%edi)
        add     $0x1000, %edi
        loop    1b

        xor     %ebp, %ebp              # N
        xor     %ebx, %ebx              # the checksum
next:
        inc     %ebp
        imul    $2654435761, %ebp, %eax
        rol     $5, %ebx
        xor     %eax, %ebx
        call    check_and_store

        mov     %ebp, %eax
        call    put_decimal
        mov     $' ', %al
        call    put_byte
        mov     %ebx, %eax
        call    put_hex
        mov     $'\r', %al
        call    put_byte
        mov     $'\n', %al
        call    put_byte
        call    wait_a_tick
        jmp     next

# The first and the last word of page N mod PAGES must hold N - PAGES (or zero
# in the first round); then they hold N.
check_and_store:
        mov     %ebp, %eax
        xor     %edx, %edx
        mov     $PAGES, %ecx
        div     %ecx
        shl     $12, %edx
        lea     RING(%edx), %edi
        mov     %ebp, %eax
        sub     $PAGES, %eax
        jae     1f
        xor     %eax, %eax
1:      cmp     %eax, (%edi)
        jne     lost
        cmp     %eax, 0xffc(%edi)
        jne     lost
        mov     %ebp, (%edi)
        mov     %ebp, 0xffc(%edi)
        ret
lost:
        print   "LOST page "
        mov     %edi, %eax
        call    put_hex
        print   " holds "
        mov     (%edi), %eax
        call    put_decimal
        print   " and "
        mov     0xffc(%edi), %eax
        call    put_decimal
        print   "\r\n"
        cli
1:      hlt
        jmp     1b

# Channel 2 of the 8254 as a one-shot; its output is bit 5 of port 0x61.
wait_a_tick:
        in      $0x61, %al
        and     $0xfc, %al              # gate low, speaker off
        out     %al, $0x61
        mov     $0xb0, %al              # channel 2, both bytes, mode 0, binary
        out     %al, $0x43
        mov     $TICK_COUNT & 0xff, %al
        out     %al, $0x42
        mov     $TICK_COUNT >> 8, %al
        out     %al, $0x42
        in      $0x61, %al
        or      $1, %al
        out     %al, $0x61
1:      in      $0x61, %al
        test    $0x20, %al
        jz      1b
        ret

        .org    3 * 512
