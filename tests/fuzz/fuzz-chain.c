/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The certificates of a platform, good ones that were changed. A byte says
 * whom to trust, then operations (ops.h, with kinds of their own) change what
 * one of two software hosts shows.
 */
#include <errno.h>

#include "cert.h"
#include "certs.h"
#include "chance.h"
#include "ops.h"

/* modes; without any of them nobody is trusted */
#define ROOT_ADDED 0x01u
#define ANY_CHIP 0x02u
#define CHIP_LISTED 0x04u /* of the first host */
#define OWNER_LISTED 0x08u /* of the second */
#define FLOOR 0x10u /* higher than any */
#define OF_SECOND 0x20u /* what is changed is the second host's */

enum chain_kind {
	CHAIN_ALTER, /* two bytes of place, then bytes that are xored */
	CHAIN_WRITE, /* ... that are written */
	CHAIN_OTHER, /* a certificate of the other host in its place */
	CHAIN_MOVE, /* a certificate, or half of one, to another's place */
	CHAIN_ORPHAN, /* a signature is taken away */
	CHAIN_SIZE, /* how long AMD's blob is said to be */
	CHAIN_KINDS
};

/* by enum sevlm__place */
static uint8_t *cert_at(struct certs *certs, uint32_t place)
{
	switch (place % SEVLM__PLACES) {
	case SEVLM__ARK:
		return certs->amd + 1600;
	case SEVLM__ASK:
		return certs->amd;
	case SEVLM__CEK:
		return certs->chain + AT_CEK;
	case SEVLM__OCA:
		return certs->chain + AT_OCA;
	case SEVLM__PEK:
		return certs->chain + AT_PEK;
	}
	return certs->pdh;
}

static size_t size_of(uint32_t place)
{
	place %= SEVLM__PLACES;
	return place == SEVLM__ARK || place == SEVLM__ASK ? 1600 : CERT;
}

static size_t signed_of(uint32_t place)
{
	return size_of(place) == CERT ? CERT_SEV_SIGNED
				      : CERT_AMD_HEAD + 2 * CERT_RSA_MAX;
}

/* ---- changes ---- */

struct platform {
	struct certs *hosts; /* both, as they are */
	struct certs certs;
	uint32_t which;
};

static void alter(struct platform *platform, const struct fuzz_op *op, bool add)
{
	uint8_t *cert = cert_at(&platform->certs, op->arg);
	size_t at = fuzz_byte(op, 0) | (size_t)fuzz_byte(op, 1) << 8;

	for (size_t i = 2; i < op->count; i++) {
		uint8_t *byte = &cert[(at + i - 2) % size_of(op->arg)];

		*byte = add ? *byte ^ op->bytes[i] : op->bytes[i];
	}
}

static void move(struct platform *platform, const struct fuzz_op *op)
{
	uint8_t *to = cert_at(&platform->certs, op->arg);
	uint32_t from = fuzz_byte(op, 0);
	size_t most = size_of(op->arg) < size_of(from) ? size_of(op->arg)
						       : size_of(from);

	if (fuzz_byte(op, 1) & 1)
		most = signed_of(from) < most ? signed_of(from) : most;
	memmove(to, cert_at(&platform->certs, from), most);
}

static void orphan(struct platform *platform, const struct fuzz_op *op)
{
	uint8_t *cert = cert_at(&platform->certs, op->arg);
	size_t at = signed_of(op->arg) + (fuzz_byte(op, 0) & 1 ? 520 : 0);

	if (size_of(op->arg) == CERT)
		memset(cert + at, 0, 520);
}

static void change(struct platform *platform, const struct fuzz_op *op)
{
	static const size_t sizes[] = {3200, 1664, 1408, 0, 1600, 3199, 16384};
	struct certs *certs = &platform->certs;

	switch (op->kind % CHAIN_KINDS) {
	case CHAIN_ALTER:
	case CHAIN_WRITE:
		alter(platform, op, op->kind % CHAIN_KINDS == CHAIN_ALTER);
		break;
	case CHAIN_OTHER:
		memcpy(cert_at(certs, op->arg),
		       cert_at(&platform->hosts[!platform->which], op->arg),
		       size_of(op->arg));
		break;
	case CHAIN_MOVE:
		move(platform, op);
		break;
	case CHAIN_ORPHAN:
		orphan(platform, op);
		break;
	case CHAIN_SIZE:
		certs->amd_bytes =
			sizes[op->arg % (sizeof(sizes) / sizeof(*sizes))];
		break;
	}
}

/* ---- what must hold ---- */

static struct sevlm_trust *trust_of(struct certs *hosts, uint8_t mode)
{
	uint8_t digest[SEVLM_KEY_DIGEST_SIZE];
	struct sevlm_trust *trust;

	MUST(!sevlm_trust_new(&trust));
	if (mode & ROOT_ADDED)
		MUST(!sevlm_trust_add_root(trust, hosts[0].amd + 1600, 1600));
	if (mode & ANY_CHIP)
		MUST(!sevlm_trust_allow_any_chip(trust));
	certs_key_digest(hosts[0].chain + AT_CEK, digest);
	if (mode & CHIP_LISTED)
		MUST(!sevlm_trust_add_chip(trust, digest));
	certs_key_digest(hosts[1].chain + AT_OCA, digest);
	if (mode & OWNER_LISTED)
		MUST(!sevlm_trust_add_owner(trust, digest));
	if (mode & FLOOR)
		MUST(!sevlm_trust_set_floor(trust, 255, 255));
	return trust;
}

/* is everything that is signed as this host has it? */
static bool is_of(struct certs *certs, struct certs *host)
{
	for (uint32_t i = 0; i < SEVLM__PLACES; i++)
		if (memcmp(cert_at(certs, i), cert_at(host, i), signed_of(i)))
			return false;
	return certs->amd_bytes == host->amd_bytes;
}

/* Nobody has the keys: what is trusted is one of the two, as it was. */
static void check_trusted(struct platform *platform, uint8_t mode,
			  const struct sevlm_chain_result *result)
{
	bool first = is_of(&platform->certs, &platform->hosts[0]);
	bool second = is_of(&platform->certs, &platform->hosts[1]);

	MUST(first || second);
	MUST(mode & ROOT_ADDED && !(mode & FLOOR));
	MUST(mode & ANY_CHIP || (first && mode & CHIP_LISTED) ||
	     (second && mode & OWNER_LISTED));
	MUST(result->link == SEVLM_LINK_NONE && !*result->sentence);
	MUST(!strcmp(result->root, "added"));
}

static void check_refused(const struct sevlm_chain_result *result)
{
	MUST(result->link && result->link <= SEVLM_LINK_FLOOR);
	MUST(result->reason && result->reason <= SEVLM_REASON_BELOW_FLOOR);
	MUST(*result->sentence);
	MUST(strlen(result->sentence) < sizeof(result->sentence));
	MUST(strcmp(sevlm_chain_link_name(result->link), "unknown"));
	MUST(strcmp(sevlm_chain_reason_name(result->reason), "unknown"));
}

/* memory that ends where AMD's blob ends, so that tools see an overrun */
static void judge(struct platform *platform, uint8_t mode)
{
	struct sevlm_chain_result result = {.size = sizeof(result)};
	struct certs *certs = &platform->certs;
	struct sevlm_trust *trust = trust_of(platform->hosts, mode);
	struct sevlm_peer peer = certs_peer(certs);
	uint8_t *amd = malloc(certs->amd_bytes ? certs->amd_bytes : 1);
	int ret;

	MUST(amd);
	memset(amd, 0, certs->amd_bytes);
	memcpy(amd, certs->amd,
	       certs->amd_bytes < sizeof(certs->amd) ? certs->amd_bytes
						     : sizeof(certs->amd));
	peer.amd = amd;
	ret = sevlm_chain_verify(&peer, trust, &result);
	if (!ret)
		check_trusted(platform, mode, &result);
	else if (ret == -EINVAL)
		MUST(!certs->amd_bytes);
	else
		check_refused(&result);
	MUST(!ret || ret == -EINVAL || ret == -EBADMSG || ret == -EKEYREJECTED);
	free(amd);
	sevlm_trust_free(trust);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = {data + 1, size ? size - 1 : 0};
	static struct certs hosts[2];
	struct platform platform;
	struct fuzz_op op;

	if (!size)
		return 0;
	chance_reset();
	for (uint64_t i = 0; i < 2 && !hosts[1].amd_bytes; i++)
		certs_of_seed(&hosts[i], i + 1);
	platform.hosts = hosts;
	platform.which = !!(data[0] & OF_SECOND);
	platform.certs = hosts[platform.which];
	while (fuzz_next(&input, &op))
		change(&platform, &op);
	judge(&platform, data[0]);
	return 0;
}
