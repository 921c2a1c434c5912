# SPDX-License-Identifier: GPL-2.0-or-later
#
# Looks for the ACPI tables where firmware leaves them and prints on COM1: the OEM of the
# root pointer, then the signature of the RSDT, of each table in it and of the DSDT that
# the FADT points to, with '?' before one whose checksum is wrong, and "done". "none" if
# there is no root pointer.

        .include "boot.inc"

        .set    RSDP_OEM, 9
        .set    RSDP_RSDT, 16
        .set    TABLE_LENGTH, 4
        .set    TABLE_ENTRIES, 36
        .set    FADT_DSDT, 40

        boot_entry
        enter_pm32
        find_rsdp absent
        lea     RSDP_OEM(%esi), %edi
        call    print_4
        mov     RSDP_RSDT(%esi), %esi
        mov     %esi, %edi
        call    print_table
        mov     TABLE_LENGTH(%esi), %ebp
        add     %esi, %ebp
        add     $TABLE_ENTRIES, %esi
next:   cmp     %ebp, %esi
        jae     end
        mov     (%esi), %edi
        call    print_table
        cmpl    $0x50434146, (%edi)     # "FACP"
        jne     1f
        mov     FADT_DSDT(%edi), %edi
        call    print_table
1:      add     $4, %esi
        jmp     next
end:    mov     $done, %edi
        call    print_4
        jmp     .
absent: mov     $none, %edi
        call    print_4
        jmp     .

print_table:                            # at edi, which stays
        mov     TABLE_LENGTH(%edi), %ecx
        xor     %eax, %eax
1:      add     -1(%edi,%ecx), %al
        loop    1b
        test    %al, %al
        jz      print_4
        mov     $'?', %al
        serial_byte
print_4:
        xor     %ecx, %ecx
1:      mov     (%edi,%ecx), %al
        serial_byte
        inc     %ecx
        cmp     $4, %ecx
        jb      1b
        mov     $' ', %al
        serial_byte
        ret

none:   .ascii  "none"
done:   .ascii  "done"
        flat_gdt
        end_of_boot_sector
