/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Who a platform is: certificates as callers see them. */
#include <errno.h>
#include <string.h>

#include <linux/psp-sev.h>

#include "certs.h"
#include "check-main.h"
#include "internal.h"

static struct certs host, other;
static struct sevlm_cert cert;

static void set_up(void)
{
	certs_of_seed(&host, 4);
	certs_of_seed(&other, 5);
	memset(&cert, 0xa5, sizeof(cert));
	cert.size = sizeof(cert);
}

START_TEST(certificate_of_a_platform)
{
	uint8_t digest[32];

	ck_assert_int_eq(
		sevlm_cert_decode(host.chain, sizeof(host.chain), &cert), 0);
	ck_assert_uint_eq(cert.form, SEVLM_CERT_SEV);
	ck_assert_uint_eq(cert.usage, SEVLM_USAGE_PEK);
	ck_assert_uint_eq(cert.bytes, CERT);
	ck_assert_uint_eq(cert.signed_bytes, 1044);
	ck_assert_uint_eq(cert.api_major, 0);
	ck_assert_uint_eq(cert.api_minor, 24);
	ck_assert_uint_eq(cert.algorithm, 2);
	ck_assert_uint_eq(cert.key_bits, 384);
	ck_assert_uint_eq(cert.signer[0], SEVLM_USAGE_OCA);
	ck_assert_uint_eq(cert.signer[1], SEVLM_USAGE_CEK);
	ck_assert_uint_eq(cert.signer_algorithm[0], 2);
	ck_assert_uint_eq(cert.signer_algorithm[1], 2);
	certs_key_digest(host.chain, digest);
	ck_assert_mem_eq(cert.key_digest, digest, 32);
}
END_TEST

START_TEST(certificate_of_amd)
{
	uint8_t digest[32];

	ck_assert_int_eq(sevlm_cert_decode(host.amd, 3200, &cert), 0);
	ck_assert_uint_eq(cert.form, SEVLM_CERT_AMD);
	ck_assert_uint_eq(cert.usage, SEVLM_USAGE_ASK);
	ck_assert_uint_eq(cert.bytes, 1600);
	ck_assert_uint_eq(cert.signed_bytes, 1088);
	ck_assert_uint_eq(cert.key_bits, 4096);
	ck_assert_mem_eq(cert.key_id, "sevlm TEST ASK 1", 16);
	ck_assert_mem_eq(cert.certifying_id, "sevlm TEST ARK 1", 16);
	ck_assert_uint_eq(cert.signer[0], SEVLM_USAGE_ARK);
	ck_assert_uint_eq(cert.signer[1], SEVLM_USAGE_NONE);
	ck_assert(EVP_Digest(host.amd + 64, 1024, digest, NULL, EVP_sha256(),
			     NULL));
	ck_assert_mem_eq(cert.key_digest, digest, 32);
}
END_TEST

START_TEST(unused_slot_names_nobody)
{
	put_le32(host.pdh + 1564, 0x10);
	ck_assert_int_eq(sevlm_cert_decode(host.pdh, CERT, &cert), 0);
	ck_assert_uint_eq(cert.signer[0], SEVLM_USAGE_PEK);
	ck_assert_uint_eq(cert.signer[1], SEVLM_USAGE_NONE);
	ck_assert_uint_eq(cert.signer_algorithm[1], 0);
}
END_TEST

START_TEST(what_is_no_certificate)
{
	uint8_t zeroes[CERT] = {0};

	ck_assert_int_eq(sevlm_cert_decode(NULL, CERT, &cert), -EINVAL);
	ck_assert_int_eq(sevlm_cert_decode(host.pdh, CERT, NULL), -EINVAL);
	ck_assert_int_eq(sevlm_cert_decode(host.pdh, 0, &cert), -EBADMSG);
	ck_assert_int_eq(sevlm_cert_decode(host.pdh, CERT - 1, &cert),
			 -EBADMSG);
	ck_assert_int_eq(sevlm_cert_decode(zeroes, CERT, &cert), -EBADMSG);
	host.pdh[20] ^= 1; /* no point any more */
	ck_assert_int_eq(sevlm_cert_decode(host.pdh, CERT, &cert), -EBADMSG);
	cert.size = 0;
	ck_assert_int_eq(sevlm_cert_decode(other.pdh, CERT, &cert), -EINVAL);
}
END_TEST

/* the chain as firmware exports it, without AMD's signature */
static void exported(const struct certs *certs, uint8_t *chain)
{
	memcpy(chain, certs->chain, sizeof(certs->chain));
	memset(chain + AT_CEK + 1044, 0, 1040);
	put_le32(chain + AT_CEK + 1044, SEVLM_USAGE_NONE);
	put_le32(chain + AT_CEK + 1564, SEVLM_USAGE_NONE);
}

START_TEST(downloaded_cek_goes_into_the_chain)
{
	uint8_t chain[SEVLM_CHAIN_SIZE];

	exported(&host, chain);
	ck_assert_int_eq(sevlm_chain_set_cek(chain, host.chain + AT_CEK, CERT),
			 0);
	ck_assert_mem_eq(chain, host.chain, sizeof(chain));
}
END_TEST

START_TEST(downloaded_cek_of_another_chip_does_not)
{
	uint8_t chain[SEVLM_CHAIN_SIZE], before[SEVLM_CHAIN_SIZE];

	exported(&host, chain);
	memcpy(before, chain, sizeof(chain));
	ck_assert_int_eq(sevlm_chain_set_cek(chain, other.chain + AT_CEK, CERT),
			 -EKEYREJECTED);
	ck_assert_int_eq(sevlm_chain_set_cek(chain, host.chain + AT_OCA, CERT),
			 -EKEYREJECTED);
	ck_assert_int_eq(
		sevlm_chain_set_cek(chain, host.chain + AT_CEK, CERT - 1),
		-EBADMSG);
	ck_assert_int_eq(sevlm_chain_set_cek(chain, host.chain, 2 * CERT),
			 -EBADMSG);
	ck_assert_int_eq(sevlm_chain_set_cek(NULL, host.chain, CERT), -EINVAL);
	ck_assert_int_eq(sevlm_chain_set_cek(chain, NULL, CERT), -EINVAL);
	ck_assert_mem_eq(chain, before, sizeof(chain));
}
END_TEST

START_TEST(owner_is_told_by_its_key)
{
	uint8_t chain[SEVLM_CHAIN_SIZE];

	ck_assert_int_eq(sevlm_chain_same_owner(host.chain, host.chain), 1);
	ck_assert_int_eq(sevlm_chain_same_owner(host.chain, other.chain), 0);
	memcpy(chain, other.chain, sizeof(chain));
	memcpy(chain + AT_OCA, host.chain + AT_OCA, 1044);
	ck_assert_int_eq(sevlm_chain_same_owner(host.chain, chain), 1);
	chain[AT_OCA + 20] ^= 1;
	ck_assert_int_eq(sevlm_chain_same_owner(host.chain, chain), 0);
	ck_assert_int_eq(sevlm_chain_same_owner(NULL, chain), -EINVAL);
	ck_assert_int_eq(sevlm_chain_same_owner(chain, NULL), -EINVAL);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("identity");
	Suite *suite = suite_create("identity");

	tcase_add_checked_fixture(tcase, set_up, NULL);
	tcase_add_test(tcase, certificate_of_a_platform);
	tcase_add_test(tcase, certificate_of_amd);
	tcase_add_test(tcase, unused_slot_names_nobody);
	tcase_add_test(tcase, what_is_no_certificate);
	tcase_add_test(tcase, downloaded_cek_goes_into_the_chain);
	tcase_add_test(tcase, downloaded_cek_of_another_chip_does_not);
	tcase_add_test(tcase, owner_is_told_by_its_key);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
