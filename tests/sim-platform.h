/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Two bare platforms, and one page of guest memory each, for the tests of the
 * firmware. */
#ifndef SEVLM_SIM_PLATFORM_H
#define SEVLM_SIM_PLATFORM_H

#include <stdlib.h>
#include <string.h>

#include <linux/kvm.h>

#include <libsevlm/libsevlm.h>

#include "check-main.h"
#include "../sim/cert.h"
#include "../sim/firmware.h"
#include "../sim/root.h"

#define CERT SEVLM_SIM_CERT_SIZE
#define PAGES 8u

struct platform {
	struct sim_random *random;
	struct sim_identity *identity;
	struct sim_firmware *fw;
	struct sim_memory *memory;
	uint8_t *ram;
	uint8_t pdh[CERT];
	uint8_t chain[3 * CERT];
	uint8_t amd[SEVLM_SIM_AMD_SIZE];
};

struct packet {
	uint8_t header[52];
	uint8_t trans[SIM_PACKET_MAX];
	struct sim_packet p;
};

static inline void platform_certs(struct platform *platform)
{
	memcpy(platform->pdh, sim_identity_pdh(platform->identity), CERT);
	sim_identity_chain(platform->identity, platform->chain);
	memcpy(platform->chain + 2 * CERT, sim_identity_cek(platform->identity),
	       CERT);
	memcpy(platform->amd, sim_root_amd, sizeof(platform->amd));
}

static inline void platform_up(struct platform *platform, uint64_t seed,
			       uint32_t api_minor)
{
	struct kvm_enc_region region = {.size = PAGES * SIM_PAGE};

	ck_assert_int_eq(sim_random_new(seed, &platform->random), 0);
	ck_assert_int_eq(sim_identity_new(platform->random, 0, api_minor,
					  &platform->identity),
			 0);
	ck_assert_int_eq(sim_firmware_new(platform->random, platform->identity,
					  0, api_minor, 1, 4, &platform->fw),
			 0);
	ck_assert_uint_eq(sim_firmware_init(platform->fw), SIM_SUCCESS);
	platform->ram = aligned_alloc(SIM_PAGE, PAGES * SIM_PAGE);
	ck_assert_ptr_nonnull(platform->ram);
	memset(platform->ram, 0, PAGES * SIM_PAGE);
	ck_assert_int_eq(sim_memory_new(&platform->memory), 0);
	region.addr = (uintptr_t)platform->ram;
	ck_assert_int_eq(sim_memory_pin(platform->memory, &region), 0);
	platform_certs(platform);
}

static inline void platform_down(struct platform *platform)
{
	sim_firmware_free(platform->fw);
	sim_identity_free(platform->identity);
	sim_random_free(platform->random);
	sim_memory_free(platform->memory);
	free(platform->ram);
}

/* a guest in LUPDATE */
static inline uint32_t new_guest(struct platform *platform, uint32_t policy)
{
	uint32_t handle = 0;

	ck_assert_uint_eq(
		sim_firmware_launch_start(platform->fw, policy, &handle),
		SIM_SUCCESS);
	sim_firmware_df_flush(platform->fw);
	ck_assert_uint_eq(sim_firmware_activate(platform->fw, handle, 1,
						platform->memory),
			  SIM_SUCCESS);
	return handle;
}

static inline void launch_rest(struct platform *platform, uint32_t handle)
{
	uint8_t measure[48];
	uint32_t bytes = sizeof(measure);

	ck_assert_uint_eq(sim_firmware_launch_update(
				  platform->fw, handle, platform->memory,
				  platform->ram, PAGES * SIM_PAGE),
			  SIM_SUCCESS);
	ck_assert_uint_eq(sim_firmware_launch_measure(platform->fw, handle,
						      measure, &bytes),
			  SIM_SUCCESS);
	ck_assert_uint_eq(sim_firmware_launch_finish(platform->fw, handle),
			  SIM_SUCCESS);
}

static inline uint32_t running_guest(struct platform *platform, uint32_t policy)
{
	uint32_t handle = new_guest(platform, policy);

	launch_rest(platform, handle);
	return handle;
}

static inline struct sim_start start_to(struct platform *to, uint8_t *session)
{
	return (struct sim_start){
		.pdh = to->pdh,
		.pdh_len = CERT,
		.chain = to->chain,
		.chain_len = 3 * CERT,
		.amd = to->amd,
		.amd_len = sizeof(to->amd),
		.session = session,
		.session_len = 128,
	};
}

static inline uint32_t send_start(struct platform *from, struct platform *to,
				  uint32_t handle, uint8_t *session)
{
	struct sim_start start = start_to(to, session);

	return sim_firmware_send_start(from->fw, handle, &start);
}

static inline uint32_t receive_start(struct platform *to, struct platform *from,
				     uint32_t policy, const uint8_t *session,
				     uint32_t *handle)
{
	uint32_t status;

	*handle = 0;
	status = sim_firmware_receive_start(to->fw, policy,
					    sim_identity_pdh(from->identity),
					    CERT, session, 128, handle);
	if (status)
		return status;
	sim_firmware_df_flush(to->fw);
	return sim_firmware_activate(to->fw, *handle, 1, to->memory);
}

static inline void packet_for(struct packet *packet, void *hva, uint32_t bytes)
{
	packet->p = (struct sim_packet){
		.header = packet->header,
		.header_len = sizeof(packet->header),
		.hva = hva,
		.guest_len = bytes,
		.trans = packet->trans,
		.trans_len = bytes,
	};
}

static inline uint32_t send_page(struct platform *from, uint32_t handle,
				 uint32_t page, struct packet *packet)
{
	packet_for(packet, from->ram + page * SIM_PAGE, SIM_PAGE);
	return sim_firmware_send_update(from->fw, handle, from->memory,
					&packet->p);
}

static inline uint32_t receive_page(struct platform *to, uint32_t handle,
				    uint32_t page, struct packet *packet)
{
	packet_for(packet, to->ram + page * SIM_PAGE, SIM_PAGE);
	return sim_firmware_receive_update(to->fw, handle, to->memory,
					   &packet->p);
}

static inline uint8_t state_of(struct platform *platform, uint32_t handle)
{
	uint32_t policy, asid;
	uint8_t state = 0xff;

	ck_assert_uint_eq(sim_firmware_guest_status(platform->fw, handle,
						    &policy, &asid, &state),
			  SIM_SUCCESS);
	return state;
}

#endif /* SEVLM_SIM_PLATFORM_H */
