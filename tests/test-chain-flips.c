/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Every single bit of every certificate that is signed, or part of a
 * signature: with any of them turned over the certificate is refused. A flip
 * can only affect the links of its own certificate, so those are verified,
 * below signers that were verified before; a sample goes through the public
 * call.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cert.h"
#include "certs.h"
#include "check-main.h"

enum kind { HOST_4096, FORGED_2048, FORGED_UNSIGNED, KINDS };

/* each kind of certificate; signatures by the ASK and of it in both sizes */
static const struct {
	enum kind kind;
	enum sevlm__place place;
} whole[] = {
	{HOST_4096, SEVLM__ARK},   {HOST_4096, SEVLM__ASK},
	{HOST_4096, SEVLM__CEK},   {HOST_4096, SEVLM__OCA},
	{HOST_4096, SEVLM__PEK},   {HOST_4096, SEVLM__PDH},
	{FORGED_2048, SEVLM__ARK}, {FORGED_2048, SEVLM__ASK},
	{FORGED_2048, SEVLM__CEK}, {FORGED_UNSIGNED, SEVLM__ARK},
};

static struct certs sets[KINDS], work;
static struct sevlm_trust *trust;
static struct sevlm__cert decoded[SEVLM__PLACES];
static struct sevlm_chain_result result;
static struct sevlm__chain chain;

static void make_all(void)
{
	struct forge forge;

	certs_of_seed(&sets[HOST_4096], 1);
	forge_new(&forge, 2048);
	sets[FORGED_2048] = forge.certs;
	sets[FORGED_UNSIGNED] = forge.certs;
	sets[FORGED_UNSIGNED].amd_bytes -= 256;
	forge_free(&forge);
}

/* the bytes of one certificate in the copy that is worked on */
static uint8_t *place_of(enum sevlm__place place, size_t *ret_bytes)
{
	size_t ark;
	const uint8_t *root = certs_ark(&work, &ark);

	*ret_bytes = CERT;
	switch (place) {
	case SEVLM__ARK:
		*ret_bytes = ark;
		return (uint8_t *)root;
	case SEVLM__ASK:
		*ret_bytes = work.amd_bytes - ark;
		return work.amd;
	case SEVLM__CEK:
		return work.chain + AT_CEK;
	case SEVLM__OCA:
		return work.chain + AT_OCA;
	case SEVLM__PEK:
		return work.chain + AT_PEK;
	default:
		return work.pdh;
	}
}

/* everything is good, and its signers are known */
static void begin(enum kind kind)
{
	work = sets[kind];
	trust = certs_trust(&work);
	chain = (struct sevlm__chain){
		.trust = trust,
		.certs = decoded,
		.result = &result,
	};
	for (int i = 0; i < SEVLM__PLACES; i++)
		chain.bytes[i] = place_of(i, &chain.room[i]);
	for (int i = 0; i < SEVLM__PLACES; i++)
		ck_assert_int_eq(sevlm__chain_verify_one(&chain, i), 0);
}

/* bytes that count: what is signed, the labels of both slots, and the values
 * of those in use */
static bool counts(enum sevlm__place place, const struct sevlm__cert *cert,
		   size_t at)
{
	size_t slot, within, used;

	if (at < cert->signed_bytes || cert->rsa_bytes)
		return true;
	slot = (at - CERT_SEV_SIGNED) / 520;
	within = (at - CERT_SEV_SIGNED) % 520;
	if (!cert->slots[slot].algorithm)
		return within >= 4 && within < 8;
	used = place == SEVLM__CEK ? decoded[SEVLM__ASK].rsa_bytes : 144;
	return within < 8 + used;
}

START_TEST(every_bit_that_counts)
{
	enum sevlm__place place = whole[_i].place;
	struct sevlm__cert good;
	uint64_t flips = 0;
	uint8_t *cert;
	size_t bytes;

	begin(whole[_i].kind);
	good = decoded[place];
	cert = place_of(place, &bytes);
	for (size_t bit = 0; bit < 8 * bytes; bit++) {
		if (!counts(place, &good, bit / 8))
			continue;
		cert[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (!sevlm__chain_verify_one(&chain, place))
			ck_abort_msg("place %d: bit %zu may be anything", place,
				     bit);
		ck_assert_uint_ne(result.reason, SEVLM_REASON_NONE);
		cert[bit / 8] ^= (uint8_t)(1u << bit % 8);
		flips++;
	}
	ck_assert_uint_ge(flips, 8 * good.signed_bytes);
	ck_assert_int_eq(sevlm__chain_verify_one(&chain, place), 0);
	sevlm_trust_free(trust);
}
END_TEST

static int verify(void)
{
	struct sevlm_peer peer = certs_peer(&work);

	result.size = sizeof(result);
	return sevlm_chain_verify(&peer, trust, &result);
}

/* the same through the front door, for bits far apart; what does not count is
 * let be */
START_TEST(sample_through_the_public_call)
{
	enum sevlm__place place = _i % SEVLM__PLACES;
	struct sevlm__cert good;
	uint8_t *cert;
	size_t bytes;

	begin(_i / SEVLM__PLACES);
	good = decoded[place];
	cert = place_of(place, &bytes);
	for (size_t bit = (size_t)_i; bit < 8 * bytes; bit += 211) {
		bool must = counts(place, &good, bit / 8);

		cert[bit / 8] ^= (uint8_t)(1u << bit % 8);
		ck_assert_msg(!verify() == !must, "place %d, bit %zu: %s",
			      place, bit, result.sentence);
		cert[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	ck_assert_int_eq(verify(), 0);
	sevlm_trust_free(trust);
}
END_TEST

/* bytes that are anything: never more than a refusal */
START_TEST(random_bytes_are_refused)
{
	uint8_t *const parts[] = {work.pdh, work.chain, work.amd};
	const size_t sizes[] = {sizeof(work.pdh), sizeof(work.chain),
				sizeof(work.amd)};

	srandom(7);
	begin(HOST_4096);
	for (int round = 0; round < 300; round++) {
		int part = round % 3;
		size_t at = (size_t)random() % sizes[part];
		size_t count = 1 + (size_t)random() % 64;

		work = sets[HOST_4096];
		for (size_t i = at; i < at + count && i < sizes[part]; i++)
			parts[part][i] = (uint8_t)random();
		if (!verify())
			ck_assert_uint_eq(result.link, SEVLM_LINK_NONE);
	}
	for (int round = 0; round < 300; round++) {
		for (int part = 0; part < 3; part++)
			for (size_t i = 0; i < sizes[part]; i++)
				parts[part][i] = (uint8_t)random();
		ck_assert_int_ne(verify(), 0);
	}
	sevlm_trust_free(trust);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("flips");
	Suite *suite = suite_create("chain-flips");

	make_all();
	tcase_add_loop_test(tcase, every_bit_that_counts, 0,
			    (int)ARRAY_SIZE(whole));
	tcase_add_loop_test(tcase, sample_through_the_public_call, 0,
			    KINDS * SEVLM__PLACES);
	tcase_add_test(tcase, random_bytes_are_refused);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
