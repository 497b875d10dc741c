/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Chains that are good in themselves: whose they must be, how old, and what
 * the call makes of wrong arguments.
 */
#include "chain-fixture.h"

static void list_only(const struct certs *chip, const struct certs *owner)
{
	uint8_t digest[32];
	size_t bytes;
	const uint8_t *ark = certs_ark(&host, &bytes);

	sevlm_trust_free(trust);
	ck_assert_int_eq(sevlm_trust_new(&trust), 0);
	ck_assert_int_eq(sevlm_trust_add_root(trust, ark, bytes), 0);
	if (chip) {
		certs_key_digest(chip->chain + AT_CEK, digest);
		ck_assert_int_eq(sevlm_trust_add_chip(trust, digest), 0);
	}
	if (owner) {
		certs_key_digest(owner->chain + AT_OCA, digest);
		ck_assert_int_eq(sevlm_trust_add_owner(trust, digest), 0);
	}
}

static void not_listed(const struct certs *certs)
{
	uint8_t digest[32];

	refused(certs, SEVLM_LINK_ALLOWED, SEVLM_REASON_NOT_ALLOWED);
	certs_key_digest(certs->chain + AT_CEK, digest);
	ck_assert_mem_eq(result.key_digest, digest, 32);
	ck_assert_mem_eq(result.cek_digest, digest, 32);
}

START_TEST(only_the_chip_that_is_listed)
{
	list_only(&host, NULL);
	good(&host, "added");
	not_listed(&other);
}
END_TEST

START_TEST(only_the_owner_that_is_listed)
{
	list_only(NULL, &host);
	good(&host, "added");
	not_listed(&other);
}
END_TEST

START_TEST(either_list_admits)
{
	list_only(&host, &other);
	good(&host, "added");
	good(&other, "added");
}
END_TEST

START_TEST(who_lists_nobody_trusts_nobody)
{
	list_only(NULL, NULL);
	not_listed(&host);
}
END_TEST

/* a chip is not an owner, even with the same key in the list */
START_TEST(lists_are_not_mixed_up)
{
	uint8_t digest[32];

	list_only(NULL, NULL);
	certs_key_digest(host.chain + AT_CEK, digest);
	ck_assert_int_eq(sevlm_trust_add_owner(trust, digest), 0);
	certs_key_digest(host.chain + AT_OCA, digest);
	ck_assert_int_eq(sevlm_trust_add_chip(trust, digest), 0);
	not_listed(&host);
}
END_TEST

START_TEST(floor_of_the_api_version)
{
	static const struct {
		uint32_t major, minor;
		bool good;
	} floors[] = {
		{0, 0, true},	 {0, 23, true},	    {0, 24, true},
		{0, 25, false},	 {1, 0, false},	    {1, 24, false},
		{0, 255, false}, {255, 255, false},
	};

	ck_assert_int_eq(sevlm_trust_set_floor(trust, floors[_i].major,
					       floors[_i].minor),
			 0);
	if (floors[_i].good)
		good(&host, "added");
	else
		refused(&host, SEVLM_LINK_FLOOR, SEVLM_REASON_BELOW_FLOOR);
	ck_assert_uint_eq(result.api_minor, 24);
}
END_TEST

START_TEST(arguments_that_are_wrong)
{
	struct sevlm_peer peer = certs_peer(&host);

	result.size = sizeof(result);
	ck_assert_int_eq(sevlm_chain_verify(NULL, trust, &result), -EINVAL);
	ck_assert_int_eq(sevlm_chain_verify(&peer, NULL, &result), -EINVAL);
	ck_assert_int_eq(sevlm_chain_verify(&peer, trust, NULL), -EINVAL);
	peer.amd_bytes = 0;
	ck_assert_int_eq(sevlm_chain_verify(&peer, trust, &result), -EINVAL);
	peer.amd_bytes = SEVLM_BLOB_MAX + 1;
	ck_assert_int_eq(sevlm_chain_verify(&peer, trust, &result), -EINVAL);
	peer = certs_peer(&host);
	peer.chain = NULL;
	ck_assert_int_eq(sevlm_chain_verify(&peer, trust, &result), -EINVAL);
	peer = certs_peer(&host);
	result.size = 4;
	ck_assert_int_eq(sevlm_chain_verify(&peer, trust, &result), -EINVAL);
}
END_TEST

START_TEST(every_link_and_reason_has_a_name_of_its_own)
{
	for (uint32_t i = 0; i <= SEVLM_LINK_FLOOR; i++)
		for (uint32_t j = 0; j < i; j++)
			ck_assert_str_ne(sevlm_chain_link_name(i),
					 sevlm_chain_link_name(j));
	for (uint32_t i = 0; i <= SEVLM_REASON_BELOW_FLOOR; i++)
		for (uint32_t j = 0; j < i; j++)
			ck_assert_str_ne(sevlm_chain_reason_name(i),
					 sevlm_chain_reason_name(j));
	ck_assert_str_eq(sevlm_chain_link_name(SEVLM_LINK_FLOOR + 1),
			 "unknown");
	ck_assert_str_eq(sevlm_chain_reason_name(UINT32_MAX), "unknown");
}
END_TEST

static TCase *admission(void)
{
	TCase *tcase = tcase_create("admission");

	tcase_add_test(tcase, only_the_chip_that_is_listed);
	tcase_add_test(tcase, only_the_owner_that_is_listed);
	tcase_add_test(tcase, either_list_admits);
	tcase_add_test(tcase, who_lists_nobody_trusts_nobody);
	tcase_add_test(tcase, lists_are_not_mixed_up);
	tcase_add_loop_test(tcase, floor_of_the_api_version, 0, 8);
	tcase_add_test(tcase, arguments_that_are_wrong);
	tcase_add_test(tcase, every_link_and_reason_has_a_name_of_its_own);
	return tcase;
}

int main(void)
{
	TCase *tcases[] = {admission()};

	return run_chains(suite_create("chain-allowed"), tcases, 1);
}
