/* SPDX-License-Identifier: MIT-0 */
/* The instructions that C has no word for. */
#ifndef GUEST_MACHINE_H
#define GUEST_MACHINE_H

#include <stdint.h>

static inline uint32_t in32(uint16_t port)
{
	uint32_t value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

static inline void out32(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline void invlpg(uint64_t address)
{
	__asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static inline void wrmsr(uint32_t index, uint64_t value)
{
	__asm__ volatile("wrmsr" : : "c"(index), "a"((uint32_t)value),
			 "d"((uint32_t)(value >> 32)) : "memory");
}

static inline uint32_t cpuid_eax(uint32_t function)
{
	uint32_t eax = function, ebx, ecx = 0, edx;

	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "+c"(ecx), "=d"(edx));
	return eax;
}

static inline int64_t vmmcall(uint64_t nr, uint64_t a, uint64_t b, uint64_t c)
{
	int64_t ret;

	__asm__ volatile("vmmcall" : "=a"(ret) : "0"(nr), "b"(a), "c"(b),
			 "d"(c) : "memory");
	return ret;
}

/* A place that is no memory: it goes with the vCPU's state. The compiler is
 * told to leave this register alone. */
static inline void keep(uint64_t value)
{
	__asm__ volatile("movq %0, %%xmm15" : : "r"(value));
}

static inline uint64_t kept(void)
{
	uint64_t value;

	__asm__ volatile("movq %%xmm15, %0" : "=r"(value));
	return value;
}

#endif /* GUEST_MACHINE_H */
