# SPDX-License-Identifier: GPL-2.0-or-later
#
# The guest of the migration and COLO tests. Adds one to the first byte of every
# page of a range, round and round, so that at every moment the bytes are one run
# of V followed by one run of V - 1: a page that was lost, torn or too old shows.
# Prints 'A' at its start and 'B' every INTERVAL rounds, and nothing else.
#
#   FIRST     first byte of the range        [1 MiB]
#   END       first byte after it            [100 MiB]
#   INTERVAL  rounds for each letter         [64]
#   ZEROS     first of eight pages that are zero or not as the bits of V are, for
#             who wants zero pages to come and go; 0: none [0]

        .include "boot.inc"
        .ifndef FIRST
        .set    FIRST, 0x100000
        .endif
        .ifndef END
        .set    END, 0x6400000
        .endif
        .ifndef INTERVAL
        .set    INTERVAL, 64
        .endif
        .ifndef ZEROS
        .set    ZEROS, 0
        .endif

        boot_entry
        enter_pm32
        mov     $'A', %al
        serial_byte

        # The range starts out equal, whatever the firmware left there.
        mov     $FIRST, %edi
1:      movb    $0, (%edi)
        add     $0x1000, %edi
        cmp     $END, %edi
        jb      1b

        mov     $INTERVAL, %ecx
round:
        mov     $FIRST, %edi
1:      incb    (%edi)
        add     $0x1000, %edi
        cmp     $END, %edi
        jb      1b
        .if ZEROS
        mov     FIRST, %al
        mov     $ZEROS, %edi
1:      mov     %al, %dl
        and     $1, %dl
        mov     %dl, (%edi)
        shr     $1, %al
        add     $0x1000, %edi
        cmp     $ZEROS + 0x8000, %edi
        jb      1b
        .endif
        dec     %ecx
        jnz     round
        mov     $INTERVAL, %ecx
        mov     $'B', %al
        serial_byte
        jmp     round

        flat_gdt
        end_of_boot_sector
