# SPDX-License-Identifier: GPL-2.0-or-later
#
# Prints 'P', waits WAIT times 50 ms [0], and goes to soft-off: SLP_EN and sleep
# type 0 in PM1a_CNT. Where that is the firmware has decided; register 0x40 of the
# PIIX4's power management function, 00:01.3, tells, or of the ICH9's LPC bridge,
# 00:1f.0, where the host bridge is a Q35's.

        .include "boot.inc"
        .ifndef WAIT
        .set    WAIT, 0
        .endif
        boot_entry
        enter_pm32
        mov     $'P', %al
        serial_byte
        wait_50_ms WAIT
        mov     $0xcf8, %dx
        mov     $0x80000000, %eax
        out     %eax, %dx
        mov     $0xcfc, %dx
        in      %dx, %eax
        mov     $0x80000b40, %ebx
        cmp     $0x29c08086, %eax
        jne     1f
        mov     $0x8000f840, %ebx
1:      mov     $0xcf8, %dx
        mov     %ebx, %eax
        out     %eax, %dx
        mov     $0xcfc, %dx
        in      %dx, %eax
        and     $0xffc0, %eax
        lea     4(%eax), %edx
        mov     $0x2000, %ax
        out     %ax, %dx
        mov     $'!', %al               # only a machine that did not power off comes here
        serial_byte
        cli
1:      hlt
        jmp     1b
        flat_gdt
        end_of_boot_sector
