/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>

#include "engine.h"

/* The exporter value is a secret of the channel: only its shadow is sent. */
static int binding(const struct sevlm__engine *engine, uint8_t *out)
{
	char label[] = "sevlm channel binding";
	struct iovec part = { label, sizeof(label) - 1 };

	return sevlm__hmac(engine->exporter, &part, 1, out);
}

static uint32_t list_regions(struct sevlm__engine *engine, uint8_t *out)
{
	struct sevlm__region region;
	uint32_t count = 0;

	while (count < SEVLM_MAX_REGIONS &&
	       sevlm__pages_region(engine->vm->pages, count, &region)) {
		sevlm__region_encode(&region, REGION_ADD,
				     out + count * REGION_SIZE);
		count++;
	}
	return count;
}

static int send_hello(struct sevlm__engine *engine, struct sevlm__hello *hello)
{
	struct sevlm__out *out = sevlm__outbox_begin(&engine->outbox);
	uint32_t at = engine->role == ROLE_SOURCE ? 0 : 1;
	size_t bytes;
	int ret;

	if (!out)
		return -EAGAIN;
	hello->version_min = SEVLM_STREAM_VERSION;
	hello->version_max = SEVLM_STREAM_VERSION;
	hello->role = engine->role;
	hello->max_body = engine->inbox.max_body;
	hello->channel = engine->channel;
	hello->amd = engine->certs;
	hello->amd_bytes = (uint32_t)engine->amd_bytes;
	if (engine->chained)
		hello->chain = engine->certs + engine->amd_bytes;
	memcpy(hello->nonce, engine->nonces[at], SEVLM_NONCE_SIZE);
	ret = binding(engine, hello->binding);
	if (ret)
		return ret;
	bytes = sevlm__hello_encode(hello, out->payload,
				    engine->outbox.payload_bytes);
	if (!bytes)
		return sevlm__fail(&engine->error, -ENOBUFS,
				   "HELLO does not fit into a record");
	sevlm__out_add(out, out->payload, bytes);
	return sevlm__engine_commit_out(engine, out, RECORD_HELLO,
					RECORD_HEADER_SIZE);
}

/* what another migration of this guest could */
static void forbid_blocks(struct sevlm__engine *engine)
{
	sevlm__pages_forbid_blocks(engine->vm->pages, 0, UINT64_MAX);
}

int sevlm__handshake_source(struct sevlm__engine *engine, uint32_t policy,
			    const uint8_t *pdh, const uint8_t *chain)
{
	uint8_t regions[SEVLM_MAX_REGIONS * REGION_SIZE];
	struct sevlm__hello hello = {
		.policy = policy,
		.control = atomic_load(&engine->vm->control),
		.pdh = pdh,
		.chain = chain,
		.regions = regions,
		.region_count = list_regions(engine, regions),
		.cpuid = engine->cpuid.count ? engine->cpuid.entries : NULL,
		.cpuid_count = engine->cpuid.count,
	};

	forbid_blocks(engine);
	hello.control &= SEVLM_CONTROL_OFFERED | SEVLM_CONTROL_READY;
	return send_hello(engine, &hello);
}

/* The regions whose blocks may come, and are let in from now on. */
static uint32_t list_contiguous(struct sevlm__engine *engine, uint8_t *out)
{
	struct sevlm__pages *pages = engine->vm->pages;
	struct sevlm__writer w = sevlm__writer(
		out, SEVLM_MAX_REGIONS * CONTIGUOUS_SIZE);
	struct sevlm__region region;
	uint32_t count = 0;

	for (uint32_t i = 0; sevlm__pages_region(pages, i, &region); i++) {
		if (!region.contiguous)
			continue;
		if (!count && !sevlm__kernel_blocks(&engine->vm->kernel))
			break;
		sevlm__pages_allow_blocks(pages, region.gpa);
		sevlm__put64(&w, region.gpa);
		count++;
	}
	return count;
}

int sevlm__handshake_target(struct sevlm__engine *engine, const uint8_t *pdh,
			    const uint8_t *chain)
{
	uint8_t contiguous[SEVLM_MAX_REGIONS * CONTIGUOUS_SIZE];
	struct sevlm__hello hello = {
		.pdh = pdh,
		.chain = chain,
		.contiguous = contiguous,
	};

	forbid_blocks(engine);
	hello.contiguous_count = list_contiguous(engine, contiguous);
	return send_hello(engine, &hello);
}

struct sevlm_peer sevlm__handshake_peer(const struct sevlm__hello *hello)
{
	return (struct sevlm_peer){
		.size = sizeof(struct sevlm_peer),
		.pdh = hello->pdh,
		.chain = hello->chain,
		.amd = hello->amd,
		.amd_bytes = hello->amd_bytes,
	};
}

static int check_channel(struct sevlm__engine *engine,
			 const struct sevlm__hello *hello)
{
	uint8_t expected[SEVLM__DIGEST_SIZE];
	int ret = binding(engine, expected);

	if (ret)
		return ret;
	if (hello->channel != engine->channel)
		return sevlm__fail(&engine->error, -EKEYREJECTED,
				   "the peer declares another kind of channel");
	if (!sevlm__equal(expected, hello->binding, sizeof(expected)))
		return sevlm__fail(&engine->error, -EKEYREJECTED,
				   "the peer is in another channel: the "
				   "exporter values differ");
	return 0;
}

static int check_fields(struct sevlm__engine *engine,
			const struct sevlm__hello *hello)
{
	bool source = engine->role == ROLE_SOURCE;

	if (!hello->pdh || !hello->chain || !hello->amd)
		return sevlm__fail(&engine->error, -EPROTO,
				   "the peer's HELLO lacks certificates");
	if (!source && (!hello->regions || !hello->has_guest))
		return sevlm__fail(&engine->error, -EPROTO,
				   "the source's HELLO lacks the guest's policy "
				   "or RAM layout");
	if (hello->max_body < RECORD_BODY_LEAST)
		return sevlm__fail(&engine->error, -EPROTO,
				   "the peer takes records of %u bytes only",
				   hello->max_body);
	return 0;
}

/* No guest runs here that was not asked, or said no. */
int sevlm__handshake_consent(struct sevlm__engine *engine, uint32_t control)
{
	if (control & ~(SEVLM_CONTROL_OFFERED | SEVLM_CONTROL_READY))
		return sevlm__fail(&engine->error, -EPROTO,
				   "the source names a consent that is not "
				   "known: 0x%x",
				   control);
	return sevlm__control_check(&engine->error, control);
}

int sevlm__handshake_check(struct sevlm__engine *engine, const uint8_t *body,
			   size_t bytes, struct sevlm__hello *hello)
{
	uint32_t at = engine->role == ROLE_SOURCE ? 1 : 0;
	int ret = sevlm__hello_decode(body, bytes, hello);

	if (ret)
		return sevlm__fail(&engine->error, ret,
				   ret == -EPROTO ?
					   "the peer's HELLO has a required "
					   "field that is not known" :
					   "the peer's HELLO is malformed");
	if (hello->version_min > SEVLM_STREAM_VERSION ||
	    hello->version_max < SEVLM_STREAM_VERSION)
		return sevlm__fail(&engine->error, -EPROTO,
				   "the peer speaks versions %u to %u, we %u",
				   hello->version_min, hello->version_max,
				   SEVLM_STREAM_VERSION);
	if (hello->role != ROLE_SOURCE + ROLE_TARGET - engine->role)
		return sevlm__fail(&engine->error, -EPROTO,
				   "the peer is a %s too",
				   engine->role == ROLE_SOURCE ? "source" :
								 "target");
	ret = check_channel(engine, hello);
	if (!ret)
		ret = check_fields(engine, hello);
	if (ret)
		return ret;
	engine->peer_max_body = hello->max_body;
	memcpy(engine->nonces[at], hello->nonce, SEVLM_NONCE_SIZE);
	return sevlm__commit_key(engine);
}

int sevlm__handshake_regions(struct sevlm__engine *engine,
			     const struct sevlm__hello *hello)
{
	struct sevlm__region theirs, ours;
	uint32_t action, i;

	for (i = 0; i < hello->region_count; i++) {
		if (sevlm__region_decode(hello->regions + i * REGION_SIZE,
					 &theirs, &action) ||
		    action != REGION_ADD)
			return sevlm__fail(&engine->error, -EBADMSG,
					   "region %u of the source is "
					   "malformed",
					   i);
		if (!sevlm__pages_region(engine->vm->pages, i, &ours) ||
		    ours.gpa != theirs.gpa || ours.bytes != theirs.bytes ||
		    ours.type != theirs.type)
			return sevlm__fail(
				&engine->error, -EPROTO,
				"the RAM differs: the source has "
				"0x%llx+0x%llx of type %u",
				(unsigned long long)theirs.gpa,
				(unsigned long long)theirs.bytes, theirs.type);
	}
	if (sevlm__pages_region(engine->vm->pages, i, &ours))
		return sevlm__fail(&engine->error, -EPROTO,
				   "the RAM differs: the source has nothing at "
				   "0x%llx",
				   (unsigned long long)ours.gpa);
	return 0;
}

static int not_contiguous(struct sevlm__engine *engine, uint64_t gpa)
{
	return sevlm__fail(&engine->error, -EPROTO,
			   "the target declares 0x%llx contiguous, where no "
			   "region begins, or out of order",
			   (unsigned long long)gpa);
}

int sevlm__handshake_blocks(struct sevlm__engine *engine,
			    const struct sevlm__hello *hello)
{
	struct sevlm__pages *pages = engine->vm->pages;
	struct sevlm__reader r = sevlm__reader(
		hello->contiguous, hello->contiguous_count * CONTIGUOUS_SIZE);
	bool able = r.left && sevlm__kernel_blocks(&engine->vm->kernel);
	struct sevlm__region region;
	uint64_t gpa, next = 0;

	while (r.left) {
		gpa = sevlm__get64(&r);
		if (gpa < next ||
		    !sevlm__pages_find(pages, gpa, PAGE_SIZE, &region) ||
		    region.gpa != gpa)
			return not_contiguous(engine, gpa);
		next = gpa + PAGE_SIZE;
		if (able)
			sevlm__pages_allow_blocks(pages, gpa);
	}
	return 0;
}

/* One side alone knows only half of it: that is refused as well. */
int sevlm__handshake_cpuid(struct sevlm__engine *engine,
			   const struct sevlm__hello *hello)
{
	if (!hello->cpuid_count != !engine->cpuid.count)
		return sevlm__fail(&engine->error, -EPROTO,
				   "CPUID cannot be compared: only the %s "
				   "shows it",
				   hello->cpuid_count ? "source" : "target");
	return sevlm__cpuid_compare(&engine->error, hello->cpuid,
				    hello->cpuid_count, &engine->cpuid);
}
