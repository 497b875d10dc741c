/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the functions under test find around them: enough of a kernel for
 * them to compile in user space, and a host that records what it is told.
 */
#ifndef STUBS_H
#define STUBS_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint32_t u32;
typedef uint64_t u64;
typedef unsigned long phys_addr_t;

#define CONFIG_PARAVIRT
#define CONFIG_SMP
#define CONFIG_KEXEC_CORE
#define CONFIG_CRASH_DUMP
#define __init
#define WRITE_ONCE(x, value) (*(volatile typeof(x) *)&(x) = (value))
#define READ_ONCE(x) (*(volatile typeof(x) *)&(x))
#define smp_store_mb(x, value) (WRITE_ONCE(x, value), __sync_synchronize())
#define WARN_ONCE(condition, ...) (warned += !!(condition))
#define pr_warn_once(...) ((void)0)
#define pr_info(...) ((void)0)
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define PAGE_SHIFT 12
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define PFN_UP(x) (((x) + PAGE_SIZE - 1) >> PAGE_SHIFT)
#define PFN_DOWN(x) ((x) >> PAGE_SHIFT)
#define PFN_PHYS(x) ((phys_addr_t)(x) << PAGE_SHIFT)
#define BIT_ULL(n) (1ULL << (n))
#define SZ_4G (1ULL << 32)

extern int warned;

/* page tables: what lookup_address() finds is the test's */
enum { PG_LEVEL_NONE, PG_LEVEL_4K, PG_LEVEL_2M, PG_LEVEL_1G, PG_LEVEL_512G };
typedef struct { unsigned long pfn; bool none; } pte_t;
typedef pte_t pmd_t;
typedef pte_t pud_t;
typedef unsigned long pgprot_t;

#define pte_pfn(entry) ((entry).pfn)
#define pmd_pfn(entry) ((entry).pfn)
#define pud_pfn(entry) ((entry).pfn)
#define pte_pgprot(entry) ((void)(entry), 0UL)
#define pmd_pgprot(entry) ((void)(entry), 0UL)
#define pud_pgprot(entry) ((void)(entry), 0UL)
#define pte_none(entry) ((entry).none)
#define page_level_size(level) (1UL << (PAGE_SHIFT + 9 * ((level) - 1)))
#define page_level_mask(level) (~(page_level_size(level) - 1))

pte_t *lookup_address_any(unsigned long vaddr, unsigned int *level);
#define lookup_address(vaddr, level) \
	lookup_address_any(vaddr, (unsigned int *)(level))

/* the host, as kvm_para.h, msr.h and cpuid show it */
enum { KVM_HC_MAP_GPA_RANGE = 12, MSR_KVM_MIGRATION_CONTROL = 0x4b564d08 };
enum { KVM_MIGRATION_READY = 1 };
enum { KVM_MAP_GPA_RANGE_PAGE_SZ_4K, KVM_MAP_GPA_RANGE_ENCRYPTED = 1 << 4 };
enum { KVM_FEATURE_MIGRATION_CONTROL = 17, KVM_FEATURE_PV_EOI = 6,
	KVM_FEATURE_POLL_CONTROL = 12 };
enum { MSR_KVM_PV_EOI_EN = 0x4b564d04 };
enum { CC_ATTR_GUEST_MEM_ENCRYPT, CC_ATTR_HOST_MEM_ENCRYPT,
	CC_ATTR_GUEST_SEV_SNP };

#define KVM_MAP_GPA_RANGE_ENC_STAT(enc) ((enc) << 4)

long kvm_sev_hypercall3(unsigned int nr, unsigned long p1, unsigned long p2,
			unsigned long p3);
int wrmsrl_safe(unsigned int msr, u64 value);
void wrmsrl(unsigned int msr, u64 value);

#define kvm_para_has_feature(f) ((f) == KVM_FEATURE_MIGRATION_CONTROL)
#define cc_platform_has(a) ((a) == CC_ATTR_GUEST_MEM_ENCRYPT)
#define rdmsrl(msr, value) ((void)(value))
/* since 6.16 */
#define wrmsrq wrmsrl
#define wrmsrq_safe wrmsrl_safe
#define rdmsrq rdmsrl

/* what only has to be there */
typedef unsigned short efi_char16_t;
typedef int efi_guid_t, efi_status_t;
enum { EFI_BOOT, EFI_RUNTIME_SERVICES, EFI_SUCCESS = 0, EFI_NOT_FOUND };
enum { SYS_RESTART = 1, SYS_POWER_OFF = 3, NOTIFY_DONE = 0 };
enum { E820_TYPE_RAM = 1, E820_TYPE_RESERVED };
enum { PM_SUSPEND_ON, PM_SUSPEND_MEM = 3 };
enum { X86_MEMTYPE_UC, MTRR_TYPE_WRBACK = 6, MTRR_PHYSMASK_V = 1 << 11 };
struct pt_regs;
struct notifier_block;
struct mtrr_var_range { uint32_t base_lo, base_hi, mask_lo, mask_hi; };
struct e820_entry { u64 addr, size; int type; };
struct e820_table { unsigned int nr_entries; struct e820_entry entries[64]; };

#define AMD_SEV_MEM_ENCRYPT_GUID 0
#define efi_enabled(what) ((void)(what), booted_by_efi)
#define e820__end_of_low_ram_pfn() 0UL
#define guest_force_mtrr_state(...) ((void)pci_hole)
#define early_set_mem_enc_dec_hypercall(...) ((void)0)
#define kvmclock_init() ((void)0)
#define kvmclock_disable() ((void)0)
#define kvm_disable_steal_time() ((void)0)
#define kvm_pv_disable_apf() ((void)0)
#define apf_task_wake_all() ((void)0)
#define native_machine_crash_shutdown(regs) ((void)(regs))
#define kvm_cpu_online(cpu) ((void)(cpu))
#define raw_smp_processor_id() 0
#define local_irq_save(flags) ((flags) = 0)
#define local_irq_restore(flags) ((void)(flags))
#define on_each_cpu(f, arg, wait) ((f)(arg), (f)(arg))
#define snp_set_memory_shared(...) ((void)0)
#define snp_set_memory_private(...) ((void)0)
#define notify_page_enc_status_changed(...) \
	pv_ops.mmu.notify_page_enc_status_changed(__VA_ARGS__)

extern bool booted_by_efi;
extern int pm_suspend_target_state;
extern struct e820_table *e820_table;
extern struct {
	efi_status_t (*get_variable)(efi_char16_t *name, efi_guid_t *guid,
				     void *attr, unsigned long *size, void *to);
} efi;
extern struct { struct {
	void (*notify_page_enc_status_changed)(unsigned long pfn, int npages,
					       bool enc);
} mmu; } pv_ops;
extern struct { void (*apic_post_init)(void); } x86_platform;
extern struct { int x86_phys_bits; } boot_cpu_data;
extern char __start_bss_decrypted[1], __end_bss_decrypted[1];
static inline void kvm_apic_init(void) {}

#endif
