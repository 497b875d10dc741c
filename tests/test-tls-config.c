/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a channel is made of: the right things, and wrong ones. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>

#include "check-main.h"
#include "tls-fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static struct pki_trio trio;
static struct sevlm_tls *tls;
static struct tls_link link_;

static void make_trio(void)
{
	pki_trio_open(&trio);
}

static void free_trio(void)
{
	pki_trio_close(&trio);
}

static void setup(void)
{
	tls = NULL;
	memset(&link_, 0, sizeof(link_));
}

static void teardown(void)
{
	sevlm_tls_free(tls);
	tls_close(&link_);
}

static void expect_told(const char *why)
{
	ck_assert_uint_eq(sevlm_tls_state(tls), SEVLM_TLS_FAILED);
	ck_assert_msg(strstr(sevlm_tls_error(tls), why), "%s, not: %s", why,
		      sevlm_tls_error(tls));
	ck_assert_int_eq(sevlm_tls_cause(tls), -EINVAL);
}

/* ---- the right things --------------------------------------------------- */

/* the kinds of keys, and the forms that their PEM takes */
static const struct {
	const char *group;
	bool traditional;
} keys[] = {
	{ "P-256", false },   { "P-256", true },    { "P-384", false },
	{ "P-521", true },    { "RSA:2048", false }, { "RSA:3072", true },
	{ "ED25519", false }, { "ED448", false },
};

/* a text that begins with what is not the key, as openssl(1) writes it */
static char *key_text(const struct pki *pki, bool traditional)
{
	char *data, *ret;
	long bytes;
	BIO *bio;

	if (!traditional)
		return pki_join("", pki->key_pem);
	bio = BIO_new(BIO_s_mem());
	BIO_puts(bio, "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n"
		      "-----END EC PARAMETERS-----\n");
	ck_assert_int_eq(PEM_write_bio_PrivateKey_traditional(
				 bio, pki->key, NULL, NULL, 0, NULL, NULL), 1);
	bytes = BIO_get_mem_data(bio, &data);
	ret = strndup(data, (size_t)bytes);
	BIO_free(bio);
	return ret;
}

START_TEST(every_kind_of_key_is_read)
{
	struct sevlm_tls_config config[] = { tls_config(&trio, SOURCE),
					     tls_config(&trio, TARGET) };
	struct pki_shape shape = pki_target_shape;
	struct pki pki;
	char *text;

	shape.group = keys[_i].group;
	pki_issue(&pki, &shape, &trio.ca);
	text = key_text(&pki, keys[_i].traditional);
	config[TARGET].cert = pki.cert_pem;
	config[TARGET].cert_bytes = strlen(pki.cert_pem);
	config[TARGET].key = text;
	config[TARGET].key_bytes = strlen(text);
	tls_open_with(&link_, &config[SOURCE], &config[TARGET]);
	tls_shake(&link_);
	free(text);
	pki_free(&pki);
}
END_TEST

/* CA, one between, and the end's; the one between comes with the end's */
START_TEST(a_chain_is_followed)
{
	struct sevlm_tls_config config[] = { tls_config(&trio, SOURCE),
					     tls_config(&trio, TARGET) };
	struct pki between, leaf;
	char *chain;

	pki_issue(&between, &pki_ca_shape, &trio.ca);
	pki_issue(&leaf, &pki_target_shape, &between);
	chain = pki_join(leaf.cert_pem, between.cert_pem);
	config[TARGET].cert = chain;
	config[TARGET].cert_bytes = strlen(chain);
	config[TARGET].key = leaf.key_pem;
	config[TARGET].key_bytes = strlen(leaf.key_pem);
	tls_open_with(&link_, &config[SOURCE], &config[TARGET]);
	tls_shake(&link_);
	free(chain);
	pki_free(&between);
	pki_free(&leaf);
}
END_TEST

/* ---- wrong ones --------------------------------------------------------- */

static void is_refused(const struct sevlm_tls_config *config)
{
	struct sevlm_tls *none = (void *)1;

	ck_assert_int_eq(sevlm_tls_new(config, &none), -EINVAL);
	ck_assert_ptr_null(none);
}

#define REFUSED(by, change)                                                   \
	do {                                                                  \
		struct sevlm_tls_config c = tls_config(by, SOURCE);           \
		c.change;                                                     \
		is_refused(&c);                                               \
	} while (0)

START_TEST(half_a_configuration_is_refused)
{
	static const uint8_t zero[SEVLM_TLS_PSK_SIZE];
	struct sevlm_tls_config config = tls_config(NULL, SOURCE);

	REFUSED(NULL, psk = zero);
	REFUSED(NULL, psk = NULL);
	REFUSED(NULL, size = sizeof(config) - 1);
	REFUSED(NULL, size = 0);
	REFUSED(NULL, role = 0);
	REFUSED(NULL, role = 3);
	REFUSED(NULL, reserved = 1);
	REFUSED(NULL, cert = "x");
	REFUSED(NULL, key = "x");
	REFUSED(NULL, ca = "x");
	REFUSED(NULL, crl = "x");
	REFUSED(NULL, ca_bytes = 1);
	REFUSED(NULL, peer_name = "x");
	REFUSED(&trio, psk = tls_psk);
	REFUSED(&trio, cert = NULL);
	REFUSED(&trio, cert_bytes = 0);
	REFUSED(&trio, key = NULL);
	REFUSED(&trio, key_bytes = 0);
	REFUSED(&trio, ca = NULL);
	REFUSED(&trio, ca_bytes = SEVLM_TLS_PEM_MAX + 1);
	REFUSED(&trio, crl_bytes = 1);
	REFUSED(&trio, crl = "x");
	REFUSED(&trio, peer_name = NULL);
	REFUSED(&trio, time_s = 0);
	REFUSED(&trio, time_s = -1);
	is_refused(NULL);
	ck_assert_int_eq(sevlm_tls_new(&config, NULL), -EINVAL);
}
END_TEST

static const char *const bad_names[] = {
	"", "*", "*.example", ".example", "example.", "a b", "a/b", "a\nb",
	"t\303\244rget", "target.example\t",
	"1234567890123456789012345678901234567890123456789012345678901234"
	"1234567890123456789012345678901234567890123456789012345678901234"
	"1234567890123456789012345678901234567890123456789012345678901234"
	"1234567890123456789012345678901234567890123456789012345678901234",
};

START_TEST(a_name_that_is_none_is_refused)
{
	struct sevlm_tls_config config = tls_config(&trio, SOURCE);

	config.peer_name = bad_names[_i];
	ck_assert_int_eq(sevlm_tls_new(&config, &tls), -EINVAL);
	expect_told("peer_name: neither");
}
END_TEST

/* an encrypted key, as it should be otherwise */
static char *locked_key(void)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *ret;
	long bytes;

	ck_assert_int_eq(PEM_write_bio_PKCS8PrivateKey(
				 bio, trio.source.key, EVP_aes_128_cbc(),
				 "word", 4, NULL, NULL), 1);
	bytes = BIO_get_mem_data(bio, &data);
	ret = strndup(data, (size_t)bytes);
	BIO_free(bio);
	return ret;
}

/* place: 0 cert, 1 key, 2 ca, 3 crl; text NULL: made by the test */
static const struct {
	int place;
	const char *text, *why;
} bad_texts[] = {
	{ 0, "no certificate", "cert: " },
	{ 0, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	  "cert: " },
	{ 1, "no key", "key: " },
	{ 1, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	  "key: " },
	{ 1, "-----BEGIN PRIVATE KEY-----\n", "key: " },
	{ 1, "-----BEGIN PRIVATE KEY-----", "key: " },
	{ 1, "-----BEGIN PRIVATE KEY----------END ", "key: " },
	{ 1, "-----BEGIN EC PRIVATE KEY-----\nMAA=\n-----END ", "key: " },
	{ 1, NULL, "key: " },
	{ 2, "no CA", "ca: " },
	{ 3, "no CRL", "crl: " },
};

START_TEST(a_text_that_is_none_is_told)
{
	struct sevlm_tls_config config = tls_config(&trio, SOURCE);
	char *locked = locked_key();
	const char *text = bad_texts[_i].text ? bad_texts[_i].text : locked;
	const void **texts[] = { &config.cert, &config.key, &config.ca,
				 &config.crl };
	size_t *sizes[] = { &config.cert_bytes, &config.key_bytes,
			    &config.ca_bytes, &config.crl_bytes };
	uint32_t want;

	*texts[bad_texts[_i].place] = text;
	*sizes[bad_texts[_i].place] = strlen(text);
	ck_assert_int_eq(sevlm_tls_new(&config, &tls), -EINVAL);
	expect_told(bad_texts[_i].why);
	/* it is a channel that has failed, and takes every call */
	ck_assert_int_eq(sevlm_tls_step(tls, 1, &want), 0);
	ck_assert_uint_eq(want, 0);
	free(locked);
}
END_TEST

/* of another kind, or of the same */
static const char *const groups[][2] = {
	{ "P-256", "P-256" }, { "P-256", "P-384" }, { "P-384", "P-256" },
	{ "RSA:2048", "RSA:2048" }, { "ED25519", "ED25519" },
	{ "P-256", "RSA:2048" }, { "RSA:2048", "P-256" },
	{ "ED25519", "P-256" }, { "P-256", "ED25519" },
};

START_TEST(the_key_of_another_certificate_is_refused)
{
	struct sevlm_tls_config config = tls_config(&trio, SOURCE);
	struct pki_shape shape = pki_source_shape;
	struct pki pki[2];

	for (int i = 0; i < 2; i++) {
		shape.group = groups[_i][i];
		pki_issue(&pki[i], &shape, &trio.ca);
	}
	config.cert = pki[0].cert_pem;
	config.cert_bytes = strlen(config.cert);
	config.key = pki[1].key_pem;
	config.key_bytes = strlen(config.key);
	ck_assert_int_eq(sevlm_tls_new(&config, &tls), -EINVAL);
	expect_told("key: ");
	pki_free(&pki[0]);
	pki_free(&pki[1]);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("tls-config");
	TCase *tcase = tcase_create("config");

	tcase_set_timeout(tcase, 120);
	tcase_add_unchecked_fixture(tcase, make_trio, free_trio);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, every_kind_of_key_is_read, 0, COUNT(keys));
	tcase_add_test(tcase, a_chain_is_followed);
	tcase_add_test(tcase, half_a_configuration_is_refused);
	tcase_add_loop_test(tcase, a_name_that_is_none_is_refused, 0,
			    COUNT(bad_names));
	tcase_add_loop_test(tcase, a_text_that_is_none_is_told, 0,
			    COUNT(bad_texts));
	tcase_add_loop_test(tcase, the_key_of_another_certificate_is_refused, 0,
			    COUNT(groups));
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
