/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Secrets of an engine are gone before its memory is: whatever is freed in a
 * migration, however it ends, is looked through for the exporter value, the
 * session's key, with which notes and MACs are made, and the guest's state.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check-main.h"
#include "heap.h"
#include "internal.h"
#include "simulate.h"

#define RUNS 300u
#define GENERATIONS 2

static struct {
	uint8_t exporter[SEVLM_EXPORTER_SIZE];
	uint8_t key[SEVLM__DIGEST_SIZE];
	uint8_t nonces[2][SEVLM_NONCE_SIZE];
} secrets[GENERATIONS];

static struct run run;
static struct rig_hosts hosts;
/* free() is known not to read what is of this file only */
static volatile bool looking;
static uint64_t looked, checked;
static char found[160];

/* ---- what must not be there --------------------------------------------- */

static void make_key(void)
{
	char label[] = "sevlm session key";
	struct iovec parts[] = {
		{label, sizeof(label) - 1},
		{secrets[0].nonces, sizeof(secrets[0].nonces)},
	};

	sevlm__hmac(secrets[0].exporter, parts, 2, secrets[0].key);
}

/* Migrations follow one another; the engines of the last are freed late. */
static void learn(void)
{
	const struct rig *rig = &run.rig;
	const uint8_t *source = rig->source_config.nonce;
	const uint8_t *target = rig->target_config.nonce;

	if (!memcmp(secrets[0].nonces[0], source, SEVLM_NONCE_SIZE) &&
	    !memcmp(secrets[0].nonces[1], target, SEVLM_NONCE_SIZE))
		return;
	secrets[1] = secrets[0];
	memcpy(secrets[0].nonces[0], source, SEVLM_NONCE_SIZE);
	memcpy(secrets[0].nonces[1], target, SEVLM_NONCE_SIZE);
	memcpy(secrets[0].exporter, rig->source_config.exporter,
	       SEVLM_EXPORTER_SIZE);
	make_key();
}

static bool is_zero(const uint8_t *bytes)
{
	static const uint8_t zero[32];

	return !memcmp(bytes, zero, sizeof(zero));
}

static void look_for(const void *buf, size_t bytes, const uint8_t *secret,
		     const char *what)
{
	const uint8_t *at;

	if (is_zero(secret) || found[0])
		return;
	at = memmem(buf, bytes, secret, 32);
	if (at)
		snprintf(found, sizeof(found),
			 "%s at offset %zu of %zu bytes that were freed", what,
			 (size_t)(at - (const uint8_t *)buf), bytes);
}

/* the VMM's copy of the state, and the network */
static bool is_rigs(const void *buf)
{
	const struct rig *rig = &run.rig;

	return !rig->state || buf == rig->state || buf == rig->there.buf ||
	       buf == rig->back.buf;
}

static void look(const void *buf, size_t bytes)
{
	if (!looking || bytes < 32)
		return;
	looking = false;
	learn();
	for (int i = 0; i < GENERATIONS; i++) {
		look_for(buf, bytes, secrets[i].exporter, "the exporter value");
		look_for(buf, bytes, secrets[i].key, "the session's key");
	}
	if (run.rig.state_bytes >= 64 && !is_rigs(buf))
		look_for(buf, bytes, run.rig.state + 32, "the guest's state");
	looked++;
	checked += bytes;
	looking = true;
}

/* ---- every way to end --------------------------------------------------- */

static void setup(void)
{
	heap_freeing = look;
	looked = checked = 0;
	memset(found, 0, sizeof(found));
	memset(secrets, 0, sizeof(secrets));
	ck_assert_int_eq(rig_hosts_new(&hosts, 7, 2), 0);
}

static void teardown(void)
{
	looking = false;
	heap_freeing = NULL;
	rig_hosts_free(&hosts);
}

START_TEST(nothing_is_left_however_a_migration_ends)
{
	uint64_t ends[SEVLM_OUTCOME_LOST + 1] = {0};

	for (uint64_t seed = 1; seed <= RUNS; seed++) {
		run_draw(&run, seed);
		looking = true;
		ck_assert_msg(run_do(&run, &hosts, NULL), "seed %llu: %s",
			      (unsigned long long)seed, run.wrong);
		looking = false;
		hosts.left[1] += run.left;
		ck_assert_int_eq(rig_hosts_boot(&hosts), 0);
		ck_assert(rig_hosts_clean(&hosts));
		ck_assert_msg(!found[0], "seed %llu: %s",
			      (unsigned long long)seed, found);
		ends[run.outcome[0]]++;
	}
	ck_assert_uint_gt(looked, 100 * RUNS);
	for (uint32_t i = SEVLM_OUTCOME_COMPLETED; i <= SEVLM_OUTCOME_LOST; i++)
		ck_assert_msg(ends[i] > 0, "nothing ended %s",
			      rig_outcome_name(i));
}
END_TEST

/* ---- engines that could not be made ------------------------------------- */

static void open_rig(void)
{
	const struct rig_plan plan = {.seed = 3, .memory = 16 * RIG_PAGE};

	memset(&run, 0, sizeof(run));
	ck_assert_int_eq(rig_open(&run.rig, &hosts, &plan), 0);
}

static int make(bool target)
{
	struct rig *rig = &run.rig;

	return target ? sevlm_target_new(rig->target.vm, &rig->target_config,
					 &rig->target.target_engine)
		      : sevlm_source_new(rig->source.vm, &rig->source_config,
					 &rig->source.source_engine);
}

START_TEST(nothing_is_left_of_an_engine_that_fails_to_be)
{
	uint64_t n = 1;
	int ret;

	open_rig();
	looking = true;
	do {
		heap_fail(n++);
		ret = make(_i);
	} while (ret == -ENOMEM);
	heap_fail(0);
	looking = false;
	ck_assert_int_eq(ret, 0);
	ck_assert_uint_gt(n, 4);
	ck_assert_msg(!found[0], "%s", found);
	looking = true;
	rig_close(&run.rig);
	ck_assert_msg(!found[0], "%s", found);
}
END_TEST

START_TEST(nothing_is_left_of_a_refused_configuration)
{
	open_rig();
	if (_i)
		run.rig.target_config.amd_bytes = 1u << 20;
	else
		run.rig.source_config.batch_pages = 65;
	looking = true;
	ck_assert_int_eq(make(_i), -EINVAL);
	looking = false;
	ck_assert_uint_gt(looked, 0);
	ck_assert_msg(!found[0], "%s", found);
	rig_close(&run.rig);
}
END_TEST

/* ---- the test itself ---------------------------------------------------- */

START_TEST(a_secret_that_is_left_is_found)
{
	const struct rig *rig = &run.rig;
	/* or the compiler sees that nobody reads it */
	volatile uint8_t *leak = malloc(100);

	ck_assert_ptr_nonnull((void *)(uintptr_t)leak);
	open_rig();
	for (size_t i = 0; i < SEVLM_EXPORTER_SIZE; i++)
		leak[17 + i] = rig->source_config.exporter[i];
	looking = true;
	free((void *)(uintptr_t)leak);
	looking = false;
	ck_assert(strstr(found, "exporter value at offset 17"));
	rig_close(&run.rig);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("wiped");
	TCase *tcase = tcase_create("wiped");

	if (!heap_init())
		return 99;
	tcase_set_timeout(tcase, 300);
	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_secret_that_is_left_is_found);
	tcase_add_loop_test(tcase, nothing_is_left_of_a_refused_configuration,
			    0, 2);
	tcase_add_loop_test(
		tcase, nothing_is_left_of_an_engine_that_fails_to_be, 0, 2);
	tcase_add_test(tcase, nothing_is_left_however_a_migration_ends);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
