/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include <openssl/crypto.h>

#include <libsevlm/libsevlm.h>

#include "cert.h"
#include "firmware.h"

/* ASK and ARK: with 4096 bits; with 2048, where AMD's ARK has no signature */
#define AMD_4096 SEVLM_SIM_AMD_SIZE
#define AMD_2048 1408u

static bool lengths_fit(const struct sim_start *start)
{
	return start->pdh_len == SEVLM_SIM_CERT_SIZE &&
	       start->chain_len == SIM_CHAIN &&
	       (start->amd_len == AMD_4096 || start->amd_len == AMD_2048) &&
	       start->session_len == sizeof(struct sim_session);
}

static bool same_owner(const struct sim_firmware *firmware,
		       const struct sim_chain *chain)
{
	uint8_t own[SIM_CHAIN];
	const struct sim_cert *oca = (const struct sim_cert *)own + 1;

	sim_identity_chain(firmware->identity, own);
	return !memcmp(oca->x, chain->oca->x, sizeof(oca->x)) &&
	       !memcmp(oca->y, chain->oca->y, sizeof(oca->y));
}

/* may this guest go there? */
static uint32_t check_peer(const struct sim_firmware *firmware, uint32_t policy,
			   const struct sim_start *start)
{
	struct sim_chain chain;
	uint32_t status;

	status = sim_chain_parse(&chain, start->pdh, start->chain, start->amd,
				 start->amd_len);
	if (!status && (policy & (SEVLM_POLICY_SEV | SEVLM_POLICY_DOMAIN)))
		status = sim_chain_owner(&chain);
	if (!status && (policy & SEVLM_POLICY_SEV))
		status = sim_chain_chip(&chain);
	if (status)
		return status;
	if ((policy & SEVLM_POLICY_DOMAIN) && !same_owner(firmware, &chain))
		return SIM_POLICY_FAILURE;
	return SIM_SUCCESS;
}

static int draw_session(struct sim_random *random, struct sim_keys *keys,
			struct sim_session *session)
{
	int rc;

	memset(session, 0, sizeof(*session));
	rc = sim_random_bytes(random, session->nonce, sizeof(session->nonce));
	if (!rc)
		rc = sim_random_bytes(random, keys, sizeof(*keys));
	if (!rc)
		rc = sim_random_bytes(random, session->wrap_iv,
				      sizeof(session->wrap_iv));
	return rc;
}

static uint32_t open_session(struct sim_firmware *firmware,
			     struct sim_gctx *gctx, struct sim_start *start)
{
	struct sim_session session;
	uint8_t z[SIM_Z];
	uint32_t status;
	int rc;

	status = sim_identity_agree(firmware->identity, start->pdh, z);
	if (status)
		goto out;
	rc = draw_session(firmware->random, &gctx->keys, &session);
	if (!rc)
		rc = sim_session_wrap(z, SIM_Z, gctx->policy, &gctx->keys,
				      &session);
	if (!rc)
		rc = sim_transport_new(&gctx->keys, &gctx->transport);
	status = sim_status_of(rc);
	if (!status)
		memcpy(start->session, &session, sizeof(session));
out:
	OPENSSL_cleanse(z, sizeof(z));
	return status;
}

uint32_t sim_firmware_send_start(struct sim_firmware *firmware, uint32_t handle,
				 struct sim_start *start)
{
	struct sim_gctx *gctx;
	uint32_t status;

	status = sim_gctx_in(firmware, handle, SIM_GSTATE_RUNNING, &gctx);
	if (status)
		return status;
	if (gctx->policy & SEVLM_POLICY_NOSEND)
		return SIM_POLICY_FAILURE;
	if (!lengths_fit(start)) {
		start->session_len = sizeof(struct sim_session);
		return SIM_INVALID_LEN;
	}
	status = check_peer(firmware, gctx->policy, start);
	if (!status)
		status = open_session(firmware, gctx, start);
	if (status) {
		sim_gctx_close(gctx, SIM_GSTATE_RUNNING);
		return status;
	}
	start->policy = gctx->policy;
	gctx->state = SIM_GSTATE_SUPDATE;
	return SIM_SUCCESS;
}

static bool packet_fits(const struct sim_packet *packet)
{
	return packet->header_len >= sizeof(struct sim_header) &&
	       packet->guest_len && packet->guest_len <= SIM_PACKET_MAX &&
	       packet->trans_len >= packet->guest_len;
}

/* whatever lies there goes through the guest's key, shared pages too */
static uint32_t read_guest(struct sim_memory *memory,
			   const struct sim_packet *packet, uint8_t *plain)
{
	const uint8_t *p = packet->hva;
	uint32_t left = packet->guest_len;
	int rc = 0;

	while (left && !rc) {
		uint32_t n = SIM_PAGE - (uint32_t)((uintptr_t)p % SIM_PAGE);

		n = n < left ? n : left;
		rc = sim_memory_decrypt(memory, p, n, plain);
		plain += n;
		p += n;
		left -= n;
	}
	return sim_status_of(rc);
}

static uint32_t seal(struct sim_firmware *firmware, struct sim_gctx *gctx,
		     struct sim_packet *packet)
{
	struct sim_header *header = (void *)packet->header;
	int rc;

	rc = sim_random_bytes(firmware->random, header->iv, sizeof(header->iv));
	if (!rc)
		rc = sim_transport_seal(gctx->transport, header,
					firmware->scratch, packet->guest_len,
					packet->trans);
	return sim_status_of(rc);
}

uint32_t sim_firmware_send_update(struct sim_firmware *firmware,
				  uint32_t handle, struct sim_memory *memory,
				  struct sim_packet *packet)
{
	bool fits = packet_fits(packet);
	struct sim_gctx *gctx;
	uint32_t status;

	status = sim_gctx_in(firmware, handle, SIM_GSTATE_SUPDATE, &gctx);
	if (status)
		return status;
	packet->header_len = sizeof(struct sim_header);
	packet->trans_len = packet->guest_len;
	if (!fits)
		return SIM_INVALID_LEN;
	status = sim_range_check(gctx, memory, packet->hva, packet->guest_len);
	if (!status)
		status = read_guest(memory, packet, firmware->scratch);
	if (!status)
		status = seal(firmware, gctx, packet);
	/* once per page: OPENSSL_cleanse() goes a word at a time */
	explicit_bzero(firmware->scratch, packet->guest_len);
	return status;
}

uint32_t sim_firmware_send_finish(struct sim_firmware *firmware,
				  uint32_t handle)
{
	struct sim_gctx *gctx;
	uint32_t status;

	status = sim_gctx_in(firmware, handle, SIM_GSTATE_SUPDATE, &gctx);
	if (!status)
		sim_gctx_close(gctx, SIM_GSTATE_SENT);
	return status;
}

uint32_t sim_firmware_send_cancel(struct sim_firmware *firmware,
				  uint32_t handle)
{
	struct sim_gctx *gctx;
	uint32_t status;

	status = sim_gctx_in(firmware, handle, SIM_GSTATE_SUPDATE, &gctx);
	if (!status)
		sim_gctx_close(gctx, SIM_GSTATE_RUNNING);
	return status;
}
