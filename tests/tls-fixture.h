/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Certificates made when they are needed, and two ends of a channel with a
 * link between them that can cut, alter and drip. Failures of the fixture
 * itself fail the test.
 */
#ifndef SEVLM_TLS_FIXTURE_H
#define SEVLM_TLS_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/x509.h>

#include <libsevlm/tls.h>

/* the time that is handed in, and a day */
#define PKI_NOW 1800000000ll
#define PKI_DAY 86400ll

#define PKI_SOURCE_NAME "source.example"
#define PKI_TARGET_NAME "target.example"
#define PKI_TARGET_IP "192.0.2.7"

/* ---- certificates ---- */

struct pki_shape {
	const char *name;	/* common name */
	const char *san;	/* as in openssl.cnf, or NULL */
	const char *eku;
	const char *usage;
	bool ca;
	const char *group;	/* NULL: P-256; "RSA:bits", "ED25519" */
	int64_t from_s, to_s;	/* both 0: a day around PKI_NOW */
	const char *digest;	/* NULL: SHA256 */
};

struct pki {
	X509 *cert;
	EVP_PKEY *key;
	char *cert_pem, *key_pem; /* cert_pem: without its issuers */
};

/* issuer NULL: signs itself */
void pki_issue(struct pki *pki, const struct pki_shape *shape,
	       const struct pki *issuer);
void pki_free(struct pki *pki);
/* PEM of a CRL that names the victim, or nobody; to be freed */
char *pki_crl(const struct pki *issuer, const struct pki *victim);
/* both texts, one behind the other; to be freed */
char *pki_join(const char *a, const char *b);

/* what most tests use: a CA, and a certificate of either role */
struct pki_trio {
	struct pki ca, source, target;
};

void pki_trio_open(struct pki_trio *trio);
void pki_trio_close(struct pki_trio *trio);
extern const struct pki_shape pki_ca_shape;
extern const struct pki_shape pki_source_shape;
extern const struct pki_shape pki_target_shape;

/* ---- two ends ---- */

enum { SOURCE, TARGET };

struct tls_link {
	struct sevlm_tls *end[2];
	uint64_t now_ns;
	uint32_t want[2];
	size_t chunk;		/* bytes at once; 0: all there are */
	size_t carried[2];	/* by whom they were sent */
	/* may change what end `from` sent; at: its place among all of them */
	void (*alter)(struct tls_link *link, int from, uint8_t *buf,
		      size_t bytes, size_t at);
	size_t cut[2];		/* ends behind so many; 0: never */
	bool is_cut;
};

extern const uint8_t tls_psk[SEVLM_TLS_PSK_SIZE];
/* what TLS gets for it, written once more: HKDF-SHA256 with this info */
void tls_derive(const char *info, uint8_t key[SEVLM_TLS_PSK_SIZE]);

/* a configuration that works; trio NULL: by the key */
struct sevlm_tls_config tls_config(const struct pki_trio *trio, int end);
/* both ends */
void tls_open(struct tls_link *link, const struct pki_trio *trio);
void tls_open_with(struct tls_link *link,
		   const struct sevlm_tls_config *source,
		   const struct sevlm_tls_config *target);
void tls_close(struct tls_link *link);
/* steps both and carries bytes until nothing moves any more */
void tls_run(struct tls_link *link);
/* bytes from one end to the other; false where there were none */
bool tls_carry(struct tls_link *link, int from);
/* tls_run(), and both are OPEN */
void tls_shake(struct tls_link *link);
/* everything through the link, at once; returns what arrived */
size_t tls_move(struct tls_link *link, int from, const void *buf,
		size_t bytes, void *to);

#endif /* SEVLM_TLS_FIXTURE_H */
