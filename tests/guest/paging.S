# SPDX-License-Identifier: GPL-2.0-or-later
#
# Paging, faults and interrupts. Steps, printed as they pass:
#   1. paging on: identity map of 4 MiB in 4 KiB pages; an alias at 8 MiB shows the same byte
#   2. a page that is not present faults with the right CR2 and error code; the
#      handler maps it, and an addition to it is done once, when it is repeated
#   3. a read-only page faults on a store with CR0.WP set
#   4. accessed and dirty bits are set as accesses happen
#   5. the 8254 interrupts ten times through the 8259 (IRQ 0), hlt wakes up each time
#   6. the RTC's periodic interrupt comes through the second 8259 (IRQ 8) ten times
#   7. an invalid opcode and a division by zero arrive as vectors 6 and 0
# Then "done"; or "error at step N", or "unexpected vector V". After "done" a 't'
# for each tenth tick, for ever, as a sign of life.

        .include "boot.inc"
        .set    DIRECTORY, 0x20000
        .set    TABLE_LOW, 0x21000      # 0..4 MiB
        .set    TABLE_HIGH, 0x22000     # 8..12 MiB
        .set    IDT, 0x23000
        .set    ALIAS, 0x800000
        .set    ABSENT, 0x805000
        .set    READ_ONLY, 0x806000

        boot_entry 7
        enter_pm32
        jmp     main
        flat_gdt
        end_of_boot_sector

        .include "console.inc"

main:
        call    set_up_idt
        call    set_up_pic

        # --- 1
        mov     $DIRECTORY, %edi
        mov     $3 * 1024, %ecx
        xor     %eax, %eax
        rep stosl
        movl    $TABLE_LOW + 7, DIRECTORY
        movl    $TABLE_HIGH + 7, DIRECTORY + 4 * (ALIAS >> 22)
        mov     $TABLE_LOW, %edi
        mov     $7, %eax
        mov     $1024, %ecx
1:      stosl
        add     $0x1000, %eax
        loop    1b
        movl    $0x100000 + 7, TABLE_HIGH                      # the alias
        movl    $0x102000 + 5, TABLE_HIGH + 4 * (READ_ONLY >> 12 & 1023)
        mov     $DIRECTORY, %eax
        mov     %eax, %cr3
        mov     %cr0, %eax
        or      $0x80010000, %eax                              # PG and WP
        mov     %eax, %cr0
        jmp     1f
1:      movb    $0x5a, 0x100123
        cmpb    $0x5a, ALIAS + 0x123
        jne     failed
        movb    $0x77, ALIAS + 0x124
        cmpb    $0x77, 0x100124
        jne     failed
        call    passed

        # --- 2
        movl    $0, fault_count
        mov     ABSENT + 0x20, %eax
        cmpl    $1, fault_count
        jne     failed
        cmpl    $0, fault_code                                 # not present, a read, supervisor
        jne     failed
        call    unmap_absent
        movl    $99, ABSENT + 0x24
        cmpl    $2, fault_count
        jne     failed
        cmpl    $ABSENT + 0x24, fault_address
        jne     failed
        cmpl    $2, fault_code                                 # not present, a write, supervisor
        jne     failed
        call    unmap_absent
        movl    $11, 0x101010
        addl    $31, ABSENT + 0x10
        cmpl    $3, fault_count
        jne     failed
        cmpl    $42, 0x101010
        jne     failed
        call    passed

        # --- 3
        movl    $0, fault_count
        mov     READ_ONLY, %eax
        cmpl    $0, fault_count
        jne     failed
        movl    $1, READ_ONLY + 8
        cmpl    $1, fault_count
        jne     failed
        cmpl    $3, fault_code                                 # present, a write, supervisor
        jne     failed
        call    passed

        # --- 4
        movl    $0x103000 + 7, TABLE_HIGH + 4 * 7
        mov     %cr3, %eax
        mov     %eax, %cr3
        testb   $0x60, TABLE_HIGH + 4 * 7
        jnz     failed
        mov     ALIAS + 0x7000, %eax
        mov     TABLE_HIGH + 4 * 7, %eax
        and     $0x60, %eax
        cmp     $0x20, %eax                                    # accessed, not dirty
        jne     failed
        mov     %eax, ALIAS + 0x7000
        testb   $0x40, TABLE_HIGH + 4 * 7
        jz      failed
        call    passed

        # --- 5
        mov     $0x34, %al                                     # channel 0, mode 2
        out     %al, $0x43
        mov     $(1193182 / 200) & 0xff, %al
        out     %al, $0x40
        mov     $(1193182 / 200) >> 8, %al
        out     %al, $0x40
        in      $0x21, %al
        and     $0xfe, %al
        out     %al, $0x21
        movl    $0, ticks
1:      sti
        hlt
        cli
        cmpl    $10, ticks
        jb      1b
        in      $0x21, %al
        or      $1, %al
        out     %al, $0x21
        call    passed

        # --- 6
        mov     $0x8a, %al                                     # rate: 1024 Hz
        out     %al, $0x70
        mov     $0x26, %al
        out     %al, $0x71
        mov     $0x8b, %al                                     # periodic interrupt on
        out     %al, $0x70
        in      $0x71, %al
        mov     %al, %bl
        mov     $0x8b, %al
        out     %al, $0x70
        mov     %bl, %al
        or      $0x40, %al
        out     %al, $0x71
        mov     $0x8c, %al                                     # reading C clears what is pending
        out     %al, $0x70
        in      $0x71, %al
        in      $0xa1, %al
        and     $0xfe, %al
        out     %al, $0xa1
        movl    $0, rtc_ticks
1:      sti
        hlt
        cli
        cmpl    $10, rtc_ticks
        jb      1b
        in      $0xa1, %al
        or      $1, %al
        out     %al, $0xa1
        call    passed

        # --- 7
        movl    $0, last_vector
        movl    $1f, resume_at
        ud2
1:      cmpl    $6, last_vector
        jne     failed
        movl    $1f, resume_at
        xor     %edx, %edx
        xor     %ecx, %ecx
        div     %ecx
1:      cmpl    $0, last_vector
        jne     failed
        movl    $0, resume_at
        call    passed
        print   "done\r\n"

        movl    $0, ticks
        in      $0x21, %al
        and     $0xfe, %al
        out     %al, $0x21
        sti
1:      hlt
        cmpl    $10, ticks
        jb      1b
        movl    $0, ticks
        mov     $'t', %al
        call    put_byte
        jmp     1b

unmap_absent:
        movl    $0, TABLE_HIGH + 4 * (ABSENT >> 12 & 1023)
        invlpg  ABSENT
        ret

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
stop:   print   "\r\n"
        cli
1:      hlt
        jmp     1b

        .balign 4
step:          .long 1
ticks:         .long 0
rtc_ticks:     .long 0
fault_count:   .long 0
fault_address: .long 0
fault_code:    .long 0
last_vector:   .long 0
resume_at:     .long 0                  # where an expected exception goes on; 0: none is expected

# --- handlers

# The handler of a page fault maps what is missing, and makes writable what is not.
page_fault:
        pusha
        incl    fault_count
        mov     %cr2, %eax
        mov     %eax, fault_address
        mov     32(%esp), %ebx
        mov     %ebx, fault_code
        mov     %eax, %ecx
        and     $~0xfff, %ecx
        cmp     $ABSENT, %ecx
        je      1f
        cmp     $READ_ONLY, %ecx
        jne     failed
        orl     $2, TABLE_HIGH + 4 * (READ_ONLY >> 12 & 1023)
        jmp     2f
1:      movl    $0x101000 + 7, TABLE_HIGH + 4 * (ABSENT >> 12 & 1023)
2:      invlpg  (%eax)
        popa
        add     $4, %esp
        iretl

timer:
        push    %eax
        incl    ticks
        mov     $0x20, %al
        out     %al, $0x20
        pop     %eax
        iretl

rtc:
        push    %eax
        mov     $0x8c, %al
        out     %al, $0x70
        in      $0x71, %al
        test    $0x40, %al
        jz      1f
        incl    rtc_ticks
1:      mov     $0x20, %al
        out     %al, $0xa0
        out     %al, $0x20
        pop     %eax
        iretl

# Every other vector comes here by way of a stub that pushes its number.
other:
        push    %eax
        mov     4(%esp), %eax
        mov     %eax, last_vector
        mov     resume_at, %eax
        test    %eax, %eax
        jz      1f
        mov     %eax, 8(%esp)
        pop     %eax
        add     $4, %esp
        iretl
1:      print   "unexpected vector "
        mov     last_vector, %eax
        call    put_decimal
        jmp     stop

# Fills the IDT: vectors 0 to 47 get a stub that pushes the number and jumps to
# `other`; three of them have handlers of their own. The stubs are written here,
# behind the IDT, for each is the same seven bytes but for two numbers.
set_up_idt:
        .set    STUBS, IDT + 0x1000
        xor     %ecx, %ecx
        mov     $STUBS, %edi
1:      movb    $0x6a, (%edi)           # push imm8
        mov     %cl, 1(%edi)
        movb    $0xe9, 2(%edi)          # jmp rel32
        mov     $other, %eax
        sub     %edi, %eax
        sub     $7, %eax
        mov     %eax, 3(%edi)
        mov     %edi, %eax
        call    set_gate
        add     $8, %edi
        inc     %ecx
        cmp     $48, %ecx
        jb      1b
        mov     $14, %ecx
        mov     $page_fault, %eax
        call    set_gate
        mov     $32, %ecx
        mov     $timer, %eax
        call    set_gate
        mov     $40, %ecx
        mov     $rtc, %eax
        call    set_gate
        lidt    idt_pointer
        ret

# Interrupt gate ecx goes to eax.
set_gate:
        mov     %ax, IDT(, %ecx, 8)
        movw    $CODE32, IDT + 2(, %ecx, 8)
        movw    $0x8e00, IDT + 4(, %ecx, 8)
        shr     $16, %eax
        mov     %ax, IDT + 6(, %ecx, 8)
        ret

# Both 8259s: edge triggered, cascaded on IRQ 2, vectors from 32 on, everything
# masked but the cascade.
set_up_pic:
        mov     $0x11, %al
        out     %al, $0x20
        out     %al, $0xa0
        mov     $32, %al
        out     %al, $0x21
        mov     $40, %al
        out     %al, $0xa1
        mov     $4, %al
        out     %al, $0x21
        mov     $2, %al
        out     %al, $0xa1
        mov     $1, %al
        out     %al, $0x21
        out     %al, $0xa1
        mov     $0xfb, %al
        out     %al, $0x21
        mov     $0xff, %al
        out     %al, $0xa1
        ret

        .balign 4
idt_pointer:
        .word   48 * 8 - 1
        .long   IDT

        .org    7 * 512
