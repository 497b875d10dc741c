/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Peers that are not the one that was meant. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "check-main.h"
#include "tls-fixture.h"
#include "tls-stranger.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
#define DEADLINE 60000000000ull

static struct pki_trio trio;
static struct pki other_ca;
static struct tls_link link_;
static struct stranger stranger;

#define at_source (link_.end[SOURCE])
#define at_target (link_.end[TARGET])

static void make_trio(void)
{
	pki_trio_open(&trio);
	pki_issue(&other_ca, &pki_ca_shape, NULL);
}

static void free_trio(void)
{
	pki_trio_close(&trio);
	pki_free(&other_ca);
}

static void setup(void)
{
	memset(&link_, 0, sizeof(link_));
	memset(&stranger, 0, sizeof(stranger));
}

static void teardown(void)
{
	if (stranger.ctx)
		stranger_close(&stranger);
	tls_close(&link_);
}

static void expect_failed(int end, int code, const char *why)
{
	struct sevlm_tls *tls = link_.end[end];

	ck_assert_msg(sevlm_tls_state(tls) == SEVLM_TLS_FAILED,
		      "not refused, wanted: %s", why);
	ck_assert_msg(strstr(sevlm_tls_error(tls), why), "%s, not: %s", why,
		      sevlm_tls_error(tls));
	ck_assert_msg(sevlm_tls_cause(tls) == code, "%d: %s",
		      sevlm_tls_cause(tls), sevlm_tls_error(tls));
}

/* the one refuses, and the other learns of it */
static void expect_refused(int by, const char *why)
{
	expect_failed(by, -EKEYREJECTED, why);
	expect_failed(!by, -EKEYREJECTED, "the peer refused");
}

/* ---- certificates ------------------------------------------------------- */

/* what is wrong with the certificate of either end; NULL: as it should be */
static const struct fault {
	const char *name;
	const char *why;
	const char *san[2], *eku[2], *usage;
	int64_t from_s, to_s;
	enum { BY_CA, BY_ITSELF, BY_ANOTHER, BY_PEER } issuer;
} faults[] = {
	{ "another name", "hostname mismatch",
	  .san = { "DNS:elsewhere.example", "DNS:elsewhere.example" } },
	{ "a wildcard", "hostname mismatch",
	  .san = { "DNS:*.example", "DNS:*.example" } },
	{ "a name below it", "hostname mismatch",
	  .san = { "DNS:a.source.example", "DNS:a.target.example" } },
	{ "a name above it", "hostname mismatch",
	  .san = { "DNS:example", "DNS:example" } },
	{ "another kind of name", "hostname mismatch",
	  .san = { "email:root@source.example", "URI:https://target.example" } },
	{ "the name of the other end", "hostname mismatch",
	  .san = { "DNS:" PKI_TARGET_NAME, "DNS:" PKI_SOURCE_NAME } },
	{ "no subjectAltName", "hostname mismatch", .san = { "", "" } },
	{ "the usage of the other role", "unsuitable certificate purpose",
	  .eku = { "serverAuth", "clientAuth" } },
	{ "any usage", "unsuitable certificate purpose",
	  .eku = { "anyExtendedKeyUsage", "anyExtendedKeyUsage" } },
	{ "no extended key usage", "unsuitable certificate purpose",
	  .eku = { "", "" } },
	{ "no signatures", "unsuitable certificate purpose",
	  .usage = "critical,keyAgreement" },
	{ "expired", "certificate has expired",
	  .from_s = PKI_NOW - 2 * PKI_DAY, .to_s = PKI_NOW - 1 },
	{ "not yet valid", "certificate is not yet valid",
	  .from_s = PKI_NOW + 1, .to_s = PKI_NOW + PKI_DAY },
	{ "signed by itself", "self-signed certificate", .issuer = BY_ITSELF },
	{ "of another CA of that name", "unable to get local issuer",
	  .issuer = BY_ANOTHER },
	{ "issued by a certificate of the CA", "invalid CA certificate",
	  .issuer = BY_PEER },
};

static const char *instead(const char *fault, const char *usual)
{
	if (!fault)
		return usual;
	return *fault ? fault : NULL;
}

static void shape_fault(const struct fault *fault, int end,
			struct pki_shape *shape)
{
	*shape = end == SOURCE ? pki_source_shape : pki_target_shape;
	/* what a certificate without the extension would be known by */
	shape->name = end == SOURCE ? PKI_SOURCE_NAME : PKI_TARGET_NAME;
	shape->san = instead(fault->san[end], shape->san);
	shape->eku = instead(fault->eku[end], shape->eku);
	shape->usage = instead(fault->usage, shape->usage);
	shape->from_s = fault->from_s;
	shape->to_s = fault->to_s;
}

static const struct pki *issuer_of(const struct fault *fault, int end)
{
	switch (fault->issuer) {
	case BY_ITSELF:
		return NULL;
	case BY_ANOTHER:
		return &other_ca;
	case BY_PEER:
		return end == SOURCE ? &trio.target : &trio.source;
	default:
		return &trio.ca;
	}
}

/* both ends, the one with this certificate in the place of its own */
static void run_with(int end, const struct pki *pki, const struct pki *between)
{
	struct sevlm_tls_config config[] = { tls_config(&trio, SOURCE),
					     tls_config(&trio, TARGET) };
	char *chain = pki_join(pki->cert_pem, between ? between->cert_pem : "");

	config[end].cert = chain;
	config[end].cert_bytes = strlen(chain);
	config[end].key = pki->key_pem;
	config[end].key_bytes = strlen(pki->key_pem);
	tls_open_with(&link_, &config[SOURCE], &config[TARGET]);
	free(chain);
	tls_run(&link_);
}

START_TEST(a_wrong_certificate_is_refused)
{
	const struct fault *fault = &faults[_i / 2];
	int end = _i % 2;
	const struct pki *issuer = issuer_of(fault, end);
	struct pki_shape shape;
	struct pki pki;

	shape_fault(fault, end, &shape);
	pki_issue(&pki, &shape, issuer);
	run_with(end, &pki, fault->issuer == BY_PEER ? issuer : NULL);
	pki_free(&pki);
	expect_refused(!end, fault->why);
}
END_TEST

/* the address in the certificate, and one that is not */
START_TEST(an_address_is_matched)
{
	struct sevlm_tls_config config = tls_config(&trio, SOURCE);
	struct sevlm_tls_config peer = tls_config(&trio, TARGET);

	config.peer_name = _i ? "192.0.2.8" : PKI_TARGET_IP;
	tls_open_with(&link_, &config, &peer);
	if (!_i) {
		tls_shake(&link_);
		return;
	}
	tls_run(&link_);
	expect_refused(SOURCE, "IP address mismatch");
}
END_TEST

START_TEST(a_ca_that_breaks_rfc_5280_is_refused)
{
	struct pki_shape shape = pki_ca_shape;
	struct pki_trio loose;

	shape.usage = NULL;
	pki_issue(&loose.ca, &shape, NULL);
	pki_issue(&loose.source, &pki_source_shape, &loose.ca);
	pki_issue(&loose.target, &pki_target_shape, &loose.ca);
	tls_open(&link_, &loose);
	tls_run(&link_);
	expect_failed(SOURCE, -EKEYREJECTED,
		      "CA cert does not include key usage");
	pki_trio_close(&loose);
}
END_TEST

/* keys and digests that are too weak, from a peer that does not mind */
static const struct {
	const char *group, *digest, *why;
} weak[] = {
	{ "RSA:1024", NULL, "key too small" },
	{ "P-192", NULL, "key too small" },
	{ NULL, "SHA1", "CA md too weak" },
};

START_TEST(a_weak_certificate_is_refused)
{
	int end = _i % 2;
	struct pki_shape shape = end == SOURCE ? pki_source_shape :
						 pki_target_shape;
	struct sevlm_tls_config config = tls_config(&trio, !end);
	struct pki pki;

	shape.group = weak[_i / 2].group;
	shape.digest = weak[_i / 2].digest;
	pki_issue(&pki, &shape, &trio.ca);
	ck_assert_int_eq(sevlm_tls_new(&config, &link_.end[!end]), 0);
	stranger_open(&stranger, end, &pki, NULL);
	stranger_connect(&stranger);
	stranger_meet(&stranger, link_.end[!end]);
	ck_assert_uint_eq(sevlm_tls_state(link_.end[!end]), SEVLM_TLS_FAILED);
	pki_free(&pki);
}
END_TEST

/* ...nor does one with such a key begin */
START_TEST(a_weak_key_of_ones_own_is_refused)
{
	struct sevlm_tls_config config = tls_config(&trio, SOURCE);
	struct pki_shape shape = pki_source_shape;
	struct pki pki;

	shape.group = "RSA:1024";
	pki_issue(&pki, &shape, &trio.ca);
	config.cert = pki.cert_pem;
	config.cert_bytes = strlen(pki.cert_pem);
	ck_assert_int_eq(sevlm_tls_new(&config, &at_source), -EINVAL);
	expect_failed(SOURCE, -EINVAL, "key too small");
	pki_free(&pki);
}
END_TEST

START_TEST(a_peer_without_certificate_is_refused)
{
	struct sevlm_tls_config config = tls_config(&trio, TARGET);

	ck_assert_int_eq(sevlm_tls_new(&config, &at_target), 0);
	stranger_open(&stranger, SOURCE, NULL, NULL);
	stranger_connect(&stranger);
	stranger_meet(&stranger, at_target);
	expect_failed(TARGET, -EKEYREJECTED, "did not return a certificate");
}
END_TEST

START_TEST(a_peer_with_an_old_tls_is_refused)
{
	int end = _i % 2;
	struct sevlm_tls_config config = tls_config(_i / 2 ? &trio : NULL,
						    !end);

	ck_assert_int_eq(sevlm_tls_new(&config, &link_.end[!end]), 0);
	stranger_open(&stranger, end, end == SOURCE ? &trio.source :
						      &trio.target, NULL);
	SSL_CTX_set_max_proto_version(stranger.ctx, TLS1_2_VERSION);
	stranger_connect(&stranger);
	stranger_meet(&stranger, link_.end[!end]);
	/* an old server answers with an alert that says so */
	expect_failed(!end, -EPROTO, end == SOURCE ? "unsupported protocol" :
						     "protocol version");
}
END_TEST

/* ---- revocation --------------------------------------------------------- */

static void run_with_crl(int judge, const char *crl, int64_t time_s)
{
	struct sevlm_tls_config config[] = { tls_config(&trio, SOURCE),
					     tls_config(&trio, TARGET) };

	config[judge].crl = crl;
	config[judge].crl_bytes = strlen(crl);
	config[judge].time_s = time_s;
	tls_open_with(&link_, &config[SOURCE], &config[TARGET]);
	tls_run(&link_);
}

START_TEST(a_revoked_certificate_is_refused)
{
	char *crl = pki_crl(&trio.ca, _i == SOURCE ? &trio.target :
						     &trio.source);

	run_with_crl(_i, crl, PKI_NOW);
	expect_refused(_i, "certificate revoked");
	free(crl);
}
END_TEST

START_TEST(a_crl_that_names_nobody_lets_pass)
{
	char *crl = pki_crl(&trio.ca, NULL);

	run_with_crl(_i, crl, PKI_NOW);
	ck_assert_uint_eq(sevlm_tls_state(link_.end[_i]), SEVLM_TLS_OPEN);
	free(crl);
}
END_TEST

START_TEST(a_crl_of_somebody_else_is_not_enough)
{
	char *crl = pki_crl(&trio.target, NULL);

	run_with_crl(_i, crl, PKI_NOW);
	expect_refused(_i, "unable to get certificate CRL");
	free(crl);
}
END_TEST

START_TEST(a_crl_and_a_ca_are_judged_by_the_time_handed_in)
{
	char *crl = pki_crl(&trio.ca, NULL);

	run_with_crl(_i, crl, PKI_NOW + 2 * PKI_DAY);
	expect_failed(_i, -EKEYREJECTED, "expired");
	free(crl);
}
END_TEST

/* ---- keys --------------------------------------------------------------- */

START_TEST(another_key_is_refused)
{
	struct sevlm_tls_config config[] = { tls_config(NULL, SOURCE),
					     tls_config(NULL, TARGET) };
	uint8_t key[SEVLM_TLS_PSK_SIZE];

	memcpy(key, tls_psk, sizeof(key));
	key[_i] ^= 1;
	config[_i % 2].psk = key;
	tls_open_with(&link_, &config[SOURCE], &config[TARGET]);
	tls_run(&link_);
	expect_failed(TARGET, -EKEYREJECTED, "binder does not verify");
	ck_assert_uint_eq(sevlm_tls_state(at_source), SEVLM_TLS_FAILED);
}
END_TEST

START_TEST(a_key_against_certificates_is_refused)
{
	struct sevlm_tls_config config[] = {
		tls_config(_i ? &trio : NULL, SOURCE),
		tls_config(_i ? NULL : &trio, TARGET),
	};

	tls_open_with(&link_, &config[SOURCE], &config[TARGET]);
	tls_run(&link_);
	ck_assert_uint_eq(sevlm_tls_state(at_source), SEVLM_TLS_FAILED);
	ck_assert_uint_eq(sevlm_tls_state(at_target), SEVLM_TLS_FAILED);
	if (_i)
		expect_failed(TARGET, -EKEYREJECTED, "offered no key");
	else
		expect_failed(SOURCE, -EKEYREJECTED, "certificate not trusted");
}
END_TEST

START_TEST(the_same_role_twice_is_refused)
{
	const struct pki_trio *by = _i / 2 ? &trio : NULL;
	struct sevlm_tls_config config = tls_config(by, _i % 2);
	uint32_t want;

	tls_open_with(&link_, &config, &config);
	tls_run(&link_);
	for (int end = SOURCE; end <= TARGET; end++) {
		sevlm_tls_step(link_.end[end], DEADLINE, &want);
		expect_failed(end, _i % 2 ? -ETIMEDOUT : -EPROTO,
			      _i % 2 ? "took too long" : "handshake");
	}
}
END_TEST

/* what the library makes of the key, and how the identity reads */
static uint8_t wire_key[SEVLM_TLS_PSK_SIZE];
static const char *identity;

static int use_wire_key(SSL *ssl, const EVP_MD *md, const unsigned char **id,
			size_t *bytes, SSL_SESSION **ret)
{
	static const unsigned char suite[] = { 0x13, 0x02 };

	(void)md;
	*ret = SSL_SESSION_new();
	SSL_SESSION_set1_master_key(*ret, wire_key, sizeof(wire_key));
	SSL_SESSION_set_cipher(*ret, SSL_CIPHER_find(ssl, suite));
	SSL_SESSION_set_protocol_version(*ret, TLS1_3_VERSION);
	SSL_SESSION_set_max_early_data(*ret, 16384);
	*id = (const unsigned char *)identity;
	*bytes = strlen(identity);
	return 1;
}

static void stranger_with_key(void)
{
	struct sevlm_tls_config config = tls_config(NULL, TARGET);

	ck_assert_int_eq(sevlm_tls_new(&config, &at_target), 0);
	stranger_open(&stranger, SOURCE, NULL, NULL);
	SSL_CTX_set_psk_use_session_callback(stranger.ctx, use_wire_key);
	stranger_connect(&stranger);
}

static const struct {
	const char *identity, *purpose, *why;
} claims[] = {
	{ "sevlm-channel-v1 source", "sevlm-channel-v1 source to target",
	  NULL },
	{ "sevlm-channel-v1 target", "sevlm-channel-v1 source to target",
	  "offered no key" },
	{ "sevlm-channel-v1 sourc", "sevlm-channel-v1 source to target",
	  "offered no key" },
	{ "sevlm-channel-v1 source", "sevlm-channel-v1 target to source",
	  "binder does not verify" },
};

START_TEST(a_key_for_something_else_is_refused)
{
	identity = claims[_i].identity;
	tls_derive(claims[_i].purpose, wire_key);
	stranger_with_key();
	stranger_meet(&stranger, at_target);
	if (claims[_i].why)
		expect_failed(TARGET, -EKEYREJECTED, claims[_i].why);
	else
		ck_assert_msg(sevlm_tls_state(at_target) == SEVLM_TLS_OPEN,
			      "%s", sevlm_tls_error(at_target));
}
END_TEST

/* the derived key is what TLS sees; the one that was given is not */
START_TEST(the_key_itself_is_refused)
{
	identity = claims[0].identity;
	memcpy(wire_key, tls_psk, sizeof(wire_key));
	stranger_with_key();
	stranger_meet(&stranger, at_target);
	expect_failed(TARGET, -EKEYREJECTED, "binder does not verify");
}
END_TEST

START_TEST(early_data_is_refused)
{
	uint8_t buf[64];
	size_t written, got;

	identity = claims[0].identity;
	tls_derive(claims[0].purpose, wire_key);
	stranger_with_key();
	ck_assert_int_eq(SSL_write_early_data(stranger.ssl, "early", 5,
					      &written), 1);
	stranger_meet(&stranger, at_target);
	ck_assert_int_ne(SSL_get_early_data_status(stranger.ssl),
			 SSL_EARLY_DATA_ACCEPTED);
	ck_assert_int_lt(sevlm_tls_receive(at_target, buf, sizeof(buf), &got), 0);
	ck_assert_uint_eq(got, 0);
	ck_assert_uint_eq(sevlm_tls_state(at_target), SEVLM_TLS_FAILED);
}
END_TEST

static void add_certificates(TCase *tcase)
{
	tcase_add_loop_test(tcase, a_wrong_certificate_is_refused, 0,
			    2 * COUNT(faults));
	tcase_add_loop_test(tcase, an_address_is_matched, 0, 2);
	tcase_add_test(tcase, a_ca_that_breaks_rfc_5280_is_refused);
	tcase_add_loop_test(tcase, a_weak_certificate_is_refused, 0,
			    2 * COUNT(weak));
	tcase_add_test(tcase, a_weak_key_of_ones_own_is_refused);
	tcase_add_test(tcase, a_peer_without_certificate_is_refused);
	tcase_add_loop_test(tcase, a_peer_with_an_old_tls_is_refused, 0, 4);
	tcase_add_loop_test(tcase, a_revoked_certificate_is_refused, 0, 2);
	tcase_add_loop_test(tcase, a_crl_that_names_nobody_lets_pass, 0, 2);
	tcase_add_loop_test(tcase, a_crl_of_somebody_else_is_not_enough, 0, 2);
	tcase_add_loop_test(tcase,
			    a_crl_and_a_ca_are_judged_by_the_time_handed_in, 0,
			    2);
}

static void add_keys(TCase *tcase)
{
	tcase_add_loop_test(tcase, another_key_is_refused, 0,
			    SEVLM_TLS_PSK_SIZE);
	tcase_add_loop_test(tcase, a_key_against_certificates_is_refused, 0, 2);
	tcase_add_loop_test(tcase, the_same_role_twice_is_refused, 0, 4);
	tcase_add_loop_test(tcase, a_key_for_something_else_is_refused, 0,
			    COUNT(claims));
	tcase_add_test(tcase, the_key_itself_is_refused);
	tcase_add_test(tcase, early_data_is_refused);
}

int main(void)
{
	Suite *suite = suite_create("tls-refusals");
	TCase *tcase = tcase_create("refusals");

	tcase_set_timeout(tcase, 120);
	tcase_add_unchecked_fixture(tcase, make_trio, free_trio);
	tcase_add_checked_fixture(tcase, setup, teardown);
	add_certificates(tcase);
	add_keys(tcase);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
