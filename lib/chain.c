/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * A platform's certificates up to a root that somebody trusts:
 *
 *	ARK -> ASK -> CEK -> PEK -> PDH
 *	              OCA ---^
 *
 * from the top down, so that no key is used before it was verified.
 */
#include <errno.h>

#include "cert.h"

struct signer {
	enum sevlm__place place;
	uint32_t link;		/* that its signature is; 0: none */
};

static const struct place {
	uint32_t usage;
	uint32_t link;
	struct signer signers[2];
} places[SEVLM__PLACES] = {
	[SEVLM__ARK] = { SEVLM_USAGE_ARK, SEVLM_LINK_ROOT,
			 { { SEVLM__ARK, SEVLM_LINK_ROOT } } },
	[SEVLM__ASK] = { SEVLM_USAGE_ASK, SEVLM_LINK_ASK,
			 { { SEVLM__ARK, SEVLM_LINK_ASK } } },
	[SEVLM__CEK] = { SEVLM_USAGE_CEK, SEVLM_LINK_CEK,
			 { { SEVLM__ASK, SEVLM_LINK_CEK } } },
	[SEVLM__OCA] = { SEVLM_USAGE_OCA, SEVLM_LINK_OCA,
			 { { SEVLM__OCA, SEVLM_LINK_OCA } } },
	[SEVLM__PEK] = { SEVLM_USAGE_PEK, SEVLM_LINK_PEK,
			 { { SEVLM__OCA, SEVLM_LINK_PEK_BY_OCA },
			   { SEVLM__CEK, SEVLM_LINK_PEK_BY_CEK } } },
	[SEVLM__PDH] = { SEVLM_USAGE_PDH, SEVLM_LINK_PDH,
			 { { SEVLM__PEK, SEVLM_LINK_PDH } } },
};

static int refuse(struct sevlm_chain_result *result, uint32_t link,
		  uint32_t reason)
{
	result->link = link;
	result->reason = reason;
	sevlm__chain_words(result);
	return reason == SEVLM_REASON_MALFORMED ? -EBADMSG : -EKEYREJECTED;
}

static int refuse_cert(struct sevlm__chain *chain, enum sevlm__place place,
		       uint32_t link, uint32_t reason)
{
	const uint8_t *bytes = chain->bytes[place];

	/* a digest that cannot be had is no reason to be believed */
	sevlm__key_digest(bytes, chain->room[place],
			  chain->result->key_digest);
	return refuse(chain->result, link, reason);
}

static uint32_t decode(struct sevlm__chain *chain, enum sevlm__place place)
{
	struct sevlm__cert *cert = &chain->certs[place];
	const uint8_t *bytes = chain->bytes[place];
	size_t room = chain->room[place];
	uint32_t reason;

	if (place == SEVLM__ARK || place == SEVLM__ASK)
		reason = sevlm__cert_decode_amd(bytes, room, cert);
	else
		reason = sevlm__cert_decode_sev(bytes, room, cert);
	if (reason)
		return reason;
	if (cert->bytes != room)
		return SEVLM_REASON_MALFORMED;
	if (cert->usage != places[place].usage)
		return SEVLM_REASON_USAGE;
	if (!cert->rsa_bytes && sevlm__verify_point(&cert->point))
		return SEVLM_REASON_POINT;
	return 0;
}

static uint32_t verify_rsa(const struct sevlm__chain *chain,
			   enum sevlm__place place,
			   const struct sevlm__cert *signer,
			   const struct sevlm__cert_slot *slot)
{
	const uint32_t algorithm = signer->rsa_bytes == CERT_RSA_MAX ?
					   CERT_RSA_SHA384 :
					   CERT_RSA_SHA256;
	uint8_t sig[CERT_RSA_MAX];

	if (slot->algorithm != algorithm)
		return SEVLM_REASON_ALGORITHM;
	sevlm__cert_rsa(slot, signer->rsa_bytes, sig);
	return sevlm__verify_pss(signer->modulus, signer->rsa_bytes,
				 chain->bytes[place],
				 chain->certs[place].signed_bytes, sig) ?
		       SEVLM_REASON_BAD_SIGNATURE :
		       0;
}

static uint32_t verify_ecdsa(const struct sevlm__chain *chain,
			     enum sevlm__place place,
			     const struct sevlm__cert *signer,
			     const struct sevlm__cert_slot *slot)
{
	uint8_t r[SEVLM__P384], s[SEVLM__P384];

	if (slot->algorithm != CERT_ECDSA_SHA256 &&
	    slot->algorithm != CERT_ECDSA_SHA384)
		return SEVLM_REASON_ALGORITHM;
	if (!sevlm__cert_ecdsa(slot, r, s) ||
	    sevlm__verify_ecdsa(&signer->point,
				slot->algorithm == CERT_ECDSA_SHA384,
				chain->bytes[place],
				chain->certs[place].signed_bytes, r, s))
		return SEVLM_REASON_BAD_SIGNATURE;
	return 0;
}

/* every slot that names this signer; one there must be */
static uint32_t verify_signer(const struct sevlm__chain *chain,
			      enum sevlm__place place, enum sevlm__place by)
{
	const struct sevlm__cert *cert = &chain->certs[place];
	const struct sevlm__cert *signer = &chain->certs[by];
	uint32_t reason = SEVLM_REASON_UNSIGNED;

	for (int i = 0; i < 2; i++) {
		const struct sevlm__cert_slot *slot = &cert->slots[i];

		if (!slot->algorithm || slot->usage != signer->usage)
			continue;
		reason = signer->rsa_bytes ?
				 verify_rsa(chain, place, signer, slot) :
				 verify_ecdsa(chain, place, signer, slot);
		if (reason)
			return reason;
	}
	return reason;
}

static bool expected(const struct place *place, uint32_t usage)
{
	for (int i = 0; i < 2; i++)
		if (place->signers[i].link &&
		    places[place->signers[i].place].usage == usage)
			return true;
	return false;
}

static bool has_stranger(const struct sevlm__chain *chain,
			 enum sevlm__place place)
{
	const struct sevlm__cert_slot *slots = chain->certs[place].slots;

	for (int i = 0; i < 2; i++)
		if (slots[i].algorithm &&
		    !expected(&places[place], slots[i].usage))
			return true;
	return false;
}

/* what AMD's certificates have beside their signature */
static uint32_t check_amd(struct sevlm__chain *chain, enum sevlm__place place)
{
	const struct sevlm__cert *ark = &chain->certs[SEVLM__ARK];
	const struct sevlm__cert *cert = &chain->certs[place];
	const char *root;

	if (place == SEVLM__ARK) {
		root = sevlm__trust_root(chain->trust, chain->bytes[place],
					 cert);
		if (!root)
			return SEVLM_REASON_UNKNOWN_ROOT;
		chain->result->root = root;
	}
	if (memcmp(cert->certifying_id, ark->key_id, sizeof(ark->key_id)))
		return SEVLM_REASON_KEY_ID;
	return cert->rsa_bytes == ark->rsa_bytes ? 0 : SEVLM_REASON_ALGORITHM;
}

/* the pinned Naples ARK comes without its signature, which proves nothing */
static bool needs_none(const struct sevlm__chain *chain,
		       enum sevlm__place place)
{
	return place == SEVLM__ARK &&
	       chain->room[place] == CERT_AMD_UNSIGNED;
}

int sevlm__chain_verify_one(struct sevlm__chain *chain, enum sevlm__place place)
{
	const struct place *here = &places[place];
	uint32_t reason = decode(chain, place);

	if (!reason && chain->certs[place].rsa_bytes)
		reason = check_amd(chain, place);
	if (!reason && has_stranger(chain, place))
		reason = SEVLM_REASON_UNKNOWN_SIGNER;
	if (reason)
		return refuse_cert(chain, place, here->link, reason);
	if (needs_none(chain, place))
		return 0;
	for (int i = 0; i < 2; i++) {
		const struct signer *signer = &here->signers[i];

		if (signer->link)
			reason = verify_signer(chain, place, signer->place);
		if (reason)
			return refuse_cert(chain, place, signer->link, reason);
	}
	return 0;
}

static int verify_all(struct sevlm__chain *chain)
{
	static const struct {
		enum sevlm__place place;
		size_t digest;
	} kept[] = {
		{ SEVLM__CEK, offsetof(struct sevlm_chain_result, cek_digest) },
		{ SEVLM__OCA, offsetof(struct sevlm_chain_result, oca_digest) },
	};
	const struct sevlm__cert *pek = &chain->certs[SEVLM__PEK];
	struct sevlm_chain_result *result = chain->result;
	int ret = 0;

	for (int i = 0; !ret && i < SEVLM__PLACES; i++)
		ret = sevlm__chain_verify_one(chain, (enum sevlm__place)i);
	for (size_t i = 0; !ret && i < ARRAY_SIZE(kept); i++)
		ret = sevlm__key_digest(chain->bytes[kept[i].place],
					SEVLM_CERT_SIZE,
					(uint8_t *)result + kept[i].digest);
	if (ret)
		return ret;
	result->api_major = pek->api_major;
	result->api_minor = pek->api_minor;
	return 0;
}

static int judge(struct sevlm__chain *chain)
{
	struct sevlm_chain_result *result = chain->result;

	if (!sevlm__trust_admits(chain->trust, result->cek_digest,
				 result->oca_digest)) {
		memcpy(result->key_digest, result->cek_digest,
		       sizeof(result->key_digest));
		return refuse(result, SEVLM_LINK_ALLOWED,
			      SEVLM_REASON_NOT_ALLOWED);
	}
	if (!sevlm__trust_reaches(chain->trust, result->api_major,
				  result->api_minor))
		return refuse_cert(chain, SEVLM__PEK, SEVLM_LINK_FLOOR,
				   SEVLM_REASON_BELOW_FLOOR);
	return 0;
}

static int verify(const struct sevlm_peer *peer, struct sevlm__chain *chain)
{
	const uint8_t *platform = peer->chain, *amd = peer->amd;
	const size_t ask = sevlm__cert_split(peer->amd_bytes);
	int ret;

	if (!ask)
		return refuse(chain->result, SEVLM_LINK_ROOT,
			      SEVLM_REASON_MALFORMED);
	for (int i = 0; i < SEVLM__PLACES; i++)
		chain->room[i] = SEVLM_CERT_SIZE;
	chain->room[SEVLM__ARK] = peer->amd_bytes - ask;
	chain->room[SEVLM__ASK] = ask;
	chain->bytes[SEVLM__ARK] = amd + ask;
	chain->bytes[SEVLM__ASK] = amd;
	chain->bytes[SEVLM__CEK] = platform + CHAIN_CEK;
	chain->bytes[SEVLM__OCA] = platform + CHAIN_OCA;
	chain->bytes[SEVLM__PEK] = platform + CHAIN_PEK;
	chain->bytes[SEVLM__PDH] = peer->pdh;
	ret = verify_all(chain);
	return ret ? ret : judge(chain);
}

int sevlm__peer_copy(struct sevlm_peer *known, const struct sevlm_peer *peer)
{
	if (sevlm__copy_in(known, sizeof(*known), peer, sizeof(*known)))
		return -EINVAL;
	if (!known->pdh || !known->chain || !known->amd || !known->amd_bytes ||
	    known->amd_bytes > SEVLM_BLOB_MAX)
		return -EINVAL;
	return 0;
}

int sevlm__chain_check(struct sevlm__error *error, const char *whose,
		       const struct sevlm_peer *peer,
		       const struct sevlm_trust *trust,
		       struct sevlm_chain_result *ret_result)
{
	int ret;

	memset(ret_result, 0, sizeof(*ret_result));
	ret_result->size = sizeof(*ret_result);
	ret = sevlm_chain_verify(peer, trust, ret_result);
	if (ret)
		sevlm__fail(error, ret, "the %s's platform is not trusted: %s",
			    whose,
			    ret_result->sentence[0] ? ret_result->sentence :
						      sevlm_strerror(ret));
	return ret;
}

SEVLM_API int sevlm_chain_verify(const struct sevlm_peer *peer,
				 const struct sevlm_trust *trust,
				 struct sevlm_chain_result *ret_result)
{
	struct sevlm_chain_result result = {
		.size = sizeof(result),
		.root = "",
	};
	struct sevlm__cert certs[SEVLM__PLACES];
	struct sevlm__chain chain = {
		.trust = trust,
		.certs = certs,
		.result = &result,
	};
	struct sevlm_peer known;
	int ret, copied;

	if (!trust || !ret_result || sevlm__peer_copy(&known, peer))
		return -EINVAL;
	ret = verify(&known, &chain);
	copied = sevlm__copy_out(ret_result, &result, sizeof(result));
	return copied ? copied : ret;
}
