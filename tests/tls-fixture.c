/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <check.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>

#include "tls-fixture.h"

#define STEP_NS 1000u

const uint8_t tls_psk[SEVLM_TLS_PSK_SIZE] = "thirty-two bytes that two share!";

void tls_derive(const char *info, uint8_t key[SEVLM_TLS_PSK_SIZE])
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest,
						 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY,
						  (void *)(uintptr_t)tls_psk,
						  sizeof(tls_psk)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO,
						  (void *)(uintptr_t)info,
						  strlen(info)),
		OSSL_PARAM_construct_end(),
	};
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);

	ck_assert_int_eq(EVP_KDF_derive(ctx, key, SEVLM_TLS_PSK_SIZE, params),
			 1);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

struct sevlm_tls_config tls_config(const struct pki_trio *trio, int end)
{
	const struct pki *own;
	struct sevlm_tls_config ret = {
		.size = sizeof(ret),
		.role = end == SOURCE ? SEVLM_TLS_SOURCE : SEVLM_TLS_TARGET,
	};

	if (!trio) {
		ret.psk = tls_psk;
		return ret;
	}
	own = end == SOURCE ? &trio->source : &trio->target;
	ret.cert = own->cert_pem;
	ret.cert_bytes = strlen(own->cert_pem);
	ret.key = own->key_pem;
	ret.key_bytes = strlen(own->key_pem);
	ret.ca = trio->ca.cert_pem;
	ret.ca_bytes = strlen(trio->ca.cert_pem);
	ret.peer_name = end == SOURCE ? PKI_TARGET_NAME : PKI_SOURCE_NAME;
	ret.time_s = PKI_NOW;
	return ret;
}

void tls_open_with(struct tls_link *link,
		   const struct sevlm_tls_config *source,
		   const struct sevlm_tls_config *target)
{
	const struct sevlm_tls_config *configs[] = { source, target };

	for (int i = 0; i < 2; i++) {
		int ret = sevlm_tls_new(configs[i], &link->end[i]);

		ck_assert_msg(!ret, "new: %d %s", ret,
			      sevlm_tls_error(link->end[i]));
	}
}

void tls_open(struct tls_link *link, const struct pki_trio *trio)
{
	struct sevlm_tls_config source = tls_config(trio, SOURCE);
	struct sevlm_tls_config target = tls_config(trio, TARGET);

	tls_open_with(link, &source, &target);
}

void tls_close(struct tls_link *link)
{
	sevlm_tls_free(link->end[SOURCE]);
	sevlm_tls_free(link->end[TARGET]);
	memset(link, 0, sizeof(*link));
}

static void cut(struct tls_link *link)
{
	link->is_cut = true;
	sevlm_tls_closed(link->end[SOURCE]);
	sevlm_tls_closed(link->end[TARGET]);
}

/* how much of it the link lets through */
static size_t allowed(const struct tls_link *link, int from, size_t bytes)
{
	size_t left = link->cut[from] - link->carried[from];

	if (link->chunk && bytes > link->chunk)
		bytes = link->chunk;
	return link->cut[from] && bytes > left ? left : bytes;
}

static size_t deliver(struct tls_link *link, int from, const void *buf,
		      size_t bytes)
{
	uint8_t *copy = malloc(bytes + 1);
	size_t taken = 0;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, buf, bytes);
	if (link->alter)
		link->alter(link, from, copy, bytes, link->carried[from]);
	ck_assert_int_eq(sevlm_tls_feed(link->end[!from], copy, bytes, &taken),
			 0);
	free(copy);
	return taken;
}

bool tls_carry(struct tls_link *link, int from)
{
	struct iovec iov = { 0 };
	size_t count = 1, bytes;

	if (link->is_cut)
		return false;
	ck_assert_int_eq(sevlm_tls_output(link->end[from], &iov, &count), 0);
	bytes = count ? allowed(link, from, iov.iov_len) : 0;
	if (bytes)
		bytes = deliver(link, from, iov.iov_base, bytes);
	ck_assert_int_eq(sevlm_tls_consumed(link->end[from], bytes), 0);
	link->carried[from] += bytes;
	if (link->cut[from] && link->carried[from] == link->cut[from])
		cut(link);
	return bytes;
}

static bool step(struct tls_link *link, int end)
{
	uint32_t before = sevlm_tls_state(link->end[end]);

	link->now_ns += STEP_NS;
	ck_assert_int_eq(sevlm_tls_step(link->end[end], link->now_ns,
					&link->want[end]), 0);
	return sevlm_tls_state(link->end[end]) != before;
}

void tls_run(struct tls_link *link)
{
	bool moved = true;

	while (moved) {
		moved = false;
		for (int end = SOURCE; end <= TARGET; end++) {
			moved |= step(link, end);
			moved |= tls_carry(link, end);
		}
	}
	step(link, SOURCE);
	step(link, TARGET);
}

void tls_shake(struct tls_link *link)
{
	tls_run(link);
	for (int end = SOURCE; end <= TARGET; end++)
		ck_assert_msg(sevlm_tls_state(link->end[end]) == SEVLM_TLS_OPEN,
			      "%s: %s", end == SOURCE ? "source" : "target",
			      sevlm_tls_error(link->end[end]));
}

static size_t collect(struct tls_link *link, int from, uint8_t *to,
		      size_t bytes)
{
	size_t got = 0;

	sevlm_tls_receive(link->end[!from], to, bytes, &got);
	return got;
}

size_t tls_move(struct tls_link *link, int from, const void *buf,
		size_t bytes, void *to)
{
	size_t sent = 0, got = 0, taken, now;
	bool moved = true;

	while (moved) {
		struct iovec iov = { (uint8_t *)(uintptr_t)buf + sent,
				     bytes - sent };

		sevlm_tls_send(link->end[from], &iov, 1, &taken);
		sent += taken;
		moved = tls_carry(link, from);
		now = collect(link, from, (uint8_t *)to + got, bytes - got);
		got += now;
		moved |= taken || now;
	}
	return got;
}
