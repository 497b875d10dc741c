/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The encrypting memory controller of one guest: pinned host memory, where
 * each page of it lies, and AES-128-XTS under the guest's key with that place
 * as the tweak. No lock: memory.c has it.
 */
#ifndef SEVLM_SIM_CONTROLLER_H
#define SEVLM_SIM_CONTROLLER_H

#include <stddef.h>
#include <stdint.h>

#include <linux/kvm.h>
#include <openssl/evp.h>

#include "internal.h"

#define SIM_KEY_SIZE 32u
#define SIM_FIRST_LOCATION 0x100000u

struct sim_region {
	struct sim_region *next;
	uint64_t addr;		/* as registered */
	uint64_t size;
	uint64_t page;		/* first page number, by host address */
	uint64_t pages;
	uint64_t location;	/* of the first page */
};

struct sim_controller {
	struct sim_region *regions;
	struct sim_region *last;	/* where the last lookup ended */
	uint64_t location;		/* the next free one */
	EVP_CIPHER_CTX *encrypt;
	EVP_CIPHER_CTX *decrypt;
	uint8_t plain[SIM_PAGE];
	uint8_t cipher[SIM_PAGE];
};

void sim_controller_init(struct sim_controller *controller);
void sim_controller_clear(struct sim_controller *controller);
/* -EINVAL, -EEXIST (overlaps: a page would lie in two places), -ENOMEM */
int sim_controller_pin(struct sim_controller *controller,
		       const struct kvm_enc_region *region);
int sim_controller_unpin(struct sim_controller *controller,
			 const struct kvm_enc_region *region);
/* is it in a pinned region? by host page number */
bool sim_controller_holds(struct sim_controller *controller, uint64_t page);
/* NULL takes the key away; -ENOMEM, -EIO */
int sim_controller_set_key(struct sim_controller *controller,
			   const uint8_t *key);
/* any bytes within one page; 0, -EFAULT (not pinned), -EIO (no key) */
int sim_controller_read(struct sim_controller *controller, const uint8_t *hva,
			size_t bytes, void *plain);
int sim_controller_write(struct sim_controller *controller, uint8_t *hva,
			 size_t bytes, const void *plain);

#endif /* SEVLM_SIM_CONTROLLER_H */
