# SPDX-License-Identifier: GPL-2.0-or-later
#
# A Multiboot kernel that prints on COM1 what it was told: "multiboot", its command line,
# "map ok" if the memory map has the KiB from 1 MiB on that the record names, each module
# as NAME=CONTENTS, and "done". Built twice: as an ELF image, and (RAW=1) as a flat file
# with its addresses in the Multiboot header. Source: Multiboot Specification 0.6.96, 3.

        .set    COM1, 0x3f8
        .set    MAGIC, 0x1badb002
        .set    ALIGN, 1 << 0
        .set    MEMORY, 1 << 1
        .set    ADDRESSES, 1 << 16
        .ifdef  RAW
        .set    FLAGS, ALIGN | MEMORY | ADDRESSES
        .else
        .set    FLAGS, ALIGN | MEMORY
        .endif

        .set    INFO_UPPER, 8
        .set    INFO_COMMAND_LINE, 16
        .set    INFO_MODULES, 20
        .set    INFO_MODULE_TABLE, 24
        .set    INFO_MAP_BYTES, 44
        .set    INFO_MAP, 48
        .set    MODULE_ENTRY, 16
        .set    RAM, 1

        .code32
        .globl  _start
_start: jmp     entry
        .balign 4
header: .long   MAGIC
        .long   FLAGS
        .long   -(MAGIC + FLAGS)
        .ifdef  RAW
        .long   header
        .long   _start
        .long   end_of_file
        .long   end_of_memory
        .long   entry
        .endif

        .include "console.inc"

entry:  cmp     $0x2badb002, %eax
        jne     .
        mov     $stack, %esp
        cmpl    $0, zeros               # memory behind the file has to be clear
        jne     .
        mov     $hello, %esi
        call    put_string
        mov     INFO_COMMAND_LINE(%ebx), %esi
        call    put_line

        mov     INFO_MAP(%ebx), %edi
        mov     INFO_MAP_BYTES(%ebx), %ecx
        add     %edi, %ecx
1:      cmp     %ecx, %edi
        jae     modules
        cmpl    $RAM, 20(%edi)
        jne     2f
        cmpl    $0x100000, 4(%edi)
        jne     2f
        mov     12(%edi), %eax
        shr     $10, %eax
        cmp     INFO_UPPER(%ebx), %eax
        jne     2f
        mov     $map_ok, %esi
        call    put_string
2:      mov     (%edi), %eax
        lea     4(%edi,%eax), %edi
        jmp     1b

modules:
        mov     INFO_MODULES(%ebx), %ebp
        mov     INFO_MODULE_TABLE(%ebx), %edi
1:      test    %ebp, %ebp
        jz      end
        mov     8(%edi), %esi
        call    put_string
        mov     $'=', %al
        call    put_byte
        mov     (%edi), %esi
        mov     4(%edi), %ecx
        sub     %esi, %ecx
        jecxz   3f
2:      lodsb
        call    put_byte
        loop    2b
3:      mov     $line, %esi
        call    put_string
        add     $MODULE_ENTRY, %edi
        dec     %ebp
        jmp     1b

end:    mov     $done, %esi
        call    put_string
        jmp     .

put_line:
        call    put_string
        mov     $line, %esi
        jmp     put_string

hello:  .asciz  "multiboot\r\n"
map_ok: .asciz  "map ok\r\n"
done:   .asciz  "done"
line:   .asciz  "\r\n"
        .balign 4
end_of_file:

        .bss
zeros:  .long   0
        .skip   4096
stack:
end_of_memory:
