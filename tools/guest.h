/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A guest of the software host, its memory and the thread that runs it. */
#ifndef SEVLM_GUEST_H
#define SEVLM_GUEST_H

#include <pthread.h>

#include <libsevlm/sim.h>

#include "tool.h"

/* What both sides must agree on; travels in the preamble. */
struct shape {
	uint64_t memory;
	uint64_t seed;
	uint64_t rate; /* steps per second, 0: no limit */
	uint64_t image_bytes; /* 0: none */
	uint32_t workload;
	uint32_t offered;
};

struct image {
	void *contents;
	size_t bytes;
};

/* The vCPU's thread: parked unless it runs. */
struct vcpu {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool made; /* lock and wake are there */
	bool there; /* the thread is */
	bool run, parked, quit; /* under lock */
	int error; /* under lock */
	uint64_t began_ns, began_at;
};

struct guest {
	struct shape shape;
	const struct image *image; /* may be NULL */
	uint64_t host_seed; /* 0: none */
	uint32_t policy; /* to launch with */
	struct sevlm_sim_host *host;
	struct sevlm_sim_vm *sim;
	struct sevlm_vm *vm;
	void *ram;
	uint64_t *bitmap;
	void *state;
	size_t state_bytes;
	struct vcpu vcpu;
};

/* guest.c; 0, or a negative errno with a sentence */
int image_load(struct image *image, const char *path, struct sentence *why);
void image_free(struct image *image);
/* a launched guest whose memory is the image's or the seed's, booted */
int guest_launch(struct guest *guest, const struct shape *shape,
		 const struct image *image, struct sentence *why);
/* an empty VM to receive one */
int guest_prepare(struct guest *guest, const struct shape *shape,
		  const struct image *image, struct sentence *why);
void guest_free(struct guest *guest);
/* what the source engine wants of it */
int guest_dirty(struct guest *guest, struct sevlm_source *source);
int guest_save(struct guest *guest, struct sevlm_source *source);
int guest_load(struct guest *guest, struct sevlm_target *target);
/* parked; runs @steps more and lets the guest check all of its memory */
int guest_check(struct guest *guest, uint64_t steps, struct sentence *why);
uint64_t guest_steps(const struct guest *guest);

/* vcpu.c */
int vcpu_resume(struct guest *guest);
/* the vCPU stands and no exit of it is pending */
int vcpu_pause(struct guest *guest);
/* parked: on the caller's thread */
int vcpu_run(struct guest *guest, uint64_t steps);
void vcpu_end(struct guest *guest);

#endif /* SEVLM_GUEST_H */
