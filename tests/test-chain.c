/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Whole chains through the public call: those that are good, and everything
 * that may be wrong with one, each refused for its own reason at its own
 * place. Chains of the software host, and forged ones where it takes keys.
 */
#include <stdlib.h>

#include <openssl/core_names.h>

#include "chain-fixture.h"

START_TEST(chain_of_a_software_host_verifies)
{
	good(&host, "added");
	ck_assert_uint_eq(result.api_major, 0);
	ck_assert_uint_eq(result.api_minor, 24);
	good(&other, "added");
}
END_TEST

START_TEST(forged_chains_verify_below_their_own_root)
{
	trust_instead(_i ? &attacker : &forge2048);
	good(&work, "added");
	ck_assert_uint_eq(result.api_minor, 17);
}
END_TEST

/* the form in which AMD publishes one: there is nothing to verify */
START_TEST(root_of_2048_bits_may_lack_its_signature)
{
	trust_instead(&forge2048);
	work.amd_bytes -= 256;
	good(&work, "added");
}
END_TEST

START_TEST(root_of_4096_bits_may_not)
{
	work.amd_bytes -= 512;
	ck_assert_int_eq(verify(&work), -EBADMSG);
	ck_assert_uint_eq(result.link, SEVLM_LINK_ROOT);
	ck_assert_uint_eq(result.reason, SEVLM_REASON_MALFORMED);
}
END_TEST

START_TEST(software_root_is_trusted_by_name_only)
{
	sevlm_trust_free(trust);
	ck_assert_int_eq(sevlm_trust_new(&trust), 0);
	ck_assert_int_eq(sevlm_trust_allow_any_chip(trust), 0);
	refused(&host, SEVLM_LINK_ROOT, SEVLM_REASON_UNKNOWN_ROOT);
	ck_assert_str_eq(result.root, "");
}
END_TEST

static void copy_ids(uint8_t *to, const uint8_t *from)
{
	memcpy(to + 4, from + 4, 32);
}

/* AMD's key IDs are for anyone to choose: the root's bytes count */
START_TEST(root_of_an_attacker_with_the_right_ids)
{
	work = attacker.certs;
	copy_ids(work.amd, host.amd);
	copy_ids(work.amd + 1600, host.amd + 1600);
	forge_sign_amd(work.amd, 1600, attacker.ark);
	forge_sign_amd(work.amd + 1600, 1600, attacker.ark);
	refused(&work, SEVLM_LINK_ROOT, SEVLM_REASON_UNKNOWN_ROOT);
}
END_TEST

START_TEST(ask_of_an_attacker_below_the_true_root)
{
	work = attacker.certs;
	memcpy(work.amd + 1600, host.amd + 1600, 1600);
	copy_ids(work.amd, host.amd);
	forge_sign_amd(work.amd, 1600, attacker.ark);
	refused(&work, SEVLM_LINK_ASK, SEVLM_REASON_BAD_SIGNATURE);
	ck_assert_str_eq(result.root, "added");
}
END_TEST

START_TEST(chip_of_an_attacker_below_the_true_ask)
{
	memcpy(work.chain, attacker.certs.chain, sizeof(work.chain));
	memcpy(work.pdh, attacker.certs.pdh, sizeof(work.pdh));
	refused(&work, SEVLM_LINK_CEK, SEVLM_REASON_BAD_SIGNATURE);
}
END_TEST

START_TEST(root_signature_is_checked_where_it_is_there)
{
	work.amd[3199] ^= 1;
	refused(&work, SEVLM_LINK_ROOT, SEVLM_REASON_BAD_SIGNATURE);
}
END_TEST

START_TEST(key_ids_must_name_the_signer)
{
	trust_instead(&forge2048);
	work.amd[20] ^= 1;
	forge_sign_amd(work.amd, 832, forge2048.ark);
	refused(&work, SEVLM_LINK_ASK, SEVLM_REASON_KEY_ID);
}
END_TEST

/* where each certificate lies, and what it is refused as */
static const struct member {
	uint32_t link, usage;
	size_t at;
	bool pdh;
} members[] = {
	{SEVLM_LINK_PEK, SEVLM_USAGE_PEK, AT_PEK, false},
	{SEVLM_LINK_OCA, SEVLM_USAGE_OCA, AT_OCA, false},
	{SEVLM_LINK_CEK, SEVLM_USAGE_CEK, AT_CEK, false},
	{SEVLM_LINK_PDH, SEVLM_USAGE_PDH, 0, true},
};
#define MEMBERS ((int)ARRAY_SIZE(members))

static uint8_t *member(struct certs *certs, int i)
{
	return members[i].pdh ? certs->pdh : certs->chain + members[i].at;
}

/* the OCA and CEK are looked at before the PEK, the PDH last of all */
START_TEST(swapped_certificates)
{
	for (int i = 0; i < MEMBERS; i++) {
		if (i == _i)
			continue;
		work = host;
		memcpy(member(&work, _i), member(&host, i), CERT);
		refused(&work, members[_i].link, SEVLM_REASON_USAGE);
	}
}
END_TEST

START_TEST(ask_and_ark_the_wrong_way_round)
{
	memcpy(work.amd, host.amd + 1600, 1600);
	memcpy(work.amd + 1600, host.amd, 1600);
	refused(&work, SEVLM_LINK_ROOT, SEVLM_REASON_USAGE);
	work = host;
	memcpy(work.amd, host.amd + 1600, 1600);
	refused(&work, SEVLM_LINK_ASK, SEVLM_REASON_USAGE);
}
END_TEST

/* good in itself, another platform's: the signature above it is not its own */
START_TEST(certificate_of_another_platform)
{
	static const uint32_t links[] = {
		SEVLM_LINK_PEK_BY_OCA,
		SEVLM_LINK_PEK_BY_OCA,
		SEVLM_LINK_PEK_BY_CEK,
		SEVLM_LINK_PDH,
	};

	memcpy(member(&work, _i), member(&other, _i), CERT);
	refused(&work, links[_i], SEVLM_REASON_BAD_SIGNATURE);
}
END_TEST

static const struct change {
	size_t at;
	uint32_t value;
	uint32_t reason;
} changes[] = {
	{0, 0, SEVLM_REASON_MALFORMED}, /* version */
	{0, 2, SEVLM_REASON_MALFORMED},
	{4, 0x00011700, SEVLM_REASON_MALFORMED}, /* reserved */
	{8, 0x1000, SEVLM_REASON_USAGE},
	{8, 0x1005, SEVLM_REASON_USAGE},
	{12, 0, SEVLM_REASON_ALGORITHM},
	{12, 1, SEVLM_REASON_ALGORITHM}, /* RSA */
	{12, 0x101, SEVLM_REASON_ALGORITHM},
	{16, 1, SEVLM_REASON_CURVE}, /* P-256 */
	{16, 0, SEVLM_REASON_CURVE},
	{16, 3, SEVLM_REASON_CURVE},
	{20 + 48, 1, SEVLM_REASON_MALFORMED}, /* behind X */
	{20 + 68, 1u << 31, SEVLM_REASON_MALFORMED},
	{92 + 48, 1, SEVLM_REASON_MALFORMED}, /* behind Y */
	{164, 1, SEVLM_REASON_MALFORMED}, /* behind the point */
	{1040, 1u << 31, SEVLM_REASON_MALFORMED},
	{20, 0x12345678, SEVLM_REASON_POINT},
	{92, 0x12345678, SEVLM_REASON_POINT},
	{1044, 0x1005, SEVLM_REASON_UNKNOWN_SIGNER},
	{1044, 0x1000, SEVLM_REASON_UNKNOWN_SIGNER},
	{1048, 0x1ff, SEVLM_REASON_ALGORITHM}, /* of the signature */
};
#define CHANGES ((int)ARRAY_SIZE(changes))

/* the PEK's first slot is the OCA's */
static uint32_t link_of(int i, const struct change *change)
{
	return change->at == 1048 && members[i].link == SEVLM_LINK_PEK
		       ? SEVLM_LINK_PEK_BY_OCA
		       : members[i].link;
}

START_TEST(fields_that_must_be_as_they_are)
{
	const struct change *change = &changes[_i];

	for (int i = 0; i < MEMBERS; i++) {
		work = host;
		put_le32(member(&work, i) + change->at, change->value);
		refused(&work, link_of(i, change), change->reason);
	}
}
END_TEST

/* ECDSA is for signing, ECDH for the PDH */
START_TEST(algorithm_that_belongs_to_another_usage)
{
	for (int i = 0; i < MEMBERS; i++) {
		work = host;
		member(&work, i)[12] = members[i].pdh ? 2 : 3;
		refused(&work, members[i].link, SEVLM_REASON_ALGORITHM);
	}
}
END_TEST

START_TEST(point_with_a_zero_coordinate)
{
	uint8_t *cert = member(&work, _i / 3);

	if (_i % 3 != 1)
		memset(cert + 20, 0, 48);
	if (_i % 3 != 0)
		memset(cert + 92, 0, 48);
	refused(&work, members[_i / 3].link, SEVLM_REASON_POINT);
}
END_TEST

/* coordinates of the field's size and above */
START_TEST(point_beyond_the_field)
{
	memset(member(&work, _i) + 20, 0xff, 48);
	refused(&work, members[_i].link, SEVLM_REASON_POINT);
}
END_TEST

/* r, or s, of 0, of the order, of all ones; order: little-endian */
START_TEST(signature_numbers_out_of_range)
{
	static const uint8_t order[48] = {
		0x73, 0x29, 0xc5, 0xcc, 0x6a, 0x19, 0xec, 0xec, 0x7a, 0xa7,
		0xb0, 0x48, 0xb2, 0x0d, 0x1a, 0x58, 0xdf, 0x2d, 0x37, 0xf4,
		0x81, 0x4d, 0x63, 0xc7, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	};
	uint8_t *r = work.pdh + 1052, *s = r + 72;
	uint8_t *at = _i % 2 ? s : r;

	if (_i < 2)
		memset(at, 0, 72);
	else if (_i < 4)
		memcpy(at, order, sizeof(order));
	else if (_i < 6)
		memset(at, 0xff, 48);
	else if (_i < 8)
		at[48] = 1;
	else
		memset(r, 0, 144);
	refused(&work, SEVLM_LINK_PDH, SEVLM_REASON_BAD_SIGNATURE);
}
END_TEST

START_TEST(cek_as_firmware_exports_it)
{
	uint8_t *slot = work.chain + AT_CEK + 1044;

	memset(slot, 0, 520);
	put_le32(slot, SEVLM_USAGE_NONE);
	refused(&work, SEVLM_LINK_CEK, SEVLM_REASON_UNSIGNED);
	ck_assert_ptr_nonnull(strstr(result.sentence, "not signed by AMD"));
}
END_TEST

/* each that must have signed, taken away */
START_TEST(missing_signature)
{
	static const struct {
		size_t slot;
		uint32_t link;
		bool pdh;
	} slots[] = {
		{AT_OCA + 1044, SEVLM_LINK_OCA, false},
		{AT_PEK + 1044, SEVLM_LINK_PEK_BY_OCA, false},
		{AT_PEK + 1564, SEVLM_LINK_PEK_BY_CEK, false},
		{1044, SEVLM_LINK_PDH, true},
	};
	uint8_t *base = slots[_i].pdh ? work.pdh : work.chain;

	put_le32(base + slots[_i].slot + 4, 0);
	refused(&work, slots[_i].link, SEVLM_REASON_UNSIGNED);
}
END_TEST

/* an unused slot is filled: by a stranger, by one that has a say */
START_TEST(second_slot_counts_too)
{
	uint8_t *pdh;

	trust_instead(&forge2048);
	pdh = work.pdh;
	forge_sign(pdh, 1, SEVLM_USAGE_OCA, 2, forge2048.oca);
	refused(&work, SEVLM_LINK_PDH, SEVLM_REASON_UNKNOWN_SIGNER);
	forge_sign(pdh, 1, SEVLM_USAGE_PEK, 2, forge2048.oca);
	refused(&work, SEVLM_LINK_PDH, SEVLM_REASON_BAD_SIGNATURE);
	forge_sign(pdh, 1, SEVLM_USAGE_PEK, 0x102, forge2048.pek);
	good(&work, "added");
}
END_TEST

START_TEST(slots_may_stand_in_either_order)
{
	uint8_t *pek = work.chain + AT_PEK + 1044;

	memcpy(pek, host.chain + AT_PEK + 1564, 520);
	memcpy(pek + 520, host.chain + AT_PEK + 1044, 520);
	good(&work, "added");
}
END_TEST

/* AMD's server once wrote 0x10 into the unused one */
START_TEST(unused_bytes_may_hold_anything)
{
	uint8_t *cek = work.chain + AT_CEK, *pek = work.chain + AT_PEK;

	put_le32(cek + 1564, 0x10);
	memset(cek + 1572, 0x5a, 512);
	memset(pek + 1052 + 144, 0xa5, 512 - 144);
	memset(work.pdh + 2083, 1, 1);
	good(&work, "added");
}
END_TEST

START_TEST(cek_signed_by_another_algorithm)
{
	put_le32(work.chain + AT_CEK + 1048, _i ? 2 : 1);
	refused(&work, SEVLM_LINK_CEK, SEVLM_REASON_ALGORITHM);
}
END_TEST

START_TEST(hash_of_the_signature_is_the_one_it_names)
{
	uint8_t *algorithm = work.chain + AT_OCA + 1048;

	ck_assert_uint_eq(get_le32(algorithm), 2);
	put_le32(algorithm, 0x102);
	refused(&work, SEVLM_LINK_OCA, SEVLM_REASON_BAD_SIGNATURE);
}
END_TEST

START_TEST(blob_of_a_size_that_no_two_have)
{
	static const size_t sizes[] = {1,    64,   576,	 832,  1152, 1407, 1409,
				       1600, 1663, 1665, 2176, 2432, 3199};
	struct sevlm_peer peer = certs_peer(&host);

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		peer.amd_bytes = sizes[i];
		result.size = sizeof(result);
		ck_assert_int_eq(sevlm_chain_verify(&peer, trust, &result),
				 -EBADMSG);
		ck_assert_uint_eq(result.link, SEVLM_LINK_ROOT);
		ck_assert_uint_eq(result.reason, SEVLM_REASON_MALFORMED);
	}
}
END_TEST

static TCase *good_chains(void)
{
	TCase *tcase = tcase_create("good");

	tcase_add_test(tcase, chain_of_a_software_host_verifies);
	tcase_add_loop_test(tcase, forged_chains_verify_below_their_own_root, 0,
			    2);
	tcase_add_test(tcase, root_of_2048_bits_may_lack_its_signature);
	tcase_add_test(tcase, slots_may_stand_in_either_order);
	tcase_add_test(tcase, unused_bytes_may_hold_anything);
	return tcase;
}

static TCase *roots(void)
{
	TCase *tcase = tcase_create("roots");

	tcase_add_test(tcase, root_of_4096_bits_may_not);
	tcase_add_test(tcase, software_root_is_trusted_by_name_only);
	tcase_add_test(tcase, root_of_an_attacker_with_the_right_ids);
	tcase_add_test(tcase, ask_of_an_attacker_below_the_true_root);
	tcase_add_test(tcase, chip_of_an_attacker_below_the_true_ask);
	tcase_add_test(tcase, root_signature_is_checked_where_it_is_there);
	tcase_add_test(tcase, key_ids_must_name_the_signer);
	tcase_add_test(tcase, ask_and_ark_the_wrong_way_round);
	tcase_add_test(tcase, blob_of_a_size_that_no_two_have);
	return tcase;
}

static TCase *certificates(void)
{
	TCase *tcase = tcase_create("certificates");

	tcase_add_loop_test(tcase, swapped_certificates, 0, MEMBERS);
	tcase_add_loop_test(tcase, certificate_of_another_platform, 0, MEMBERS);
	tcase_add_loop_test(tcase, fields_that_must_be_as_they_are, 0, CHANGES);
	tcase_add_test(tcase, algorithm_that_belongs_to_another_usage);
	tcase_add_loop_test(tcase, point_with_a_zero_coordinate, 0,
			    3 * MEMBERS);
	tcase_add_loop_test(tcase, point_beyond_the_field, 0, MEMBERS);
	return tcase;
}

static TCase *signatures(void)
{
	TCase *tcase = tcase_create("signatures");

	tcase_add_loop_test(tcase, signature_numbers_out_of_range, 0, 9);
	tcase_add_test(tcase, cek_as_firmware_exports_it);
	tcase_add_loop_test(tcase, missing_signature, 0, 4);
	tcase_add_test(tcase, second_slot_counts_too);
	tcase_add_loop_test(tcase, cek_signed_by_another_algorithm, 0, 2);
	tcase_add_test(tcase, hash_of_the_signature_is_the_one_it_names);
	return tcase;
}

int main(void)
{
	TCase *tcases[] = {good_chains(), roots(), certificates(),
			   signatures()};

	return run_chains(suite_create("chain"), tcases, ARRAY_SIZE(tcases));
}
