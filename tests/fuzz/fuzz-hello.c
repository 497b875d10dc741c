/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The introduction. A byte of modes, then operations (ops.h): up to one whose
 * argument is 0 each is a field of the peer's HELLO, the argument its id, the
 * bytes what is in it; what comes behind is done as in the other fuzzers.
 */
#include <errno.h>

#include <linux/kvm.h>

#include "cert.h"
#include "memory.h"
#include "side.h"
#include "source.h"
#include "target.h"

/* modes */
#define OF_SOURCE 0x01u /* the engine is the source, so HELLO a target's */
#define BOUND 0x02u /* the binding is right */
#define HEADED 0x04u /* the fields before the binding are right */
#define COMPLETE 0x08u /* lengths are right, certificates good, but changed */
#define OPTIONAL 0x10u /* fields are not required */
#define WITH_CPUID 0x20u
#define UNPROTECTED 0x40u

#define FIELDS 8u
#define HELLO_HEAD 88u

struct hello {
	uint8_t mode;
	uint8_t body[RECORD_BODY_LEAST];
	struct sevlm__writer w;
	struct fuzz_input rest;
};

/* ---- the peer's HELLO ---- */

static void binding(const struct sevlm__engine *engine, uint8_t *out)
{
	char label[] = "sevlm channel binding";
	struct iovec part = {label, sizeof(label) - 1};

	MUST(!sevlm__hmac(engine->exporter, &part, 1, out));
}

/* the head as it must be, or as the first operation has it */
static void put_head(struct hello *hello, const struct sevlm__engine *engine,
		     const struct fuzz_op *op)
{
	uint32_t role = ROLE_SOURCE + ROLE_TARGET - engine->role;
	uint8_t head[HELLO_HEAD] = {0};
	struct sevlm__writer w = sevlm__writer(head, sizeof(head));

	sevlm__put16(&w, 1);
	sevlm__put16(&w, 1);
	sevlm__put32(&w, role);
	sevlm__put32(&w, RECORD_BODY_MAX);
	sevlm__put32(&w, engine->channel);
	memset(head + 24, (int)role, SEVLM_NONCE_SIZE);
	if (!(hello->mode & HEADED) && op->count)
		memcpy(head, op->bytes,
		       op->count < sizeof(head) ? op->count : sizeof(head));
	if (hello->mode & BOUND)
		binding(engine, head + 56);
	sevlm__put_bytes(&hello->w, head, sizeof(head));
}

static size_t right_length(uint8_t id, size_t count)
{
	static const size_t lengths[FIELDS] = {
		[1] = 4,
		[2] = 4,
		[3] = SEVLM_PDH_SIZE,
		[4] = SEVLM_CHAIN_SIZE,
	};

	switch (id) {
	case 5:
		return count ? count : door_certs(DOOR_PEER)->amd_bytes;
	case 6:
		return count / REGION_SIZE * REGION_SIZE;
	case 7:
		return count / SEVLM__CPUID_ENTRY * SEVLM__CPUID_ENTRY;
	}
	return id < FIELDS ? lengths[id] : count;
}

/* certificates that no fuzzer would find by chance, to be changed */
static const uint8_t *good_bytes(uint8_t id, size_t *ret_count)
{
	const struct certs *certs = door_certs(DOOR_PEER);

	switch (id) {
	case 3:
		*ret_count = sizeof(certs->pdh);
		return certs->pdh;
	case 4:
		*ret_count = sizeof(certs->chain);
		return certs->chain;
	case 5:
		*ret_count = certs->amd_bytes;
		return certs->amd;
	}
	*ret_count = 0;
	return NULL;
}

static void put_field(struct hello *hello, const struct fuzz_op *op)
{
	size_t count = op->count, known;
	const uint8_t *good = good_bytes(op->arg, &known);
	uint8_t *at;

	if (hello->mode & COMPLETE)
		count = right_length(op->arg, count);
	sevlm__put16(&hello->w, op->arg);
	sevlm__put16(&hello->w, hello->mode & OPTIONAL ? 0 : 1);
	sevlm__put32(&hello->w, (uint32_t)count);
	at = sevlm__put(&hello->w, count);
	if (!at)
		return;
	memset(at, 0, count);
	if (good && hello->mode & COMPLETE)
		memcpy(at, good, known < count ? known : count);
	if (op->count)
		memcpy(at, op->bytes, count < op->count ? count : op->count);
}

static void build(struct hello *hello, const struct sevlm__engine *engine,
		  const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data, size};
	struct fuzz_op op = {0};

	hello->w = sevlm__writer(hello->body, sizeof(hello->body));
	if (!(hello->mode & HEADED))
		fuzz_next(&input, &op);
	put_head(hello, engine, &op);
	while (fuzz_next(&input, &op) && op.arg)
		put_field(hello, &op);
	hello->rest = input;
}

/* ---- what may come of it ---- */

static bool past(const struct side *side)
{
	return side->source ? side->source->state > SOURCE_HELLO_BACK &&
				      side->source->state < SOURCE_UNDO
			    : side->target->state > TARGET_HELLO &&
				      side->target->state < TARGET_UNDO;
}

static bool may_want(const struct side *side, uint32_t want)
{
	return want == SEVLM_WANT_RESUME || past(side);
}

static int answer(struct side *side, const struct fuzz_op *op)
{
	uint8_t digest[SEVLM_TOKEN_SIZE];

	(void)op;
	if (side->want & SEVLM_WANT_SESSION) {
		MUST(!sevlm_target_session(side->target, digest));
		return 0;
	}
	return -EIO;
}

/* The peer's certificates, all that is signed of them as it was signed. */
static bool is_proven(const struct side *side)
{
	const struct certs *good = door_certs(DOOR_PEER);
	struct sevlm__hello hello;
	bool same;

	MUST(!sevlm__hello_decode(side->hello, side->hello_bytes, &hello));
	same = hello.amd_bytes == good->amd_bytes &&
	       !memcmp(hello.pdh, good->pdh, CERT_SEV_SIGNED);
	for (size_t at = 0; same && at < sizeof(good->chain); at += CERT)
		same = !memcmp(hello.chain + at, good->chain + at,
			       CERT_SEV_SIGNED);
	for (size_t at = 0; same && at < good->amd_bytes; at += 1600)
		same = !memcmp(hello.amd + at, good->amd + at,
			       CERT_AMD_HEAD + 2 * CERT_RSA_MAX);
	return same;
}

/* Nobody goes on with a peer that did not prove to be in the same channel, on
 * a platform that is trusted. */
static void check(const struct side *side)
{
	const struct sevlm__engine *engine = side->engine;
	uint8_t expected[SEVLM__DIGEST_SIZE];

	/* firmware is asked only for what the VMM has never seen before */
	MUST(side->source || side->door.state == SEVLM_GUEST_UNINIT ||
	     side->granted & SEVLM_WANT_SESSION);
	if (!past(side))
		return;
	binding(engine, expected);
	MUST(wire_had(&side->in, RECORD_HELLO));
	MUST(!memcmp(expected, side->hello + 56, sizeof(expected)));
	MUST(engine->peer_max_body >= RECORD_BODY_LEAST);
	MUST(!memcmp(engine->nonces[side->role->peer - 1], side->hello + 24,
		     SEVLM_NONCE_SIZE));
	MUST(is_proven(side));
}

static void check_end(const struct side *side)
{
	MUST(side->outcome == SEVLM_OUTCOME_ABORTED ||
	     side->outcome == SEVLM_OUTCOME_CANCELLED);
	MUST(!side->door.finished);
}

static const struct side_role roles[] = {
	{ROLE_TARGET, ROLE_SOURCE, may_want, answer, NULL, NULL, check,
	 check_end},
	{ROLE_SOURCE, ROLE_TARGET, may_want, answer, NULL, NULL, check,
	 check_end},
};

/* ---- both sides ---- */

static const struct kvm_cpuid2 *cpuid(const struct hello *hello)
{
	static const struct kvm_cpuid_entry2 entries[] = {
		{.function = 1, .eax = 2},
		{.function = 7, .index = 1, .ebx = 3},
	};
	static union {
		struct kvm_cpuid2 head;
		uint8_t room[sizeof(struct kvm_cpuid2) + sizeof(entries)];
	} its;

	its.head.nent = ARRAY_SIZE(entries);
	memcpy(its.head.entries, entries, sizeof(entries));
	return hello->mode & WITH_CPUID ? &its.head : NULL;
}

static void open_source(struct side *side, const struct hello *hello)
{
	struct sevlm_source_config config = {
		.size = sizeof(config),
		.channel = hello->mode & UNPROTECTED ? SEVLM_CHANNEL_INSECURE
						     : SEVLM_CHANNEL_DECLARED,
		.cpuid = cpuid(hello),
		.trust = door_trust(),
		.amd = door_certs(DOOR_OWN)->amd,
		.amd_bytes = door_certs(DOOR_OWN)->amd_bytes,
	};

	side_secrets(config.nonce, config.exporter, ROLE_SOURCE);
	MUST(!sevlm_vm_offer(side->vm, 0));
	MUST(!sevlm_vm_wrmsr(side->vm, SEVLM_MSR_MIGRATION_CONTROL,
			     SEVLM_MSR_READY));
	MUST(!sevlm_source_new(side->vm, &config, &side->source));
	side->engine = &side->source->engine;
}

static void open_target(struct side *side, const struct hello *hello)
{
	struct sevlm_target_config config = {
		.size = sizeof(config),
		.channel = hello->mode & UNPROTECTED ? SEVLM_CHANNEL_INSECURE
						     : SEVLM_CHANNEL_DECLARED,
		.trust = door_trust(),
		.amd = door_certs(DOOR_OWN)->amd,
		.amd_bytes = door_certs(DOOR_OWN)->amd_bytes,
		.cpuid = cpuid(hello),
	};

	side_secrets(config.nonce, config.exporter, ROLE_TARGET);
	MUST(!sevlm_target_new(side->vm, &config, &side->target));
	side->engine = &side->target->engine;
}

static void introduce(struct side *side, const uint8_t *data, size_t size)
{
	static struct hello hello;
	struct fuzz_op op = {OP_RECORD, RECORD_HELLO, hello.body, 0};
	bool source = data[0] & OF_SOURCE;

	hello.mode = data[0];
	if (source)
		open_source(side, &hello);
	else
		open_target(side, &hello);
	side_begin(side, &roles[source], MODE_EAGER);
	side_settle(side, false);
	build(&hello, side->engine, data + 1, size - 1);
	op.count = (size_t)(hello.w.at - hello.body);
	side->hello = hello.body;
	side->hello_bytes = op.count;
	peer_record(side, &op);
	side_settle(side, false);
	side_run(side, hello.rest.at, hello.rest.left);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct side *side;

	if (!size)
		return 0;
	side = side_new(data[0] & OF_SOURCE, data[0] & OF_SOURCE
						     ? SEVLM_GUEST_RUNNING
						     : SEVLM_GUEST_UNINIT);
	introduce(side, data, size);
	side_end(side);
	side_free(side);
	return 0;
}
