/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Lies about the platform: its key, its chip, its root. */
#include <string.h>

#include "attack-liar.h"

/* where a certificate has its key, and its first signature */
#define AT_KEY 20
#define AT_SIGNATURE 1052
#define SIGNED_PART 48

/* another chip of the same root, and keys below a root of one's own */
static struct certs other_chip;
static struct forge own_root;

static const struct certs *chip_of_another(void)
{
	if (!other_chip.amd_bytes)
		certs_of_seed(&other_chip, 4242);
	return &other_chip;
}

static const struct certs *chip_of_mine(void)
{
	if (!own_root.ark)
		forge_new(&own_root, 2048);
	return &own_root.certs;
}

/* at: the field; value: from where, with: how many bytes */
static bool flip(struct attack *attack, struct forged *record,
		 const struct lie *lie)
{
	uint64_t bit = rig_below(&attack->random, lie->with * 8);
	uint8_t *field = hello_field(record, lie->at);

	if (field)
		field[lie->value + bit / 8] ^= (uint8_t)(1u << bit % 8);
	return field != NULL;
}

/* with: a set of these fields */
static void show(struct forged *record, const struct certs *certs,
		 uint64_t fields)
{
	if (fields & 1u << PDH)
		hello_replace(record, PDH, certs->pdh, sizeof(certs->pdh));
	if (fields & 1u << CHAIN)
		hello_replace(record, CHAIN, certs->chain,
			      sizeof(certs->chain));
	if (fields & 1u << AMD)
		hello_replace(record, AMD, certs->amd, certs->amd_bytes);
}

static bool of_another(struct attack *attack, struct forged *record,
		       const struct lie *lie)
{
	(void)attack;
	show(record, chip_of_another(), lie->with);
	return true;
}

static bool of_mine(struct attack *attack, struct forged *record,
		    const struct lie *lie)
{
	(void)attack;
	show(record, chip_of_mine(), lie->with);
	return true;
}

/* the peer's own, as if it were ours */
static bool of_the_other_side(struct attack *attack, struct forged *record,
			      const struct lie *lie)
{
	show(record, &attack->rig.certs[!record->back], lie->with);
	return true;
}

/* as firmware exports it, without AMD's signature */
static bool unsigned_cek(struct attack *attack, struct forged *record,
			 const struct lie *lie)
{
	struct rig_side *side =
		record->back ? &attack->rig.target : &attack->rig.source;
	uint8_t pdh[SEVLM_PDH_SIZE], chain[SEVLM_CHAIN_SIZE];

	(void)lie;
	if (sevlm_vm_export_certs(side->vm, pdh, chain))
		return false;
	hello_replace(record, CHAIN, chain, sizeof(chain));
	return true;
}

static bool only_ask(struct attack *attack, struct forged *record,
		     const struct lie *lie)
{
	uint8_t ask[SEVLM_SIM_AMD_SIZE / 2];

	(void)attack;
	(void)lie;
	memcpy(ask, hello_field(record, AMD), sizeof(ask));
	hello_replace(record, AMD, ask, sizeof(ask));
	return true;
}

#define ALL (1u << PDH | 1u << CHAIN | 1u << AMD)
#define LIES(way, side)                                                        \
	{side "a bit of PDH's key",                                            \
	 way,                                                                  \
	 DUE_HELLO,                                                            \
	 flip,                                                                 \
	 false,                                                                \
	 PDH,                                                                  \
	 AT_KEY,                                                               \
	 SIGNED_PART},                                                         \
		{side "a bit of PEK's key",                                    \
		 way,                                                          \
		 DUE_HELLO,                                                    \
		 flip,                                                         \
		 false,                                                        \
		 CHAIN,                                                        \
		 AT_PEK + AT_KEY,                                              \
		 SIGNED_PART},                                                 \
		{side "a bit of OCA's key",                                    \
		 way,                                                          \
		 DUE_HELLO,                                                    \
		 flip,                                                         \
		 false,                                                        \
		 CHAIN,                                                        \
		 AT_OCA + AT_KEY,                                              \
		 SIGNED_PART},                                                 \
		{side "a bit of CEK's key",                                    \
		 way,                                                          \
		 DUE_HELLO,                                                    \
		 flip,                                                         \
		 false,                                                        \
		 CHAIN,                                                        \
		 AT_CEK + AT_KEY,                                              \
		 SIGNED_PART},                                                 \
		{side "a bit of CEK's signature",                              \
		 way,                                                          \
		 DUE_HELLO,                                                    \
		 flip,                                                         \
		 false,                                                        \
		 CHAIN,                                                        \
		 AT_CEK + AT_SIGNATURE,                                        \
		 256},                                                         \
		{side "a bit of PEK's signature",                              \
		 way,                                                          \
		 DUE_HELLO,                                                    \
		 flip,                                                         \
		 false,                                                        \
		 CHAIN,                                                        \
		 AT_PEK + AT_SIGNATURE,                                        \
		 SIGNED_PART},                                                 \
		{side "a bit of PDH's signature",                              \
		 way,                                                          \
		 DUE_HELLO,                                                    \
		 flip,                                                         \
		 false,                                                        \
		 PDH,                                                          \
		 AT_SIGNATURE,                                                 \
		 SIGNED_PART},                                                 \
		{side "a bit of ASK and ARK",                                  \
		 way,                                                          \
		 DUE_HELLO,                                                    \
		 flip,                                                         \
		 false,                                                        \
		 AMD,                                                          \
		 0,                                                            \
		 SEVLM_SIM_AMD_SIZE},                                          \
		{side "any bit of the chain",                                  \
		 way,                                                          \
		 DUE_EITHER,                                                   \
		 flip,                                                         \
		 false,                                                        \
		 CHAIN,                                                        \
		 0,                                                            \
		 SEVLM_CHAIN_SIZE},                                            \
		{side "another chip",                                          \
		 way,                                                          \
		 DUE_HELLO,                                                    \
		 of_another,                                                   \
		 false,                                                        \
		 0,                                                            \
		 0,                                                            \
		 ALL},                                                         \
		{side "another chip's PDH",                                    \
		 way,                                                          \
		 DUE_HELLO,                                                    \
		 of_another,                                                   \
		 false,                                                        \
		 0,                                                            \
		 0,                                                            \
		 1u << PDH},                                                   \
		{side "another chip's chain",                                  \
		 way,                                                          \
		 DUE_HELLO,                                                    \
		 of_another,                                                   \
		 false,                                                        \
		 0,                                                            \
		 0,                                                            \
		 1u << CHAIN},                                                 \
		{side "a root of its own",                                     \
		 way,                                                          \
		 DUE_HELLO,                                                    \
		 of_mine,                                                      \
		 false,                                                        \
		 0,                                                            \
		 0,                                                            \
		 ALL},                                                         \
		{side "own chain, AMD's root",                                 \
		 way,                                                          \
		 DUE_HELLO,                                                    \
		 of_mine,                                                      \
		 false,                                                        \
		 0,                                                            \
		 0,                                                            \
		 1u << PDH | 1u << CHAIN},                                     \
		{side "own root, AMD's chain",                                 \
		 way,                                                          \
		 DUE_HELLO,                                                    \
		 of_mine,                                                      \
		 false,                                                        \
		 0,                                                            \
		 0,                                                            \
		 1u << AMD},                                                   \
		{side "the other side's PDH",                                  \
		 way,                                                          \
		 DUE_HELLO,                                                    \
		 of_the_other_side,                                            \
		 false,                                                        \
		 0,                                                            \
		 0,                                                            \
		 1u << PDH},                                                   \
		{side "an unsigned CEK",                                       \
		 way,                                                          \
		 DUE_HELLO,                                                    \
		 unsigned_cek,                                                 \
		 false,                                                        \
		 0,                                                            \
		 0,                                                            \
		 0},                                                           \
	{                                                                      \
		side "no ARK", way, DUE_HELLO, only_ask, false, 0, 0, 0        \
	}

#define SRC ATTACK_THERE, RECORD_HELLO
#define TGT ATTACK_BACK, RECORD_HELLO

static const struct lie lies[] = {
	LIES(SRC, "source: "),
	LIES(TGT, "target: "),
};

const struct lies lies_certs = {lies, sizeof(lies) / sizeof(lies[0])};
