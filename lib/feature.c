/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <string.h>

#include <linux/kvm.h>

#include "cursor.h"
#include "internal.h"
#include "uapi/kvm_shared_list.h"

/* Linux, Documentation/virt/kvm/x86/cpuid.rst: the signature stands in the
 * first of these leaves that is KVM's; the features follow it. */
#define LEAF_FIRST 0x40000000u
#define LEAF_LAST  0x40010000u
#define LEAF_STEP  0x100u
#define SIGNATURE  "KVMKVMKVM\0\0\0"

#define BITS (SEVLM_CPUID_HC_MAP_GPA_RANGE | SEVLM_CPUID_MIGRATION_CONTROL)

#define HC_MAP_GPA_RANGE 12

static bool is_signature(const struct kvm_cpuid_entry2 *entry)
{
	const uint32_t words[] = { entry->ebx, entry->ecx, entry->edx };

	return entry->function >= LEAF_FIRST && entry->function < LEAF_LAST &&
	       !((entry->function - LEAF_FIRST) % LEAF_STEP) &&
	       !memcmp(words, SIGNATURE, sizeof(words));
}

/* index in the array, or nent */
static uint32_t find(const struct kvm_cpuid2 *cpuid, uint32_t function)
{
	uint32_t i;

	for (i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == function)
			break;
	return i;
}

static uint32_t find_features(const struct kvm_cpuid2 *cpuid)
{
	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (is_signature(&cpuid->entries[i]))
			return find(cpuid, cpuid->entries[i].function + 1);
	return cpuid->nent;
}

SEVLM_API int sevlm_cpuid_set(struct kvm_cpuid2 *cpuid, uint32_t on,
			      uint32_t *ret_changed)
{
	uint32_t at, old;

	if (!cpuid || on > 1)
		return -EINVAL;
	at = find_features(cpuid);
	if (at == cpuid->nent)
		return -ENOTSUP;
	old = cpuid->entries[at].eax;
	cpuid->entries[at].eax = on ? old | BITS : old & ~BITS;
	if (ret_changed)
		*ret_changed = old ^ cpuid->entries[at].eax;
	return 0;
}

SEVLM_API int sevlm_cpuid_get(const struct kvm_cpuid2 *cpuid,
			      uint32_t *ret_bits)
{
	uint32_t at;

	if (!cpuid || !ret_bits)
		return -EINVAL;
	at = find_features(cpuid);
	if (at == cpuid->nent)
		return -ENOTSUP;
	*ret_bits = cpuid->entries[at].eax & BITS;
	return 0;
}

SEVLM_API int sevlm_kvm_get_setup(struct sevlm_kvm_setup *ret_setup)
{
	const struct sevlm_kvm_setup setup = {
		.size = sizeof(setup),
		.exit_hypercall = 1ull << HC_MAP_GPA_RANGE,
		.user_space_msr = KVM_MSR_EXIT_REASON_FILTER,
		.msr_filter_base = SEVLM_MSR_MIGRATION_CONTROL,
		.msr_filter_count = 1,
		.shared_list = KVM_SHARED_LIST_TRACK | KVM_SHARED_LIST_MSR,
		.shared_list_cap = KVM_CAP_X86_SHARED_PAGES_LIST,
	};

	return sevlm__copy_out(ret_setup, &setup, sizeof(setup));
}

int sevlm__cpuid_encode(const struct kvm_cpuid2 *cpuid,
			struct sevlm__cpuid *ret)
{
	struct sevlm__writer w =
		sevlm__writer(ret->entries, sizeof(ret->entries));

	if (!cpuid->nent || cpuid->nent > SEVLM__CPUID_MAX)
		return -EINVAL;
	ret->count = cpuid->nent;
	for (uint32_t i = 0; i < cpuid->nent; i++) {
		const struct kvm_cpuid_entry2 *entry = &cpuid->entries[i];

		sevlm__put32(&w, entry->function);
		sevlm__put32(&w, entry->index);
		sevlm__put32(&w, entry->flags);
		sevlm__put32(&w, entry->eax);
		sevlm__put32(&w, entry->ebx);
		sevlm__put32(&w, entry->ecx);
		sevlm__put32(&w, entry->edx);
	}
	return 0;
}

/* the first of some entries that the others do not have just so */
static const uint8_t *missing(const uint8_t *some, uint32_t count,
			      const uint8_t *others, uint32_t other_count)
{
	uint32_t i, k;

	for (i = 0; i < count; i++) {
		for (k = 0; k < other_count; k++)
			if (!memcmp(some + i * SEVLM__CPUID_ENTRY,
				    others + k * SEVLM__CPUID_ENTRY,
				    SEVLM__CPUID_ENTRY))
				break;
		if (k == other_count)
			return some + i * SEVLM__CPUID_ENTRY;
	}
	return NULL;
}

int sevlm__cpuid_compare(struct sevlm__error *error, const uint8_t *theirs,
			 uint32_t count, const struct sevlm__cpuid *ours)
{
	const uint8_t *at = missing(theirs, count, ours->entries, ours->count);
	struct sevlm__reader r;
	uint32_t function;

	if (!at)
		at = missing(ours->entries, ours->count, theirs, count);
	if (!at)
		return 0;
	r = sevlm__reader(at, SEVLM__CPUID_ENTRY);
	function = sevlm__get32(&r);
	return sevlm__fail(error, -EPROTO,
			   "CPUID differs: the guest would see another leaf "
			   "0x%x, index %u",
			   function, sevlm__get32(&r));
}
