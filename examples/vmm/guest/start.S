/* SPDX-License-Identifier: MIT-0 */
/* Where the flat image begins. The VMM has set up long mode and the stack. */
	.section .text.start, "ax", @progbits
	.globl start
start:
	call	work
halt:
	hlt
	jmp	halt

	.section .note.GNU-stack, "", @progbits
