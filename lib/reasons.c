/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is wrong with a chain, in words for machines and for humans. */
#include <stdio.h>

#include "internal.h"

static const struct {
	const char *name;
	const char *words;
} links[] = {
	[SEVLM_LINK_NONE] = { "none", "the chain" },
	[SEVLM_LINK_ROOT] = { "root", "the root (ARK)" },
	[SEVLM_LINK_ASK] = { "ask", "the ASK, to be signed by the ARK," },
	[SEVLM_LINK_CEK] = { "cek", "the CEK, to be signed by the ASK," },
	[SEVLM_LINK_OCA] = { "oca", "the OCA, to be signed by itself," },
	[SEVLM_LINK_PEK] = { "pek", "the PEK" },
	[SEVLM_LINK_PEK_BY_OCA] = { "pek-by-oca",
				    "the PEK, to be signed by the OCA," },
	[SEVLM_LINK_PEK_BY_CEK] = { "pek-by-cek",
				    "the PEK, to be signed by the CEK," },
	[SEVLM_LINK_PDH] = { "pdh", "the PDH, to be signed by the PEK," },
	[SEVLM_LINK_ALLOWED] = { "allowed", "the platform" },
	[SEVLM_LINK_FLOOR] = { "floor", "the platform" },
};

static const struct {
	const char *name;
	const char *words;
} reasons[] = {
	[SEVLM_REASON_NONE] = { "none", "is good" },
	[SEVLM_REASON_MALFORMED] = { "malformed", "is malformed" },
	[SEVLM_REASON_USAGE] = { "usage",
				 "is a certificate of another usage" },
	[SEVLM_REASON_ALGORITHM] = { "algorithm",
				     "has an algorithm it must not have" },
	[SEVLM_REASON_CURVE] = { "curve", "has a curve other than P-384" },
	[SEVLM_REASON_POINT] = { "point",
				 "has a key that is no point of the curve" },
	[SEVLM_REASON_UNKNOWN_ROOT] = { "unknown-root",
					"is neither AMD's nor one that was "
					"added" },
	[SEVLM_REASON_KEY_ID] = { "key-id",
				  "names another key as its signer" },
	[SEVLM_REASON_UNSIGNED] = { "unsigned", "lacks that signature" },
	[SEVLM_REASON_UNKNOWN_SIGNER] = { "unknown-signer",
					  "is also signed by a key that has "
					  "no say in it" },
	[SEVLM_REASON_BAD_SIGNATURE] = { "bad-signature",
					 "does not verify" },
	[SEVLM_REASON_NOT_ALLOWED] = { "not-allowed", "is not listed" },
	[SEVLM_REASON_BELOW_FLOOR] = { "below-floor", "is too old" },
};

SEVLM_API const char *sevlm_chain_link_name(uint32_t link)
{
	return link < ARRAY_SIZE(links) ? links[link].name : "unknown";
}

SEVLM_API const char *sevlm_chain_reason_name(uint32_t reason)
{
	return reason < ARRAY_SIZE(reasons) ? reasons[reason].name : "unknown";
}

void sevlm__chain_words(struct sevlm_chain_result *result)
{
	const uint8_t *cek = result->cek_digest, *oca = result->oca_digest;
	const size_t room = sizeof(result->sentence);

	if (result->reason == SEVLM_REASON_NOT_ALLOWED)
		snprintf(result->sentence, room,
			 "neither its chip (CEK key %02x%02x%02x%02x...) nor "
			 "its owner (OCA key %02x%02x%02x%02x...) is trusted",
			 cek[0], cek[1], cek[2], cek[3], oca[0], oca[1], oca[2],
			 oca[3]);
	else if (result->reason == SEVLM_REASON_BELOW_FLOOR)
		snprintf(result->sentence, room,
			 "it claims API %u.%u, which is below the trusted floor",
			 result->api_major, result->api_minor);
	else if (result->link == SEVLM_LINK_CEK &&
		 result->reason == SEVLM_REASON_UNSIGNED)
		snprintf(result->sentence, room,
			 "the CEK is not signed by AMD: the downloaded "
			 "certificate must be put into the chain");
	else
		snprintf(result->sentence, room, "%s %s",
			 links[result->link].words,
			 reasons[result->reason].words);
}
