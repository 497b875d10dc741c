/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A private key from PEM. OpenSSL's own readers leave parts of it behind in
 * memory that they free, so the text is taken apart here, in one buffer that
 * is wiped, and OpenSSL is given the numbers.
 */
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "internal.h"

/* ---- text ---- */

struct text {
	const char *at;
	size_t left;
};

static bool skip_past(struct text *text, const char *what)
{
	const char *found = memmem(text->at, text->left, what, strlen(what));

	if (!found)
		return false;
	found += strlen(what);
	text->left -= (size_t)(found - text->at);
	text->at = found;
	return true;
}

/* What lies between the lines of this label. */
static bool find_body(const void *pem, size_t bytes, const char *begin,
		      struct text *body)
{
	struct text rest;

	*body = (struct text){ pem, bytes };
	if (!skip_past(body, begin))
		return false;
	rest = *body;
	if (!skip_past(&rest, "-----END "))
		return false;
	body->left = (size_t)(rest.at - body->at) - strlen("-----END ");
	return true;
}

/* without line ends; returns how many are left */
static size_t squeeze(const struct text *body, uint8_t *to)
{
	size_t used = 0;

	for (size_t i = 0; i < body->left; i++)
		if (!memchr(" \t\r\n", body->at[i], 4))
			to[used++] = (uint8_t)body->at[i];
	return used;
}

/* ---- DER ---- */

struct der {
	uint8_t *at;
	size_t left;
};

enum { INTEGER = 0x02, OCTETS = 0x04, SEQUENCE = 0x30 };

static bool read_length(struct der *der, size_t *ret)
{
	size_t count, value = 0;

	if (!der->left)
		return false;
	count = *der->at++;
	der->left--;
	if (count < 0x80) {
		*ret = count;
		return count <= der->left;
	}
	count &= 0x7f;
	if (!count || count > 3 || count > der->left)
		return false;
	for (size_t i = 0; i < count; i++)
		value = value << 8 | der->at[i];
	der->at += count;
	der->left -= count;
	*ret = value;
	return value <= der->left;
}

/* the contents of what comes next, if it is of this kind */
static bool take(struct der *der, uint8_t kind, struct der *ret)
{
	size_t bytes;

	if (!der->left || *der->at != kind)
		return false;
	der->at++;
	der->left--;
	if (!read_length(der, &bytes))
		return false;
	*ret = (struct der){ der->at, bytes };
	der->at += bytes;
	der->left -= bytes;
	return true;
}

/* RFC 5958: what is inside of it, as the kind of key has it */
static bool unwrap(struct der *der)
{
	struct der all, unused;

	return take(der, SEQUENCE, &all) && take(&all, INTEGER, &unused) &&
	       take(&all, SEQUENCE, &unused) && take(&all, OCTETS, der);
}

/* ---- numbers ---- */

/* a number as OpenSSL's parameters have it: little endian, in its place */
static OSSL_PARAM number(const char *name, struct der *value)
{
	for (size_t i = 0, j = value->left; i + 1 < j; i++) {
		uint8_t byte = value->at[i];

		value->at[i] = value->at[--j];
		value->at[j] = byte;
	}
	return OSSL_PARAM_construct_BN(name, value->at, value->left);
}

static EVP_PKEY *build(const char *type, OSSL_PARAM *params)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *ret = NULL;

	if (ctx && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &ret, EVP_PKEY_KEYPAIR, params) != 1) {
		EVP_PKEY_free(ret);
		ret = NULL;
	}
	EVP_PKEY_CTX_free(ctx);
	return ret;
}

/* RFC 8017, A.1.2 */
static EVP_PKEY *build_rsa(const EVP_PKEY *of_cert, struct der *der)
{
	static const char *const names[] = {
		OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E,
		OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_FACTOR1,
		OSSL_PKEY_PARAM_RSA_FACTOR2, OSSL_PKEY_PARAM_RSA_EXPONENT1,
		OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1,
	};
	OSSL_PARAM params[ARRAY_SIZE(names) + 1];
	struct der all, value;

	(void)of_cert;
	if (!take(der, SEQUENCE, &all) || !take(&all, INTEGER, &value))
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!take(&all, INTEGER, &value) || !value.left)
			return NULL;
		params[i] = number(names[i], &value);
	}
	params[ARRAY_SIZE(names)] = OSSL_PARAM_construct_end();
	return build("RSA", params);
}

/* The public half is the certificate's; does the private one belong to it? */
static EVP_PKEY *if_pair(EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL) :
				  NULL;

	if (!ctx || EVP_PKEY_pairwise_check(ctx) != 1) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* RFC 5915 */
static EVP_PKEY *build_ec(const EVP_PKEY *of_cert, struct der *der)
{
	struct der all, unused, value;
	OSSL_PARAM params[4];
	uint8_t point[256];
	size_t bytes = 0;
	char group[64];

	if (!take(der, SEQUENCE, &all) || !take(&all, INTEGER, &unused) ||
	    !take(&all, OCTETS, &value) || !value.left ||
	    EVP_PKEY_get_group_name(of_cert, group, sizeof(group), NULL) != 1 ||
	    EVP_PKEY_get_octet_string_param(of_cert, OSSL_PKEY_PARAM_PUB_KEY,
					    point, sizeof(point), &bytes) != 1)
		return NULL;
	params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
						     group, 0);
	params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY,
						      point, bytes);
	params[2] = number(OSSL_PKEY_PARAM_PRIV_KEY, &value);
	params[3] = OSSL_PARAM_construct_end();
	return if_pair(build("EC", params));
}

/* RFC 8410 */
static EVP_PKEY *build_raw(const EVP_PKEY *of_cert, struct der *der)
{
	struct der value;

	if (!take(der, OCTETS, &value))
		return NULL;
	return EVP_PKEY_new_raw_private_key(EVP_PKEY_get_base_id(of_cert), NULL,
					    value.at, value.left);
}

static const struct kind {
	const char *type;
	EVP_PKEY *(*build)(const EVP_PKEY *of_cert, struct der *der);
} kinds[] = {
	{ "EC", build_ec },
	{ "RSA", build_rsa },
	{ "ED25519", build_raw },
	{ "ED448", build_raw },
};

static EVP_PKEY *of_kind(const EVP_PKEY *of_cert, struct der *der)
{
	for (size_t i = 0; of_cert && i < ARRAY_SIZE(kinds); i++)
		if (EVP_PKEY_is_a(of_cert, kinds[i].type))
			return kinds[i].build(of_cert, der);
	return NULL;
}

/* ---- both ---- */

/* buf has room for the body twice */
static EVP_PKEY *decode(const EVP_PKEY *of_cert, const struct text *body,
			bool wrapped, uint8_t *buf)
{
	size_t chars = squeeze(body, buf);
	struct der der = { buf + body->left, 0 };
	int bytes;

	if (!chars || chars % 4)
		return NULL;
	bytes = EVP_DecodeBlock(der.at, buf, (int)chars);
	if (bytes <= 0)
		return NULL;
	der.left = (size_t)bytes;
	if (wrapped && !unwrap(&der))
		return NULL;
	return of_kind(of_cert, &der);
}

EVP_PKEY *tls_read_key(const EVP_PKEY *of_cert, const void *pem, size_t bytes)
{
	static const char *const labels[] = {
		"-----BEGIN PRIVATE KEY-----",
		"-----BEGIN EC PRIVATE KEY-----",
		"-----BEGIN RSA PRIVATE KEY-----",
	};
	EVP_PKEY *ret = NULL;
	struct text body;
	uint8_t *buf;

	for (size_t i = 0; i < ARRAY_SIZE(labels); i++) {
		if (!find_body(pem, bytes, labels[i], &body))
			continue;
		buf = OPENSSL_malloc(2 * body.left + 1);
		if (!buf)
			break;
		ret = decode(of_cert, &body, !i, buf);
		OPENSSL_clear_free(buf, 2 * body.left + 1);
		break;
	}
	return ret;
}
