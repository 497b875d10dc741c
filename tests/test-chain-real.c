/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Certificates of real platforms and the roots that AMD published, from files
 * that are not part of the project ($SEVLM_SHARED_DATA, or beside its tree).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cert.h"
#include "certs.h"
#include "check-main.h"

static const char *const platforms[] = {"naples", "rome", "milan", "genoa"};
static const char *const names[] = {"Naples", "Rome", "Milan", "Genoa"};

static struct sevlm_trust *trust;
static struct sevlm_chain_result result;

static void set_up(void)
{
	ck_assert_int_eq(sevlm_trust_new(&trust), 0);
	ck_assert_int_eq(sevlm_trust_allow_any_chip(trust), 0);
}

static void tear_down(void)
{
	sevlm_trust_free(trust);
}

static size_t read_part(const char *platform, const char *part, uint8_t *out,
			size_t room)
{
	char name[64];
	size_t bytes;

	snprintf(name, sizeof(name), "%s/%s", platform, part);
	ck_assert_msg(certs_file(name, out, room, &bytes), "no %s", name);
	return bytes;
}

static void read_amd(const char *platform, const char *ark, struct certs *certs)
{
	size_t ask = read_part(platform, "ask.cert", certs->amd, 1600);

	certs->amd_bytes = ask + read_part(platform, ark, certs->amd + ask,
					   sizeof(certs->amd) - ask);
}

static void read_naples(const char *ark, struct certs *certs)
{
	read_amd("naples", ark, certs);
	ck_assert_uint_eq(read_part("naples", "pek.cert", certs->chain, CERT),
			  CERT);
	read_part("naples", "oca.cert", certs->chain + AT_OCA, CERT);
	read_part("naples", "cek.cert", certs->chain + AT_CEK, CERT);
	read_part("naples", "pdh.cert", certs->pdh, CERT);
}

static int verify(const struct certs *certs)
{
	struct sevlm_peer peer = certs_peer(certs);

	result.size = sizeof(result);
	return sevlm_chain_verify(&peer, trust, &result);
}

/* with the ARK's signature, and as AMD publishes it */
START_TEST(naples_chain_verifies_from_end_to_end)
{
	struct certs certs;

	read_naples(_i ? "ark.cert.bad" : "ark.cert", &certs);
	ck_assert_uint_eq(certs.amd_bytes, _i ? 1408 : 1664);
	ck_assert_msg(!verify(&certs), "%s", result.sentence);
	ck_assert_str_eq(result.root, "Naples");
	ck_assert_uint_eq(result.api_major, 0);
	ck_assert_uint_eq(result.api_minor, 16);
}
END_TEST

START_TEST(every_link_of_naples_counts)
{
	struct certs certs, good;

	read_naples("ark.cert", &good);
	for (size_t at = 5; at < sizeof(good.chain); at += 1041) {
		certs = good;
		certs.chain[at / CERT * CERT + at % 1044] ^= 4;
		ck_assert_int_ne(verify(&certs), 0);
	}
	certs = good;
	certs.pdh[1060] ^= 1;
	ck_assert_int_eq(verify(&certs), -EKEYREJECTED);
	ck_assert_uint_eq(result.link, SEVLM_LINK_PDH);
}
END_TEST

/* no platform of these is at hand: the upper two links, on their own */
START_TEST(ask_of_each_generation_verifies_below_its_published_root)
{
	struct sevlm__cert decoded[SEVLM__PLACES];
	struct sevlm__chain chain = {
		.trust = trust,
		.certs = decoded,
		.result = &result,
	};
	struct certs certs;
	const uint8_t *ark;

	read_amd(platforms[_i], "ark.cert", &certs);
	ark = certs_ark(&certs, &chain.room[SEVLM__ARK]);
	chain.bytes[SEVLM__ARK] = ark;
	chain.bytes[SEVLM__ASK] = certs.amd;
	chain.room[SEVLM__ASK] = certs.amd_bytes - chain.room[SEVLM__ARK];
	ck_assert_int_eq(sevlm__chain_verify_one(&chain, SEVLM__ARK), 0);
	ck_assert_str_eq(result.root, names[_i]);
	ck_assert_int_eq(sevlm__chain_verify_one(&chain, SEVLM__ASK), 0);
	certs.amd[100] ^= 1;
	ck_assert_int_ne(sevlm__chain_verify_one(&chain, SEVLM__ASK), 0);
}
END_TEST

START_TEST(ask_of_another_generation_does_not)
{
	struct certs rome, milan;
	struct sevlm_peer peer;

	read_amd("rome", "ark.cert", &rome);
	read_amd("milan", "ark.cert", &milan);
	memcpy(milan.amd, rome.amd, 1600);
	memset(milan.chain, 0, sizeof(milan.chain));
	memset(milan.pdh, 0, sizeof(milan.pdh));
	peer = certs_peer(&milan);
	result.size = sizeof(result);
	ck_assert_int_eq(sevlm_chain_verify(&peer, trust, &result),
			 -EKEYREJECTED);
	ck_assert_uint_eq(result.link, SEVLM_LINK_ASK);
	ck_assert_uint_eq(result.reason, SEVLM_REASON_KEY_ID);
}
END_TEST

/* the digest of a file is the one that is pinned only whole */
START_TEST(naples_chain_is_refused_where_its_chip_is_not_listed)
{
	struct certs certs;
	uint8_t digest[32];

	read_naples("ark.cert", &certs);
	sevlm_trust_free(trust);
	ck_assert_int_eq(sevlm_trust_new(&trust), 0);
	certs_key_digest(certs.chain + AT_OCA, digest);
	ck_assert_int_eq(sevlm_trust_add_chip(trust, digest), 0);
	ck_assert_int_eq(verify(&certs), -EKEYREJECTED);
	ck_assert_uint_eq(result.link, SEVLM_LINK_ALLOWED);
	ck_assert_int_eq(sevlm_trust_add_owner(trust, digest), 0);
	ck_assert_int_eq(verify(&certs), 0);
}
END_TEST

START_TEST(real_certificates_are_written_as_they_were_read)
{
	static const char *const parts[] = {
		"naples/ark.cert", "naples/ark.cert.bad", "naples/ask.cert",
		"naples/cek.cert", "naples/oca.cert",	  "naples/pek.cert",
		"naples/pdh.cert", "rome/ark.cert",	  "rome/ask.cert",
		"milan/ark.cert",  "milan/ask.cert",	  "genoa/ark.cert",
		"genoa/ask.cert",
	};
	uint8_t in[CERT], out[CERT];
	struct sevlm__cert cert;
	size_t bytes;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		ck_assert(certs_file(parts[i], in, sizeof(in), &bytes));
		ck_assert_msg(!sevlm__cert_decode(in, bytes, &cert), "%s",
			      parts[i]);
		ck_assert_uint_eq(cert.bytes, bytes);
		ck_assert_uint_eq(sevlm__cert_encode(&cert, out, sizeof(out)),
				  bytes);
		ck_assert_mem_eq(in, out, bytes);
	}
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("real");
	Suite *suite = suite_create("chain-real");
	uint8_t probe[CERT];
	size_t bytes;

	if (!certs_file("naples/pdh.cert", probe, sizeof(probe), &bytes)) {
		puts("1..0 # SKIP no real certificates: set SEVLM_SHARED_DATA");
		return 0;
	}
	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_loop_test(tcase, naples_chain_verifies_from_end_to_end, 0, 2);
	tcase_add_test(tcase, every_link_of_naples_counts);
	tcase_add_loop_test(
		tcase, ask_of_each_generation_verifies_below_its_published_root,
		0, (int)ARRAY_SIZE(platforms));
	tcase_add_test(tcase, ask_of_another_generation_does_not);
	tcase_add_test(tcase,
		       naples_chain_is_refused_where_its_chip_is_not_listed);
	tcase_add_test(tcase, real_certificates_are_written_as_they_were_read);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
