/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the guest's hosts have beside the rig's. */
#include <string.h>

#include <linux/kvm.h>
#include <linux/kvm_para.h>

#include "attack.h"

#define SKIP_PAGES 4u
#define SKIP_BYTE 0x5a
/* the host has whole blocks of it */
#define BANK_ROOM ((BANK_PAGES + 3) / 4 * RIG_PACKET)
#define BANK_SLOT 2u

static uint8_t untouched[2][SKIP_PAGES * RIG_PAGE]
	__attribute__((aligned(RIG_PAGE)));
static uint8_t bank[2][BANK_ROOM] __attribute__((aligned(RIG_PACKET)));

static int map_bank(struct rig_side *side, bool on)
{
	struct rig_extra extra = {.mem = bank[side->target],
				  .bytes = BANK_PAGES * RIG_PAGE};

	return rig_vmm_map(side, &extra, BANK_GPA, BANK_SLOT, on);
}

static int add_bank(struct rig_side *side)
{
	const uint32_t type = SEVLM_REGION_TRACKED | SEVLM_REGION_CONTIGUOUS;
	const uint64_t seam = BANK_SEAM * RIG_PAGE;
	uint8_t *mem = bank[side->target];
	int ret = map_bank(side, true);

	if (!ret)
		ret = sevlm_vm_add_region(side->vm, BANK_GPA, seam, mem, type);
	if (!ret)
		ret = sevlm_vm_add_region(side->vm, BANK_GPA + seam,
					  BANK_PAGES * RIG_PAGE - seam,
					  mem + seam, type);
	if (!ret)
		ret = sevlm_sim_vm_contiguous(side->sim, mem, BANK_ROOM);
	return ret;
}

static int fill_bank(struct rig *rig, struct rig_random *random)
{
	const uint64_t shared[6] = {BANK_GPA + BANK_SHARED * RIG_PAGE, 1};
	uint64_t answer;

	memset(bank, 0, sizeof(bank));
	rig_bytes(random, bank[0] + BANK_SHARED * RIG_PAGE, RIG_PAGE);
	return sevlm_vm_hypercall(rig->source.vm, KVM_HC_MAP_GPA_RANGE, shared,
				  &answer);
}

/* memory that is only private and memory that does not move */
static int dress_side(struct rig_side *side)
{
	uint8_t *skip = untouched[side->target];
	int ret = rig_vmm_map(side, &side->plug, RIG_PLUG_GPA, 1, true);

	if (!ret)
		ret = sevlm_vm_add_region(side->vm, RIG_PLUG_GPA,
					  side->plug.bytes, side->plug.mem,
					  SEVLM_REGION_PRIVATE |
						  SEVLM_REGION_CONTIGUOUS);
	side->plug.there = !ret;
	side->plug.contiguous = true;
	if (!ret)
		ret = sevlm_sim_vm_contiguous(side->sim, side->plug.mem,
					      side->plug.bytes);
	memset(skip, SKIP_BYTE, sizeof(untouched[0]));
	if (!ret)
		ret = sevlm_vm_add_region(side->vm, SKIP_GPA,
					  sizeof(untouched[0]), skip,
					  SEVLM_REGION_SKIP);
	if (!ret)
		ret = add_bank(side);
	return ret;
}

static const struct kvm_cpuid_entry2 leaves[] = {
	{.function = 1, .ebx = 0x800},
	{.function = 7, .flags = 1, .ebx = 0x40},
	{.function = 0x40000001, .eax = 0x30000},
};

static union {
	struct kvm_cpuid2 head;
	unsigned char room[sizeof(struct kvm_cpuid2) + sizeof(leaves)];
} cpuid;

static void show_cpuid(struct rig *rig)
{
	cpuid.head.nent = ARRAY_SIZE(leaves);
	memcpy(cpuid.head.entries, leaves, sizeof(leaves));
	rig->source_config.cpuid = &cpuid.head;
	rig->target_config.cpuid = &cpuid.head;
}

/* The two chips, and no other of the same root. */
static int trust_these(struct rig *rig)
{
	uint8_t digest[SEVLM_DIGEST_SIZE];
	struct sevlm_trust *trust;
	const uint8_t *ark;
	size_t bytes;
	int ret = sevlm_trust_new(&trust);

	if (ret)
		return ret;
	ark = certs_ark(&rig->certs[0], &bytes);
	ret = sevlm_trust_add_root(trust, ark, bytes);
	for (int i = 0; !ret && i < 2; i++) {
		certs_key_digest(rig->certs[i].chain + AT_CEK, digest);
		ret = sevlm_trust_add_chip(trust, digest);
	}
	sevlm_trust_free(rig->trust);
	rig->trust = trust;
	rig->source_config.trust = trust;
	rig->target_config.trust = trust;
	return ret;
}

int dress_up(struct rig *rig, struct rig_random *random)
{
	int ret = trust_these(rig);

	if (!ret)
		ret = dress_side(&rig->source);
	if (!ret)
		ret = dress_side(&rig->target);
	if (!ret)
		ret = fill_bank(rig, random);
	rig->plug_type = SEVLM_REGION_PRIVATE;
	show_cpuid(rig);
	rig_bytes(random, rig->source_config.nonce, SEVLM_NONCE_SIZE);
	rig_bytes(random, rig->target_config.nonce, SEVLM_NONCE_SIZE);
	return ret;
}

int dress_off(struct rig_side *side)
{
	int ret = sevlm_vm_remove_region(side->vm, SKIP_GPA);

	if (!ret)
		ret = sevlm_vm_remove_region(side->vm, BANK_GPA);
	if (!ret)
		ret = sevlm_vm_remove_region(side->vm,
					     BANK_GPA + BANK_SEAM * RIG_PAGE);
	return ret ? ret : map_bank(side, false);
}

bool dress_untouched(void)
{
	for (size_t i = 0; i < sizeof(untouched[0]); i++)
		if (untouched[0][i] != SKIP_BYTE ||
		    untouched[1][i] != SKIP_BYTE)
			return false;
	return true;
}

uint64_t dress_mend(void)
{
	const size_t at = BANK_SHARED * RIG_PAGE;

	return attack_mend(bank[1] + at, bank[0] + at, RIG_PAGE);
}
