/* SPDX-License-Identifier: MIT-0 */
/* The guest: 64-bit code that is copied to GUEST_PAYLOAD and runs anywhere.
 * %r12 the mailbox, %r13 nonzero on Intel, %r15 counts #GP. */
#include "payload.h"

	.section .rodata
	.globl payload, payload_gp, payload_end
	.balign 16
payload:
	mov	$GUEST_MAILBOX, %r12d
	xor	%eax, %eax
	cpuid
	xor	%r13d, %r13d
	cmp	$0x756e6547, %ebx	/* "Genu" */
	sete	%r13b
next:
	out	%al, $PORT_DOORBELL
	xor	%r15d, %r15d
	mov	BOX_ARG(%r12), %rcx
	mov	BOX_ARG+8(%r12), %rax
	mov	BOX_DO(%r12), %edx
	cmp	$DO_HYPERCALL, %edx
	je	hypercall
	cmp	$DO_RDMSR, %edx
	je	read_msr
	cmp	$DO_WRMSR, %edx
	je	write_msr
	cmp	$DO_CPUID, %edx
	je	read_cpuid
	cmp	$DO_READ, %edx
	je	read_memory
	cmp	$DO_WRITE, %edx
	je	write_memory
halt:
	hlt
	jmp	halt

hypercall:
	mov	%rcx, %rax
	mov	BOX_ARG+8(%r12), %rbx
	mov	BOX_ARG+16(%r12), %rcx
	mov	BOX_ARG+24(%r12), %rdx
	mov	BOX_ARG+32(%r12), %rsi
	test	%r13d, %r13d
	jnz	1f
	vmmcall
	jmp	done
1:	vmcall
	jmp	done

read_msr:
	xor	%eax, %eax
	xor	%edx, %edx
	rdmsr
	shl	$32, %rdx
	or	%rdx, %rax
	jmp	done

write_msr:
	mov	%rax, %rdx
	shr	$32, %rdx
	wrmsr
	xor	%eax, %eax
	jmp	done

read_cpuid:
	mov	%ecx, %eax
	xor	%ecx, %ecx
	cpuid
	jmp	done

read_memory:
	mov	(%rcx), %rax
	jmp	done

write_memory:
	mov	%rax, (%rcx)
	xor	%eax, %eax

done:
	mov	%rax, BOX_RESULT(%r12)
	mov	%r15, BOX_FAULT(%r12)
	jmp	next

	/* Only RDMSR and WRMSR get here, two bytes each: step over it. */
payload_gp:
	inc	%r15
	add	$8, %rsp
	addq	$2, (%rsp)
	iretq
payload_end:

	.section .note.GNU-stack, "", @progbits
