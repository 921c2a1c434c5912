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
#   SLEEPS    1: after the first 'B' it suspends to RAM (ACPI S3), once; the firmware
#             starts it again here when it wakes up, it prints 'W' and goes on [0]

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
        .ifndef SLEEPS
        .set    SLEEPS, 0
        .endif
        .set    RSDP_RSDT, 16           # the tables' fields
        .set    TABLE_ENTRIES, 36
        .set    FADT_FACS, 36
        .set    FADT_SMI_COMMAND, 48
        .set    FADT_ACPI_ENABLE, 52
        .set    FADT_PM1A_CONTROL, 64
        .set    FACS_WAKING_VECTOR, 12
        .set    SLEEP_TO_RAM, 0x2401    # SLP_EN, SLP_TYP 1 and SCI_EN

        boot_entry
        enter_pm32
        .if SLEEPS
        cmpb    $0, slept
        je      first
        mov     $'W', %al
        serial_byte
        mov     $INTERVAL, %ecx
        jmp     round
first:
        .endif
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
        .if SLEEPS
        cmpb    $0, slept
        jne     round
        movb    $1, slept
        find_rsdp .
        mov     RSDP_RSDT(%esi), %esi
        add     $TABLE_ENTRIES, %esi
1:      mov     (%esi), %edi
        add     $4, %esi
        cmpl    $0x50434146, (%edi)     # "FACP"
        jne     1b
        mov     FADT_FACS(%edi), %eax
        movl    $_start, FACS_WAKING_VECTOR(%eax)
        mov     FADT_SMI_COMMAND(%edi), %edx
        mov     FADT_ACPI_ENABLE(%edi), %al
        out     %al, %dx
        mov     FADT_PM1A_CONTROL(%edi), %edx
        mov     $SLEEP_TO_RAM, %ax
        out     %ax, %dx
1:      hlt
        jmp     1b
slept:  .byte   0
        .else
        jmp     round
        .endif

        flat_gdt
        end_of_boot_sector
