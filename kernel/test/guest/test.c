// SPDX-License-Identifier: GPL-2.0-only
/*
 * The functions of a guest that announce the encryption status of its pages,
 * compiled out of the kernel's source as it is patched, on a host that checks
 * each call as KVM does. One TAP test is one promise of one patch; its number
 * comes first in the name.
 */
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stubs.h"
#include "extracted.h"

int warned, pm_suspend_target_state;
bool booted_by_efi;
struct e820_table *e820_table;
typeof(efi) efi;
typeof(pv_ops) pv_ops;
typeof(x86_platform) x86_platform;
typeof(boot_cpu_data) boot_cpu_data;
char __start_bss_decrypted[1], __end_bss_decrypted[1];

/* The host: the MSR, and each call that it took */
struct call { unsigned long pfn, npages; bool enc; };
static struct {
	struct call calls[100000];
	size_t nr_calls;
	unsigned int refused, msr_writes, splats;
	bool refuses, hung_up;
	u64 msr;
} host;

long kvm_sev_hypercall3(unsigned int nr, unsigned long gpa,
			unsigned long npages, unsigned long attributes)
{
	unsigned long pfn = gpa >> PAGE_SHIFT;

	if (host.refuses || nr != KVM_HC_MAP_GPA_RANGE || gpa % PAGE_SIZE ||
	    !npages || pfn + npages <= pfn ||
	    host.nr_calls == sizeof(host.calls) / sizeof(*host.calls)) {
		host.refused++;
		return -22;
	}
	host.calls[host.nr_calls++] = (struct call){ pfn, npages,
		attributes & KVM_MAP_GPA_RANGE_ENCRYPTED };
	return 0;
}

int wrmsrl_safe(unsigned int msr, u64 value)
{
	if (msr != MSR_KVM_MIGRATION_CONTROL)
		return 0;
	host.msr_writes++;
	if (host.hung_up)
		return -EIO;
	host.msr = value;
	return 0;
}

void wrmsrl(unsigned int msr, u64 value)
{
	if (wrmsrl_safe(msr, value))
		host.splats++;
}

/* The guest's page tables: one entry per 4 KiB of addresses from 0 on */
enum { NR_SLOTS = 1 << 14 };
static struct { pte_t pte; int level; } slots[NR_SLOTS];
/* or, where it is set, this for every address, in a row */
static int endless_level;

pte_t *lookup_address_any(unsigned long vaddr, unsigned int *level)
{
	static pte_t pte;
	unsigned long slot = vaddr >> PAGE_SHIFT;

	if (endless_level) {
		*level = endless_level;
		pte = (pte_t){ .pfn = (vaddr & page_level_mask(*level)) >>
			PAGE_SHIFT };
		return &pte;
	}
	if (slot >= NR_SLOTS)
		return NULL;
	*level = slots[slot].level;
	return &slots[slot].pte;
}

static efi_status_t efi_says_yes(efi_char16_t *name, efi_guid_t *guid,
				 void *attr, unsigned long *size, void *to)
{
	*(bool *)to = true;
	return EFI_SUCCESS;
}

static unsigned int tests, failures;
static unsigned int seed;

static unsigned int below(unsigned int limit)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 8) % limit;
}

static bool ready(void)
{
	return host.msr & KVM_MIGRATION_READY;
}

/* Boot on one GiB of RAM, or what the test has put into the table */
static struct e820_table table;

static void boot(void)
{
	if (!table.nr_entries)
		table = (struct e820_table){ 1, { { 0, 1 << 30,
			E820_TYPE_RAM } } };
	e820_table = &table;
	efi.get_variable = efi_says_yes;
	kvm_init_platform();
}

/* 1: READY survives CPU hotplug and resume; it ends with the kernel */
static bool cpu_offline_leaves_ready(void)
{
	boot();
	kvm_cpu_down_prepare(1);
	return ready();
}

static bool resume_announces_again(void)
{
	boot();
	pm_suspend_target_state = PM_SUSPEND_MEM;
	kvm_suspend(ARG);
	host.msr = 0;	/* the VMM resets the CPU */
	kvm_resume(ARG);
	return ready();
}

static bool suspend_leaves_ready(void)
{
	boot();
	pm_suspend_target_state = PM_SUSPEND_MEM;
	kvm_suspend(ARG);
	return ready();
}

/* These hold without the patch, too, and must go on holding with it */
static bool hibernation_ends_ready(void)
{
	boot();
	kvm_suspend(ARG);
	if (ready())
		return false;
	kvm_resume(ARG);
	return !ready();
}

static bool restart_ends_ready(void)
{
	boot();
	kvm_pv_reboot_notify(NULL, SYS_RESTART, NULL);
	return !ready();
}

static bool crash_ends_ready(void)
{
	boot();
	kvm_crash_shutdown(NULL);
	return !ready();
}

static bool boot_announces(void)
{
	boot();
	return ready() && host.nr_calls == 1 && host.calls[0].enc &&
		host.calls[0].npages == 1 << 18;
}

static bool efi_boot_announces_late(void)
{
	booted_by_efi = true;
	boot();
	return !ready() && setup_efi_kvm_sev_migration() == 1 && ready();
}

static bool resume_without_ready_writes_nothing(void)
{
	booted_by_efi = true;
	boot();
	pm_suspend_target_state = PM_SUSPEND_MEM;
	kvm_suspend(ARG);
	host.msr_writes = 0;
	kvm_resume(ARG);
	return !host.msr_writes;
}

/* 2: the host hears of whole pages of RAM and of all of them */
static bool told(const struct call *call, const struct e820_entry *entry)
{
	unsigned long end = call->pfn + call->npages;

	return call->pfn << PAGE_SHIFT >= entry->addr &&
		end << PAGE_SHIFT <= entry->addr + entry->size &&
		(call->pfn << PAGE_SHIFT) - entry->addr < PAGE_SIZE &&
		entry->addr + entry->size - (end << PAGE_SHIFT) < PAGE_SIZE;
}

static bool has_whole_page(const struct e820_entry *entry)
{
	return (entry->addr + entry->size) / PAGE_SIZE >
		(entry->addr + PAGE_SIZE - 1) / PAGE_SIZE;
}

static bool ram_is_rounded_inward(void)
{
	struct e820_entry *entry = table.entries;
	size_t call = 0, i;
	u64 addr = below(5000);

	for (i = 0; i < 64; i++, entry++) {
		*entry = (struct e820_entry){ addr, 1 + below(3) *
			below(1 << 20) + below(6000), 1 + !below(4) };
		addr += entry->size + below(3) * below(9000);
	}
	table.nr_entries = 64;
	boot();
	for (i = 0; i < 64; i++) {
		entry = &table.entries[i];
		if (entry->type == E820_TYPE_RAM && has_whole_page(entry) &&
		    (call == host.nr_calls ||
		     !told(&host.calls[call++], entry)))
			return false;
	}
	return call == host.nr_calls && !host.refused;
}

static bool many_tables_are_rounded_inward(void)
{
	for (unsigned int i = 0; i < 1000; i++) {
		memset(&host, 0, sizeof(host));
		seed = i;
		if (!ram_is_rounded_inward()) {
			printf("# seed %u\n", i);
			return false;
		}
	}
	return true;
}

/* 3: the loop ends, or the process does for want of CPU time */
static void map(unsigned int slot, unsigned long pfn)
{
	slots[slot].pte = (pte_t){ .pfn = pfn };
	slots[slot].level = PG_LEVEL_4K;
}

static bool page_frame_0_is_passed(void)
{
	boot();
	map(0, 100);
	map(1, 0);
	map(2, 200);
	host.nr_calls = 0;
	amd_enc_status_change_finish(0, 3, false);
	return host.nr_calls == 2 && host.calls[0].pfn == 100 &&
		host.calls[1].pfn == 200;
}

static bool unknown_level_is_passed(void)
{
	boot();
	endless_level = PG_LEVEL_512G;
	host.nr_calls = 0;
	amd_enc_status_change_finish(1UL << 39, 1, false);
	return warned && !host.nr_calls;
}

/* 4: as many pages as an int can count */
static unsigned long pages_told(void)
{
	unsigned long sum = 0;

	for (size_t i = 0; i < host.nr_calls; i++)
		sum += host.calls[i].npages;
	return sum;
}

static bool large_range_is_told(void)
{
	static const int sizes[] = { 1 << 19, 1 << 20, 1 << 30 };

	boot();
	endless_level = PG_LEVEL_1G;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		host.nr_calls = 0;
		amd_enc_status_change_finish(1UL << 40, sizes[i], false);
		if (pages_told() != (unsigned long)sizes[i])
			return false;
	}
	return true;
}

/* 5: a call that the host refuses ends readiness */
static bool refusal_withdraws_ready(void)
{
	boot();
	map(0, 100);
	host.refuses = true;
	amd_enc_status_change_finish(0, 1, false);
	return !ready();
}

static bool withdrawn_stays_withdrawn(void)
{
	booted_by_efi = true;
	boot();
	setup_efi_kvm_sev_migration();
	map(0, 100);
	host.refuses = true;
	amd_enc_status_change_finish(0, 1, false);
	host.refuses = false;
	pm_suspend_target_state = PM_SUSPEND_MEM;
	kvm_suspend(ARG);
	kvm_resume(ARG);
	setup_efi_kvm_sev_migration();
	return !ready();
}

static bool refusal_at_boot_is_never_ready(void)
{
	host.refuses = true;
	boot();
	return !host.msr_writes;
}

static bool refusal_before_efi_is_never_ready(void)
{
	booted_by_efi = true;
	boot();
	map(0, 100);
	host.refuses = true;
	amd_enc_status_change_finish(0, 1, false);
	setup_efi_kvm_sev_migration();
	return !host.msr_writes;
}

static bool hung_up_host_warns_nowhere(void)
{
	boot();
	map(0, 100);
	host.hung_up = host.refuses = true;
	pm_suspend_target_state = PM_SUSPEND_MEM;
	kvm_suspend(ARG);
	kvm_resume(ARG);
	amd_enc_status_change_finish(0, 1, false);
	kvm_pv_reboot_notify(NULL, SYS_RESTART, NULL);
	kvm_crash_shutdown(NULL);
	return !host.splats;
}

/* 6: what is announced together is what was announced one by one */
static unsigned long draw_tables(void)
{
	unsigned long pfn = 1 + below(1000), runs = 1;

	for (unsigned int slot = 0; slot < NR_SLOTS; slot++) {
		if (slot && !below(4)) {
			pfn += 1 + below(1000);
			runs++;
		}
		map(slot, pfn++);
	}
	return runs;
}

static bool every_page_is_told_once(unsigned int from, unsigned int count)
{
	unsigned int slot = from;

	for (size_t i = 0; i < host.nr_calls; i++)
		for (unsigned long n = 0; n < host.calls[i].npages; n++)
			if (slot >= from + count || host.calls[i].enc ||
			    slots[slot++].pte.pfn != host.calls[i].pfn + n)
				return false;
	return slot == from + count;
}

static bool runs_are_told_at_once(void)
{
	unsigned long runs;

	boot();
	for (seed = 0; seed < 1 << 20; seed += 99991) {
		runs = draw_tables();
		host.nr_calls = 0;
		amd_enc_status_change_finish(0, NR_SLOTS, false);
		if (host.nr_calls != runs ||
		    !every_page_is_told_once(0, NR_SLOTS))
			return false;
	}
	return true;
}

static bool parts_are_told_as_well(void)
{
	unsigned int from, count;

	boot();
	for (seed = 1; seed < 1000; seed++) {
		draw_tables();
		from = below(NR_SLOTS - 100);
		count = 1 + below(100);
		host.nr_calls = 0;
		amd_enc_status_change_finish((unsigned long)from << PAGE_SHIFT,
					     count, false);
		if (!every_page_is_told_once(from, count))
			return false;
	}
	return true;
}

/* more pages than the callback's int holds: two calls, none lost */
static bool longest_run_is_cut(void)
{
	unsigned long size = (unsigned long)INT_MAX + 1 + (1 << 19);

	boot();
	endless_level = PG_LEVEL_1G;
	host.nr_calls = 0;
	enc_dec_hypercall(1UL << 40, size << PAGE_SHIFT, false);
	return pages_told() == size;
}

static bool run_before_a_hole_is_told(void)
{
	boot();
	map(0, 100);
	slots[1].pte = (pte_t){ .none = true };
	host.nr_calls = 0;
	amd_enc_status_change_finish(0, 2, false);
	return warned && host.nr_calls == 1 && host.calls[0].pfn == 100;
}

static bool cut_run_is_few_calls(void)
{
	boot();
	endless_level = PG_LEVEL_1G;
	host.nr_calls = 0;
	enc_dec_hypercall(1UL << 40, 1UL << (31 + PAGE_SHIFT), false);
	return host.nr_calls == 2;
}

static const struct { int patch; const char *name; bool (*run)(void); } all[] = {
#define ALWAYS(test) { 0, #test, test }
#define SINCE(patch, test) { patch, #test, test }
	ALWAYS(boot_announces),
	ALWAYS(efi_boot_announces_late),
	ALWAYS(hibernation_ends_ready),
	ALWAYS(restart_ends_ready),
	ALWAYS(crash_ends_ready),
	ALWAYS(resume_without_ready_writes_nothing),
	ALWAYS(parts_are_told_as_well),
	ALWAYS(longest_run_is_cut),
	ALWAYS(run_before_a_hole_is_told),
	SINCE(1, cpu_offline_leaves_ready),
	SINCE(1, suspend_leaves_ready),
	SINCE(1, resume_announces_again),
	SINCE(2, ram_is_rounded_inward),
	SINCE(2, many_tables_are_rounded_inward),
	SINCE(3, page_frame_0_is_passed),
	SINCE(3, unknown_level_is_passed),
	SINCE(4, large_range_is_told),
	SINCE(5, refusal_withdraws_ready),
	SINCE(5, withdrawn_stays_withdrawn),
	SINCE(5, refusal_at_boot_is_never_ready),
	SINCE(5, refusal_before_efi_is_never_ready),
	SINCE(5, hung_up_host_warns_nowhere),
	SINCE(6, runs_are_told_at_once),
	SINCE(6, cut_run_is_few_calls),
};

/* Each in a process of its own, as fresh as a boot */
static bool passes(bool (*run)(void))
{
	int status = 1;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (!child) {
		setrlimit(RLIMIT_CPU, &(struct rlimit){ 3, 3 });
		status = !run();
		fflush(stdout);
		_exit(status);
	}
	waitpid(child, &status, 0);
	return !status;
}

/* test PATCHES: with so many patches of the group, no more promises hold */
int main(int argc, char **argv)
{
	int patches = argc > 1 ? atoi(argv[1]) : 99;

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		bool expected = all[i].patch <= patches;
		bool good = passes(all[i].run) == expected;

		failures += !good;
		printf("%sok %u - %d patches: %d %s%s\n", good ? "" : "not ",
		       ++tests, patches, all[i].patch, all[i].name,
		       expected ? "" : " fails");
	}
	return failures;
}
