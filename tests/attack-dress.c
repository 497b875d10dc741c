/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the guest's hosts have beside the rig's. */
#include <string.h>

#include <linux/kvm.h>

#include "attack.h"

#define SKIP_PAGES 4u
#define SKIP_BYTE 0x5a

static uint8_t untouched[2][SKIP_PAGES * RIG_PAGE]
	__attribute__((aligned(RIG_PAGE)));

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
	if (!ret)
		ret = sevlm_sim_vm_contiguous(side->sim, side->plug.mem,
					      side->plug.bytes);
	memset(skip, SKIP_BYTE, sizeof(untouched[0]));
	if (!ret)
		ret = sevlm_vm_add_region(side->vm, SKIP_GPA,
					  sizeof(untouched[0]), skip,
					  SEVLM_REGION_SKIP);
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
	rig->plug_type = SEVLM_REGION_PRIVATE;
	show_cpuid(rig);
	rig_bytes(random, rig->source_config.nonce, SEVLM_NONCE_SIZE);
	rig_bytes(random, rig->target_config.nonce, SEVLM_NONCE_SIZE);
	return ret;
}

int dress_off(struct rig_side *side)
{
	return sevlm_vm_remove_region(side->vm, SKIP_GPA);
}

bool dress_untouched(void)
{
	for (size_t i = 0; i < sizeof(untouched[0]); i++)
		if (untouched[0][i] != SKIP_BYTE ||
		    untouched[1][i] != SKIP_BYTE)
			return false;
	return true;
}
