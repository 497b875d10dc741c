/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Chains of two software hosts and forged ones, the trust they are held
 * against, and what became of the last. Failures fail the test.
 */
#ifndef SEVLM_CHAIN_FIXTURE_H
#define SEVLM_CHAIN_FIXTURE_H

#include <errno.h>
#include <string.h>

#include "certs.h"
#include "check-main.h"
#include "internal.h"

static struct certs host, other, work;
static struct forge forge2048, attacker;
static struct sevlm_trust *trust;
static struct sevlm_chain_result result;

/* once for all tests: keys of 4096 bits take their time */
static inline void make_all(void)
{
	certs_of_seed(&host, 1);
	certs_of_seed(&other, 2);
	forge_new(&forge2048, 2048);
	forge_new(&attacker, 4096);
}

static inline void free_all(void)
{
	forge_free(&forge2048);
	forge_free(&attacker);
}

static inline void set_up(void)
{
	trust = certs_trust(&host);
	work = host;
}

static inline void tear_down(void)
{
	sevlm_trust_free(trust);
}

static inline int verify(const struct certs *certs)
{
	struct sevlm_peer peer = certs_peer(certs);

	memset(&result, 0xa5, sizeof(result));
	result.size = sizeof(result);
	return sevlm_chain_verify(&peer, trust, &result);
}

static inline void refused(const struct certs *certs, uint32_t link,
			   uint32_t reason)
{
	static const uint8_t nothing[32];
	int ret = verify(certs);

	ck_assert_int_eq(ret, reason == SEVLM_REASON_MALFORMED ? -EBADMSG
							       : -EKEYREJECTED);
	ck_assert_str_eq(sevlm_chain_link_name(result.link),
			 sevlm_chain_link_name(link));
	ck_assert_str_eq(sevlm_chain_reason_name(result.reason),
			 sevlm_chain_reason_name(reason));
	ck_assert_uint_gt(strlen(result.sentence), 10);
	/* the sentence has to fit into an ABORT record behind other words */
	ck_assert_uint_lt(strlen(result.sentence), 120);
	ck_assert(memcmp(result.key_digest, nothing, 32));
	if (link != SEVLM_LINK_ALLOWED && link != SEVLM_LINK_FLOOR)
		ck_assert(!memcmp(result.cek_digest, nothing, 32));
}

static inline void good(const struct certs *certs, const char *root)
{
	static const uint8_t nothing[32];
	uint8_t digest[32];

	ck_assert_int_eq(verify(certs), 0);
	ck_assert_uint_eq(result.link, SEVLM_LINK_NONE);
	ck_assert_uint_eq(result.reason, SEVLM_REASON_NONE);
	ck_assert_str_eq(result.sentence, "");
	ck_assert_str_eq(result.root, root);
	ck_assert_mem_eq(result.key_digest, nothing, 32);
	certs_key_digest(certs->chain + AT_CEK, digest);
	ck_assert_mem_eq(result.cek_digest, digest, 32);
	certs_key_digest(certs->chain + AT_OCA, digest);
	ck_assert_mem_eq(result.oca_digest, digest, 32);
}

static inline void trust_instead(const struct forge *forge)
{
	sevlm_trust_free(trust);
	trust = certs_trust(&forge->certs);
	work = forge->certs;
}

static inline int run_chains(Suite *suite, TCase **tcases, size_t count)
{
	int failed;

	make_all();
	for (size_t i = 0; i < count; i++) {
		tcase_add_checked_fixture(tcases[i], set_up, tear_down);
		suite_add_tcase(suite, tcases[i]);
	}
	failed = run_suite(suite);
	free_all();
	return failed;
}

#endif /* SEVLM_CHAIN_FIXTURE_H */
