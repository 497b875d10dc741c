/* SPDX-License-Identifier: MIT-0 */
#ifndef VMM_PAPERS_H
#define VMM_PAPERS_H

#include <libsevlm/tls.h>

#include "vmm.h"

/*
 * What this host shows of itself, and whom it trusts. All of it was put into
 * one directory by its operator:
 *
 *	amd.cert	AMD's certificates of this chip, ASK and ARK
 *	cek.cert	this chip's, signed by AMD
 *	peer.cek	the chip of the one host that guests go to or come from
 *	peer.ark	the root it leads to, where that is none of AMD's; for
 *			tests
 *	peer.psk	a secret that only these two hosts have
 */
struct papers {
	uint8_t chain[SEVLM_CHAIN_SIZE];
	uint8_t amd[SEVLM_BLOB_MAX];
	size_t amd_bytes;
	struct sevlm_trust *trust;
	uint8_t psk[SEVLM_TLS_PSK_SIZE];
};

/* 0, or -1 with a line on standard error */
int papers_load(struct vmm *vmm, struct papers *papers);
void papers_free(struct papers *papers);

#endif /* VMM_PAPERS_H */
