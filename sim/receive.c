/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include <openssl/crypto.h>

#include "firmware.h"

#define FLAG_COMPRESSED 1u

static uint32_t unwrap(struct sim_firmware *firmware, uint32_t policy,
		       const uint8_t *pdh, const uint8_t *session,
		       struct sim_keys *keys)
{
	struct sim_session blob;
	uint8_t z[SIM_Z];
	uint32_t status;

	status = sim_identity_agree(firmware->identity, pdh, z);
	if (!status) {
		memcpy(&blob, session, sizeof(blob));
		status = sim_status_of(
			sim_session_unwrap(z, SIM_Z, policy, &blob, keys));
	}
	OPENSSL_cleanse(z, sizeof(z));
	return status;
}

static uint32_t create(struct sim_firmware *firmware, uint32_t policy,
		       const struct sim_keys *keys, uint32_t *handle)
{
	struct sim_gctx *gctx;
	uint32_t status;

	status = sim_gctx_new(firmware, policy, *handle, SIM_GSTATE_RUPDATE,
			      &gctx);
	if (status)
		return status;
	status = sim_status_of(sim_transport_new(keys, &gctx->transport));
	if (status) {
		sim_gctx_free(firmware, gctx);
		return status;
	}
	*handle = gctx->handle;
	return SIM_SUCCESS;
}

uint32_t sim_firmware_receive_start(struct sim_firmware *firmware,
				    uint32_t policy, const uint8_t *pdh,
				    uint32_t pdh_len, const uint8_t *session,
				    uint32_t session_len, uint32_t *handle)
{
	struct sim_keys keys;
	uint32_t status;

	if (firmware->state == SIM_PSTATE_UNINIT)
		return SIM_INVALID_PLATFORM_STATE;
	if (pdh_len != SEVLM_SIM_CERT_SIZE ||
	    session_len != sizeof(struct sim_session))
		return SIM_INVALID_LEN;
	status = unwrap(firmware, policy, pdh, session, &keys);
	if (status)
		return status;
	status = sim_policy_check(firmware, policy);
	if (!status)
		status = create(firmware, policy, &keys, handle);
	OPENSSL_cleanse(&keys, sizeof(keys));
	return status;
}

static uint32_t header_check(const struct sim_packet *packet)
{
	uint32_t flags;

	if (packet->header_len != sizeof(struct sim_header) ||
	    packet->guest_len > SIM_PACKET_MAX ||
	    packet->trans_len != packet->guest_len)
		return SIM_INVALID_LEN;
	flags = sim_get32(packet->header);
	if (flags & ~FLAG_COMPRESSED)
		return SIM_INVALID_PARAM;
	return flags ? SIM_UNSUPPORTED : SIM_SUCCESS;
}

static uint32_t write_guest(struct sim_memory *memory,
			    const struct sim_packet *packet,
			    const uint8_t *plain)
{
	uint32_t left = packet->guest_len;
	uint8_t *p = packet->hva;
	int rc = 0;

	while (left && !rc) {
		uint32_t n = SIM_PAGE - (uint32_t)((uintptr_t)p % SIM_PAGE);

		n = n < left ? n : left;
		rc = sim_memory_encrypt(memory, p, n, plain);
		plain += n;
		p += n;
		left -= n;
	}
	return sim_status_of(rc);
}

uint32_t sim_firmware_receive_update(struct sim_firmware *firmware,
				     uint32_t handle, struct sim_memory *memory,
				     const struct sim_packet *packet)
{
	struct sim_gctx *gctx;
	uint32_t status;

	status = sim_gctx_in(firmware, handle, SIM_GSTATE_RUPDATE, &gctx);
	if (!status)
		status = header_check(packet);
	if (!status)
		status = sim_range_check(gctx, memory, packet->hva,
					 packet->guest_len);
	if (status)
		return status;
	status = sim_status_of(sim_transport_open(
		gctx->transport, (const void *)packet->header, packet->trans,
		packet->guest_len, firmware->scratch));
	if (!status)
		status = write_guest(memory, packet, firmware->scratch);
	/* once per page: OPENSSL_cleanse() goes a word at a time */
	explicit_bzero(firmware->scratch, packet->guest_len);
	return status;
}

uint32_t sim_firmware_receive_finish(struct sim_firmware *firmware,
				     uint32_t handle)
{
	struct sim_gctx *gctx;
	uint32_t status;

	status = sim_gctx_in(firmware, handle, SIM_GSTATE_RUPDATE, &gctx);
	if (!status)
		sim_gctx_close(gctx, SIM_GSTATE_RUNNING);
	return status;
}
