/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include <libsevlm/libsevlm.h>

#include "firmware.h"

#define POLICY_RESERVED 0xffc0u

uint32_t sim_status_of(int rc)
{
	switch (rc) {
	case 0:
		return SIM_SUCCESS;
	case -EFAULT:
		return SIM_FAULT;
	case -EBADMSG:
		return SIM_BAD_MEASUREMENT;
	default:
		return SIM_HWSEV_PLATFORM;
	}
}

int sim_firmware_new(struct sim_random *random, struct sim_identity *identity,
		     uint32_t api_major, uint32_t api_minor, uint32_t build,
		     uint32_t asids, struct sim_firmware **ret)
{
	struct sim_firmware *firmware = calloc(1, sizeof(*firmware));

	if (!firmware)
		return -ENOMEM;
	firmware->random = random;
	firmware->identity = identity;
	firmware->api_major = (uint8_t)api_major;
	firmware->api_minor = (uint8_t)api_minor;
	firmware->build = (uint8_t)build;
	firmware->asids = asids;
	firmware->next_handle = 1;
	*ret = firmware;
	return 0;
}

void sim_firmware_free(struct sim_firmware *firmware)
{
	if (!firmware)
		return;
	for (unsigned int i = 0; i < SIM_GUESTS; i++)
		if (firmware->gctx[i])
			sim_gctx_free(firmware, firmware->gctx[i]);
	OPENSSL_cleanse(firmware, sizeof(*firmware));
	free(firmware);
}

void sim_firmware_platform(struct sim_firmware *firmware, uint8_t *state,
			   uint32_t *guests)
{
	*state = (uint8_t)firmware->state;
	*guests = firmware->guests;
}

uint32_t sim_firmware_init(struct sim_firmware *firmware)
{
	if (firmware->state != SIM_PSTATE_UNINIT)
		return SIM_INVALID_PLATFORM_STATE;
	firmware->state = SIM_PSTATE_INIT;
	firmware->asids_stale = UINT64_MAX;
	return SIM_SUCCESS;
}

uint32_t sim_firmware_pdh_gen(struct sim_firmware *firmware)
{
	if (firmware->state == SIM_PSTATE_UNINIT)
		return SIM_INVALID_PLATFORM_STATE;
	return sim_status_of(
		sim_identity_new_pdh(firmware->identity, firmware->random));
}

static struct sim_gctx **slot_of(struct sim_firmware *firmware, uint32_t handle)
{
	for (unsigned int i = 0; i < SIM_GUESTS; i++)
		if (firmware->gctx[i] && firmware->gctx[i]->handle == handle)
			return &firmware->gctx[i];
	return NULL;
}

uint32_t sim_gctx_find(struct sim_firmware *firmware, uint32_t handle,
		       struct sim_gctx **ret)
{
	struct sim_gctx **slot;

	if (firmware->state != SIM_PSTATE_WORKING)
		return SIM_INVALID_PLATFORM_STATE;
	slot = slot_of(firmware, handle);
	if (!slot)
		return SIM_INVALID_GUEST;
	*ret = *slot;
	return SIM_SUCCESS;
}

uint32_t sim_gctx_in(struct sim_firmware *firmware, uint32_t handle,
		     enum sim_gstate state, struct sim_gctx **ret)
{
	uint32_t status = sim_gctx_find(firmware, handle, ret);

	if (status)
		return status;
	return (*ret)->state == state ? SIM_SUCCESS : SIM_INVALID_GUEST_STATE;
}

static uint32_t new_vek(struct sim_firmware *firmware, struct sim_gctx *gctx,
			uint32_t shared)
{
	struct sim_gctx *other;
	uint32_t status;

	if (!shared)
		return sim_status_of(
			sim_random_bytes(firmware->random, gctx->vek, SIM_VEK));
	status = sim_gctx_find(firmware, shared, &other);
	if (status)
		return SIM_INVALID_GUEST;
	if (other->policy != gctx->policy || (gctx->policy & SEVLM_POLICY_NOKS))
		return SIM_POLICY_FAILURE;
	memcpy(gctx->vek, other->vek, SIM_VEK);
	return SIM_SUCCESS;
}

static struct sim_gctx **free_slot(struct sim_firmware *firmware)
{
	for (unsigned int i = 0; i < SIM_GUESTS; i++)
		if (!firmware->gctx[i])
			return &firmware->gctx[i];
	return NULL;
}

/* handles are not used again soon, so that a stale one is noticed */
static uint32_t new_handle(struct sim_firmware *firmware)
{
	uint32_t handle;

	do {
		handle = firmware->next_handle++;
	} while (!handle || slot_of(firmware, handle));
	return handle;
}

uint32_t sim_gctx_new(struct sim_firmware *firmware, uint32_t policy,
		      uint32_t shared, enum sim_gstate state,
		      struct sim_gctx **ret)
{
	struct sim_gctx **slot = free_slot(firmware);
	struct sim_gctx *gctx;
	uint32_t status;

	if (!slot)
		return SIM_RESOURCE_LIMIT;
	gctx = calloc(1, sizeof(*gctx));
	if (!gctx)
		return SIM_RESOURCE_LIMIT;
	gctx->policy = policy;
	gctx->state = state;
	status = new_vek(firmware, gctx, shared);
	if (status) {
		OPENSSL_cleanse(gctx, sizeof(*gctx));
		free(gctx);
		return status;
	}
	gctx->handle = new_handle(firmware);
	*slot = gctx;
	firmware->guests++;
	firmware->state = SIM_PSTATE_WORKING;
	*ret = gctx;
	return SIM_SUCCESS;
}

void sim_gctx_free(struct sim_firmware *firmware, struct sim_gctx *gctx)
{
	*slot_of(firmware, gctx->handle) = NULL;
	sim_gctx_close(gctx, SIM_GSTATE_UNINIT);
	OPENSSL_cleanse(gctx, sizeof(*gctx));
	free(gctx);
	if (!--firmware->guests)
		firmware->state = SIM_PSTATE_INIT;
}

void sim_gctx_close(struct sim_gctx *gctx, enum sim_gstate state)
{
	sim_transport_free(gctx->transport);
	gctx->transport = NULL;
	EVP_MD_CTX_free(gctx->digest);
	gctx->digest = NULL;
	OPENSSL_cleanse(&gctx->keys, sizeof(gctx->keys));
	gctx->state = state;
}

uint32_t sim_policy_check(const struct sim_firmware *firmware, uint32_t policy)
{
	uint8_t major = (uint8_t)(policy >> 16),
		minor = (uint8_t)(policy >> 24);

	if (policy & POLICY_RESERVED)
		return SIM_INVALID_PARAM;
	if (firmware->api_major < major ||
	    (firmware->api_major == major && firmware->api_minor < minor))
		return SIM_POLICY_FAILURE;
	return policy & SEVLM_POLICY_ES ? SIM_UNSUPPORTED : SIM_SUCCESS;
}

uint32_t sim_range_check(const struct sim_gctx *gctx,
			 const struct sim_memory *memory, const void *hva,
			 uint32_t bytes)
{
	if (!bytes || bytes % 16)
		return SIM_INVALID_LEN;
	if ((uintptr_t)hva % 16)
		return SIM_INVALID_ADDRESS;
	return gctx->memory == memory ? SIM_SUCCESS : SIM_INACTIVE;
}

static bool asid_owned(const struct sim_firmware *firmware, uint32_t asid)
{
	for (unsigned int i = 0; i < SIM_GUESTS; i++)
		if (firmware->gctx[i] && firmware->gctx[i]->asid == asid)
			return true;
	return false;
}

uint32_t sim_firmware_activate(struct sim_firmware *firmware, uint32_t handle,
			       uint32_t asid, struct sim_memory *memory)
{
	struct sim_gctx *gctx;
	uint32_t status;

	status = sim_gctx_find(firmware, handle, &gctx);
	if (status)
		return status;
	if (gctx->asid)
		return SIM_ACTIVE;
	if (!asid || asid > firmware->asids)
		return SIM_INVALID_ASID;
	if (asid_owned(firmware, asid))
		return SIM_ASID_OWNED;
	if (firmware->asids_stale & 1ull << asid)
		return SIM_DFFLUSH_REQUIRED;
	status = sim_status_of(sim_memory_set_key(memory, gctx->vek));
	if (status)
		return status;
	gctx->asid = asid;
	gctx->memory = memory;
	return SIM_SUCCESS;
}

uint32_t sim_firmware_deactivate(struct sim_firmware *firmware, uint32_t handle)
{
	struct sim_gctx *gctx;
	uint32_t status;

	status = sim_gctx_find(firmware, handle, &gctx);
	if (status)
		return status;
	if (!gctx->asid)
		return SIM_INACTIVE;
	if (gctx->memory)
		sim_memory_set_key(gctx->memory, NULL);
	firmware->asids_stale |= 1ull << gctx->asid;
	gctx->asid = 0;
	gctx->memory = NULL;
	return SIM_SUCCESS;
}

uint32_t sim_firmware_df_flush(struct sim_firmware *firmware)
{
	if (firmware->state == SIM_PSTATE_UNINIT)
		return SIM_INVALID_PLATFORM_STATE;
	firmware->asids_stale = 0;
	return SIM_SUCCESS;
}

void sim_firmware_forget(struct sim_firmware *firmware,
			 const struct sim_memory *memory)
{
	for (unsigned int i = 0; i < SIM_GUESTS; i++)
		if (firmware->gctx[i] && firmware->gctx[i]->memory == memory)
			firmware->gctx[i]->memory = NULL;
}

uint32_t sim_firmware_decommission(struct sim_firmware *firmware,
				   uint32_t handle)
{
	struct sim_gctx *gctx;
	uint32_t status;

	status = sim_gctx_find(firmware, handle, &gctx);
	if (status)
		return status;
	if (gctx->asid)
		return SIM_ACTIVE;
	sim_gctx_free(firmware, gctx);
	return SIM_SUCCESS;
}

uint32_t sim_firmware_guest_status(struct sim_firmware *firmware,
				   uint32_t handle, uint32_t *policy,
				   uint32_t *asid, uint8_t *state)
{
	struct sim_gctx *gctx;
	uint32_t status;

	status = sim_gctx_find(firmware, handle, &gctx);
	if (status)
		return status;
	*policy = gctx->policy;
	*asid = gctx->asid;
	*state = (uint8_t)gctx->state;
	return SIM_SUCCESS;
}
