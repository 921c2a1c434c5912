# SPDX-License-Identifier: GPL-2.0-or-later
#
# Prints 'P', waits WAIT times 50 ms [0], and goes to soft-off: SLP_EN and sleep
# type 0 in PM1a_CNT, at 0x604 on the pc machine (the firmware puts the PIIX4's
# power management at 0x600).

        .include "boot.inc"
        .ifndef WAIT
        .set    WAIT, 0
        .endif
        boot_entry
        enter_pm32
        mov     $'P', %al
        serial_byte
        wait_50_ms WAIT
        mov     $0x604, %dx
        mov     $0x2000, %ax
        out     %ax, %dx
        mov     $'!', %al               # only a machine that did not power off comes here
        serial_byte
        cli
1:      hlt
        jmp     1b
        flat_gdt
        end_of_boot_sector
