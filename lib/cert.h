/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Certificates, bytes to fields and back (SEV API, "Certificate Format").
 * Numbers are little-endian in the bytes; those a signature is verified with
 * are big-endian in the fields, as cryptography writes them.
 */
#ifndef SEVLM_CERT_H
#define SEVLM_CERT_H

#include "cursor.h"
#include "internal.h"

#define CERT_RSA_SHA256	  0x001u
#define CERT_ECDSA_SHA256 0x002u
#define CERT_ECDH_SHA256  0x003u
#define CERT_RSA_SHA384	  0x101u
#define CERT_ECDSA_SHA384 0x102u
#define CERT_ECDH_SHA384  0x103u

/* SEV form: what is signed, and the public key field in it */
#define CERT_SEV_SIGNED 1044u
#define CERT_SEV_KEY	16u
/* AMD form: then exponent, modulus, signature, each of the modulus' size */
#define CERT_AMD_HEAD 64u
#define CERT_AMD_ID   16u
#define CERT_RSA_MAX  512u
/* the Naples ARK, as AMD publishes it: without its signature */
#define CERT_AMD_UNSIGNED 576u

struct sevlm__cert_slot {
	uint32_t usage;		/* of the key that signed */
	uint32_t algorithm;	/* 0: the slot is not used */
	uint8_t value[CERT_RSA_MAX];	/* as it stands in the bytes */
};

struct sevlm__cert {
	uint32_t bytes;
	uint32_t signed_bytes;
	uint32_t usage;		/* SEVLM_USAGE_* */
	/* SEV form */
	uint32_t algorithm;	/* of the key */
	uint8_t api_major, api_minor;
	struct sevlm__point point;
	/* AMD form; its one signature is in the first slot's value, with
	 * algorithm 0 where there is none */
	uint32_t rsa_bytes;	/* of the modulus; 0 in the SEV form */
	uint8_t key_id[CERT_AMD_ID];
	uint8_t certifying_id[CERT_AMD_ID];
	uint8_t modulus[CERT_RSA_MAX];
	struct sevlm__cert_slot slots[2];
};

/*
 * The certificate that begins there; what follows is not looked at. 0, or
 * SEVLM_REASON_MALFORMED, USAGE, ALGORITHM, CURVE: whether the key is a point
 * is not known yet. Only bytes that nothing signs or reads may be anything.
 */
uint32_t sevlm__cert_decode_sev(const uint8_t *in, size_t bytes,
				struct sevlm__cert *cert);
uint32_t sevlm__cert_decode_amd(const uint8_t *in, size_t bytes,
				struct sevlm__cert *cert);
/* whichever of them it is */
uint32_t sevlm__cert_decode(const uint8_t *in, size_t bytes,
			    struct sevlm__cert *cert);
/* the very bytes it was decoded from; how many, 0 where they do not fit */
size_t sevlm__cert_encode(const struct sevlm__cert *cert, uint8_t *out,
			  size_t room);

/* where the public key lies in a certificate of that size: the bytes that
 * its digest is of */
const uint8_t *sevlm__cert_key(const uint8_t *in, size_t bytes,
			       size_t *ret_bytes);

/* false where one of the two does not fit into the curve's numbers */
bool sevlm__cert_ecdsa(const struct sevlm__cert_slot *slot, uint8_t *r,
		       uint8_t *s);
/* out: bytes of them */
void sevlm__cert_rsa(const struct sevlm__cert_slot *slot, size_t bytes,
		     uint8_t *out);

/* PEK, OCA, CEK of a platform's chain */
#define CHAIN_PEK 0u
#define CHAIN_OCA SEVLM_CERT_SIZE
#define CHAIN_CEK (2 * SEVLM_CERT_SIZE)

/* AMD's blob, ASK then ARK, by its size: how long the ASK is, 0 where no two
 * certificates are that long */
size_t sevlm__cert_split(size_t bytes);

#endif /* SEVLM_CERT_H */
