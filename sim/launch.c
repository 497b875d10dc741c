/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "firmware.h"

#define MEASURE_SIZE 48u /* MEASURE, MNONCE */

/* no session of a guest owner: firmware draws the keys itself */
static uint32_t begin(struct sim_firmware *firmware, struct sim_gctx *gctx)
{
	gctx->digest = EVP_MD_CTX_new();
	if (!gctx->digest || !EVP_DigestInit(gctx->digest, EVP_sha256()))
		return SIM_HWSEV_PLATFORM;
	return sim_status_of(sim_random_bytes(firmware->random, &gctx->keys,
					      sizeof(gctx->keys)));
}

uint32_t sim_firmware_launch_start(struct sim_firmware *firmware,
				   uint32_t policy, uint32_t *handle)
{
	struct sim_gctx *gctx;
	uint32_t status;

	if (firmware->state == SIM_PSTATE_UNINIT)
		return SIM_INVALID_PLATFORM_STATE;
	status = sim_policy_check(firmware, policy);
	if (status)
		return status;
	status = sim_gctx_new(firmware, policy, *handle, SIM_GSTATE_LUPDATE,
			      &gctx);
	if (status)
		return status;
	status = begin(firmware, gctx);
	if (status) {
		sim_gctx_free(firmware, gctx);
		return status;
	}
	*handle = gctx->handle;
	return SIM_SUCCESS;
}

static uint32_t update_page(struct sim_firmware *firmware,
			    struct sim_gctx *gctx, struct sim_memory *memory,
			    uint8_t *hva, size_t bytes)
{
	memcpy(firmware->scratch, hva, bytes);
	if (!EVP_DigestUpdate(gctx->digest, firmware->scratch, bytes))
		return SIM_HWSEV_PLATFORM;
	return sim_status_of(
		sim_memory_encrypt(memory, hva, bytes, firmware->scratch));
}

uint32_t sim_firmware_launch_update(struct sim_firmware *firmware,
				    uint32_t handle, struct sim_memory *memory,
				    void *hva, uint32_t bytes)
{
	struct sim_gctx *gctx;
	uint8_t *p = hva;
	uint32_t status;

	status = sim_gctx_in(firmware, handle, SIM_GSTATE_LUPDATE, &gctx);
	if (!status)
		status = sim_range_check(gctx, memory, hva, bytes);
	while (!status && bytes) {
		uint32_t n = SIM_PAGE - (uint32_t)((uintptr_t)p % SIM_PAGE);

		n = n < bytes ? n : bytes;
		status = update_page(firmware, gctx, memory, p, n);
		p += n;
		bytes -= n;
	}
	return status;
}

static uint32_t measure(struct sim_firmware *firmware, struct sim_gctx *gctx,
			uint8_t *buf)
{
	uint8_t digest[32], *mnonce = buf + SIM_MAC;
	struct sim_measured measured = {
		.api_major = firmware->api_major,
		.api_minor = firmware->api_minor,
		.build = firmware->build,
		.policy = gctx->policy,
		.digest = digest,
		.mnonce = mnonce,
	};

	if (!EVP_DigestFinal(gctx->digest, digest, NULL) ||
	    sim_random_bytes(firmware->random, mnonce, 16))
		return SIM_HWSEV_PLATFORM;
	return sim_status_of(sim_measure(gctx->keys.tik, &measured, buf));
}

uint32_t sim_firmware_launch_measure(struct sim_firmware *firmware,
				     uint32_t handle, uint8_t *buf,
				     uint32_t *bytes)
{
	struct sim_gctx *gctx;
	uint32_t status, room = *bytes;

	status = sim_gctx_in(firmware, handle, SIM_GSTATE_LUPDATE, &gctx);
	if (status)
		return status;
	*bytes = MEASURE_SIZE;
	if (room < MEASURE_SIZE)
		return SIM_INVALID_LEN;
	status = measure(firmware, gctx, buf);
	if (!status)
		gctx->state = SIM_GSTATE_LSECRET;
	return status;
}

uint32_t sim_firmware_launch_finish(struct sim_firmware *firmware,
				    uint32_t handle)
{
	struct sim_gctx *gctx;
	uint32_t status;

	status = sim_gctx_in(firmware, handle, SIM_GSTATE_LSECRET, &gctx);
	if (!status)
		sim_gctx_close(gctx, SIM_GSTATE_RUNNING);
	return status;
}
