// SPDX-License-Identifier: MIT OR Apache-2.0
#include <errno.h>
#include <string.h>

#include <openssl/evp.h>

#include "guest.h"

#define VERSION 2u
#define DIGEST 32u

/* little-endian, then the bitmap, then SHA-256 of both; no bitmap, but zeroes,
 * of a guest whose page tables are in its RAM */
enum field {
	MAGIC = 0,		/* 8 */
	FORMAT = 8,		/* 4 */
	KIND = 12,		/* 4 */
	SEED = 16,		/* 8 */
	PAGES = 24,		/* 8 */
	STEPS = 32,		/* 8 */
	OFFERED = 40,		/* 4 */
	PHASE = 44,		/* 4 */
	VCPU = 48,		/* 4, AT_* */
	VALUE = 52,		/* 4, register */
	BITMAP = 56,
};

enum at {
	AT_STEP,
	AT_CONTENTS,		/* a conversion is through, they come next */
	AT_STORE,		/* of the value */
	AT_EXIT,		/* the instruction exits, again */
};

static const uint8_t magic[8] = {'S', 'E', 'V', 'L', 'M', 'S', 'I', 'M'};

static void put(uint8_t *to, uint64_t value, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		to[i] = (uint8_t)(value >> (8 * i));
}

static uint64_t get(const uint8_t *from, size_t bytes)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bytes; i++)
		value |= (uint64_t)from[i] << (8 * i);
	return value;
}

static uint64_t words(const struct sim_guest *guest)
{
	return (guest->workload.pages + 63) / 64;
}

static size_t state_size(const struct sim_guest *guest)
{
	return BITMAP + words(guest) * 8 + DIGEST;
}

static bool digest_of(const uint8_t *buf, size_t bytes, uint8_t *digest)
{
	return EVP_Digest(buf, bytes, digest, NULL, EVP_sha256(), NULL) == 1;
}

static enum at at(const struct sim_guest *guest)
{
	switch (guest->vcpu) {
	case SIM_VCPU_CONVERTED:
		return AT_CONTENTS;
	case SIM_VCPU_READ:
		return AT_STORE;
	case SIM_VCPU_RUNNING:
		return AT_STEP;
	default:
		return AT_EXIT;
	}
}

static void put_header(struct sim_guest *guest, uint8_t *buf)
{
	const struct sim_workload *workload = &guest->workload;

	memcpy(buf + MAGIC, magic, sizeof(magic));
	put(buf + FORMAT, VERSION, 4);
	put(buf + KIND, workload->kind, 4);
	put(buf + SEED, workload->seed, 8);
	put(buf + PAGES, workload->pages, 8);
	put(buf + STEPS, sim_guest_steps(guest), 8);
	put(buf + OFFERED, workload->offered, 4);
	put(buf + PHASE, guest->phase, 4);
	put(buf + VCPU, at(guest), 4);
	put(buf + VALUE, guest->vcpu == SIM_VCPU_READ ? guest->value : 0, 4);
}

static uint64_t bits(struct sim_guest *guest, uint64_t word)
{
	return sim_workload_tables(&guest->workload)
		       ? 0
		       : atomic_load(&guest->shared[word]);
}

int sim_guest_save(struct sim_guest *guest, uint8_t *buf, size_t *bytes)
{
	size_t size = state_size(guest);
	size_t room = *bytes;

	*bytes = size;
	if (!buf)
		return 0;
	if (room < size)
		return -ENOBUFS;
	put_header(guest, buf);
	for (uint64_t i = 0; i < words(guest); i++)
		put(buf + BITMAP + i * 8, bits(guest, i), 8);
	return digest_of(buf, size - DIGEST, buf + size - DIGEST) ? 0 : -EIO;
}

/* The seed and the workload travel in the guest; its size and what the VMM
 * offered are the VM's and must be the same. */
static bool same_shape(const struct sim_guest *guest, const uint8_t *buf)
{
	return !memcmp(buf + MAGIC, magic, sizeof(magic)) &&
	       get(buf + FORMAT, 4) == VERSION &&
	       get(buf + PAGES, 8) == guest->workload.pages &&
	       get(buf + OFFERED, 4) == guest->workload.offered &&
	       get(buf + KIND, 4) <= SEVLM_SIM_COUNTER;
}

static bool tail_clear(const struct sim_guest *guest, const uint8_t *buf)
{
	uint64_t used = guest->workload.pages % 64;
	uint64_t last;

	last = get(buf + BITMAP + (words(guest) - 1) * 8, 8);
	return !used || !(last >> used);
}

static bool intact(const struct sim_guest *guest, const uint8_t *buf,
		   size_t bytes)
{
	uint8_t digest[DIGEST];

	return bytes == state_size(guest) &&
	       digest_of(buf, bytes - DIGEST, digest) &&
	       !memcmp(digest, buf + bytes - DIGEST, DIGEST);
}

/* what is under way, behind or before an exit */
static bool parse_vcpu(struct sim_guest *ret, const uint8_t *buf)
{
	static const enum sim_vcpu states[] = {
		[AT_STEP] = SIM_VCPU_RUNNING,
		[AT_CONTENTS] = SIM_VCPU_CONVERTED,
		[AT_STORE] = SIM_VCPU_READ,
		[AT_EXIT] = SIM_VCPU_AGAIN,
	};
	uint64_t at = get(buf + VCPU, 4);

	ret->value = (uint32_t)get(buf + VALUE, 4);
	if (at > AT_EXIT || (at != AT_STORE && ret->value))
		return false;
	ret->vcpu = states[at];
	sim_guest_next(ret, &ret->action);
	switch (at) {
	case AT_CONTENTS:
		return ret->action.kind == SIM_DO_CONVERT;
	case AT_STORE:
		return ret->action.kind == SIM_DO_IN;
	case AT_EXIT:
		return ret->action.kind > SIM_DO_WRITE;
	default:
		return true;
	}
}

static bool bitmap_clear(const struct sim_guest *guest, const uint8_t *buf)
{
	for (uint64_t i = 0; i < words(guest); i++)
		if (get(buf + BITMAP + i * 8, 8))
			return false;
	return true;
}

/* a guest that does what the header says, without a bitmap */
static bool parse(struct sim_guest *ret, const struct sim_guest *guest,
		  const uint8_t *buf)
{
	uint64_t steps = get(buf + STEPS, 8);
	uint32_t phases;

	ret->workload = guest->workload;
	ret->workload.seed = get(buf + SEED, 8);
	ret->workload.kind = (uint32_t)get(buf + KIND, 4);
	ret->phase = (uint32_t)get(buf + PHASE, 4);
	atomic_init(&ret->steps, steps);
	phases = sim_workload_phases(&ret->workload);
	if (ret->phase > phases || (ret->phase < phases && steps) ||
	    steps == SIM_BOOT_STEP)
		return false;
	if (sim_workload_tables(&ret->workload) && !bitmap_clear(guest, buf))
		return false;
	return parse_vcpu(ret, buf);
}

int sim_guest_load(struct sim_guest *guest, const uint8_t *buf, size_t bytes)
{
	struct sim_guest new = {0};

	if (!intact(guest, buf, bytes) || !same_shape(guest, buf) ||
	    !tail_clear(guest, buf) || !parse(&new, guest, buf))
		return -EBADMSG;
	guest->workload = new.workload;
	guest->vcpu = new.vcpu;
	guest->action = new.action;
	guest->value = new.value;
	guest->phase = new.phase;
	atomic_store(&guest->steps, atomic_load(&new.steps));
	for (uint64_t i = 0; i < words(guest); i++)
		atomic_store(&guest->shared[i], get(buf + BITMAP + i * 8, 8));
	atomic_store(&guest->walked, !sim_workload_tables(&guest->workload));
	return 0;
}
