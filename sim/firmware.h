/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the files of the firmware share: platform and guest contexts. */
#ifndef SEVLM_SIM_FIRMWARE_H
#define SEVLM_SIM_FIRMWARE_H

#include <openssl/evp.h>

#include "crypto.h"
#include "internal.h"
#include "status.h"

#define SIM_GUESTS 128u /* contexts, active or not */
#define SIM_PACKET_MAX 16384u
#define SIM_VEK 32u
#define SIM_CHAIN (3 * SEVLM_SIM_CERT_SIZE)

enum sim_pstate { SIM_PSTATE_UNINIT, SIM_PSTATE_INIT, SIM_PSTATE_WORKING };

enum sim_gstate {
	SIM_GSTATE_UNINIT,
	SIM_GSTATE_LUPDATE,
	SIM_GSTATE_LSECRET,
	SIM_GSTATE_RUNNING,
	SIM_GSTATE_SUPDATE,
	SIM_GSTATE_RUPDATE,
	SIM_GSTATE_SENT,
};

struct sim_gctx {
	uint32_t handle;
	uint32_t policy;
	uint32_t asid; /* 0: not active */
	enum sim_gstate state;
	struct sim_memory *memory; /* while active */
	struct sim_transport *transport;
	EVP_MD_CTX *digest; /* of the launch */
	struct sim_keys keys;
	uint8_t vek[SIM_VEK];
};

struct sim_firmware {
	struct sim_random *random;
	struct sim_identity *identity;
	uint8_t api_major, api_minor, build;
	uint32_t asids;
	uint64_t asids_stale; /* want a DF_FLUSH: after INIT, and after use */
	enum sim_pstate state;
	uint32_t guests;
	uint32_t next_handle;
	struct sim_gctx *gctx[SIM_GUESTS];
	uint8_t scratch[SIM_PACKET_MAX];
};

uint32_t sim_status_of(int rc);

/* any state; each returns a firmware status */
uint32_t sim_gctx_find(struct sim_firmware *firmware, uint32_t handle,
		       struct sim_gctx **ret);
uint32_t sim_gctx_in(struct sim_firmware *firmware, uint32_t handle,
		     enum sim_gstate state, struct sim_gctx **ret);
/* a context with a VEK of its own, or that of guest `shared` if not 0 */
uint32_t sim_gctx_new(struct sim_firmware *firmware, uint32_t policy,
		      uint32_t shared, enum sim_gstate state,
		      struct sim_gctx **ret);
void sim_gctx_free(struct sim_firmware *firmware, struct sim_gctx *gctx);
/* forget the session's keys and go on in another state */
void sim_gctx_close(struct sim_gctx *gctx, enum sim_gstate state);

/* can a guest live here? checked where it arrives */
uint32_t sim_policy_check(const struct sim_firmware *firmware, uint32_t policy);
uint32_t sim_range_check(const struct sim_gctx *gctx,
			 const struct sim_memory *memory, const void *hva,
			 uint32_t bytes);

#endif /* SEVLM_SIM_FIRMWARE_H */
