# SPDX-License-Identifier: GPL-2.0-or-later
#
# Reads and writes the boot disk, first through the BIOS, then the IDE controller by
# PIO; with BIOS_ONLY, for machines that have another controller, only the former.
# Sector 8 of the image holds a pattern: byte i is i xor 0xa5.
#   1. int 13h extended read of sector 8, pattern must match
#   2. int 13h extended write of it to sector 9
#   3. IDE: IDENTIFY DEVICE, the capacity must be that of the image
#   4. IDE: READ SECTORS of 9, pattern must match (the BIOS has written it)
#   5. IDE: WRITE SECTORS, inverted, to sectors 10 and 11 with one command, FLUSH CACHE
#   6. IDE: READ SECTORS of 10 and 11 with one command, inverted pattern must match
# Prints the numbers of the steps as they pass, and "done", or "error at step N".

        .include "boot.inc"
        .set    BUFFER, 0x9000
        .set    IDE, 0x1f0
        .ifndef SECTORS
        .set    SECTORS, 64
        .endif

        boot_entry 5
        mov     $read_packet, %si
        mov     boot_drive, %dl
        mov     $0x42, %ah
        int     $0x13
        sbb     %al, %al
        mov     %al, bios_read_failed
        mov     $write_packet, %si
        mov     boot_drive, %dl
        mov     $0x4300, %ax
        int     $0x13
        sbb     %al, %al
        mov     %al, bios_write_failed
        enter_pm32
        jmp     main

bios_read_failed:  .byte 0
bios_write_failed: .byte 0
        .balign 4
read_packet:
        .byte   16, 0
        .word   1
        .word   BUFFER, 0
        .quad   8
write_packet:
        .byte   16, 0
        .word   1
        .word   BUFFER, 0
        .quad   9
        flat_gdt
        end_of_boot_sector

        .include "console.inc"

main:
        movb    $1, step
        cmpb    $0, bios_read_failed
        jne     failed
        mov     $0xa5, %ah
        mov     $BUFFER, %esi
        call    check_pattern
        call    passed

        cmpb    $0, bios_write_failed
        jne     failed
        call    passed
        .ifdef  BIOS_ONLY
        jmp     all_passed
        .endif

        mov     $0x02, %al              # device control: no interrupts
        mov     $0x3f6, %dx
        out     %al, %dx
        xor     %eax, %eax
        mov     $0xec, %bl
        xor     %ecx, %ecx
        call    command
        mov     $1, %ecx
        call    receive
        mov     BUFFER + 2 * 60, %eax   # words 60 and 61: sectors that LBA reaches
        cmp     $SECTORS, %eax
        jne     failed
        call    passed

        mov     $9, %eax
        mov     $1, %ecx
        mov     $0x20, %bl
        call    command
        mov     $1, %ecx
        call    receive
        mov     $0xa5, %ah
        mov     $BUFFER, %esi
        call    check_pattern
        call    passed

        mov     $BUFFER, %edi           # two sectors with the inverted pattern
        mov     $1024, %ecx
        xor     %eax, %eax
1:      mov     %al, %dl
        xor     $0x5a, %dl
        mov     %dl, (%edi)
        inc     %edi
        inc     %eax
        loop    1b
        mov     $10, %eax
        mov     $2, %ecx
        mov     $0x30, %bl
        call    command
        mov     $2, %ecx
        call    send
        xor     %eax, %eax
        xor     %ecx, %ecx
        mov     $0xe7, %bl
        call    command
        call    wait_idle
        call    passed

        mov     $BUFFER, %edi
        mov     $256, %ecx
        xor     %eax, %eax
        rep stosl
        mov     $10, %eax
        mov     $2, %ecx
        mov     $0x20, %bl
        call    command
        mov     $2, %ecx
        call    receive
        mov     $0x5a, %ah
        mov     $BUFFER, %esi
        call    check_pattern
        call    check_pattern
        call    passed
all_passed:
        print   "done\r\n"
        jmp     stop

# Prints the step's number and goes on to the next one.
passed:
        mov     step, %al
        add     $'0', %al
        call    put_byte
        incb    step
        ret

failed:
        print   "error at step "
        movzbl  step, %eax
        call    put_decimal
        print   "\r\n"
stop:   cli
1:      hlt
        jmp     1b
step:   .byte   1

# 512 bytes at esi must be i xor ah; esi moves on.
check_pattern:
        xor     %edx, %edx
1:      mov     %dl, %al
        xor     %ah, %al
        cmp     %al, (%esi)
        jne     failed
        inc     %esi
        inc     %edx
        cmp     $512, %edx
        jb      1b
        ret

# Gives command bl for ecx sectors from LBA eax (below 2^28) to the master.
command:
        push    %eax
        call    wait_idle
        mov     $IDE + 6, %dx
        mov     %eax, %esi
        shr     $24, %eax
        and     $0x0f, %al
        or      $0xe0, %al
        out     %al, %dx
        call    wait_idle
        mov     $IDE + 2, %dx
        mov     %cl, %al
        out     %al, %dx
        inc     %dx
        mov     %esi, %eax
        out     %al, %dx
        inc     %dx
        shr     $8, %eax
        out     %al, %dx
        inc     %dx
        shr     $8, %eax
        out     %al, %dx
        mov     $IDE + 7, %dx
        mov     %bl, %al
        out     %al, %dx
        pop     %eax
        ret

# Waits until BSY is clear; an error ends the program.
wait_idle:
        push    %eax
        push    %edx
        mov     $IDE + 7, %dx
1:      in      %dx, %al
        test    $0x80, %al
        jnz     1b
        test    $0x01, %al
        jnz     failed
        pop     %edx
        pop     %eax
        ret

# Waits until the drive wants data to move.
wait_data:
        push    %eax
        push    %edx
        mov     $IDE + 7, %dx
1:      in      %dx, %al
        test    $0x80, %al
        jnz     1b
        test    $0x21, %al              # ERR or DF
        jnz     failed
        test    $0x08, %al
        jz      1b
        pop     %edx
        pop     %eax
        ret

# Moves ecx sectors from the drive to BUFFER.
receive:
        mov     $BUFFER, %edi
1:      call    wait_data
        push    %ecx
        mov     $256, %ecx
        mov     $IDE, %dx
        rep insw
        pop     %ecx
        loop    1b
        ret

# Moves ecx sectors from BUFFER to the drive.
send:
        mov     $BUFFER, %esi
1:      call    wait_data
        push    %ecx
        mov     $256, %ecx
        mov     $IDE, %dx
        rep outsw
        pop     %ecx
        loop    1b
        ret

        .org    8 * 512                 # the pattern for step 1
        .set    i, 0
        .rept   512
        .byte   (i & 0xff) ^ 0xa5
        .set    i, i + 1
        .endr
