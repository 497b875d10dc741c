/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a side says in HELLO, and what it takes from its peer's. */
#include <errno.h>
#include <stdlib.h>

#include "check-main.h"
#include "engine.h"
#include "script.h"

struct side {
	struct script script;
	struct sevlm_vm *vm;
	struct sevlm__engine engine;
	struct sevlm__hello heard; /* points into the peer's body */
	uint8_t body[RECORD_BODY_LEAST];
	size_t bytes;
};

static struct side source, target;
static uint8_t pdh[SEVLM_PDH_SIZE], chain[SEVLM_CHAIN_SIZE], amd[64];
static struct sevlm_trust *trust;

static void put_up(struct side *side, uint32_t role, uint32_t max_body)
{
	struct sevlm__engine *engine = &side->engine;

	memset(side, 0, sizeof(*side));
	side->vm = script_vm(&side->script);
	ck_assert_int_eq(sevlm__engine_init(engine, side->vm, role, max_body,
					    RECORD_BODY_LEAST),
			 0);
	engine->channel = SEVLM_CHANNEL_DECLARED;
	memset(engine->exporter, 0xe0, sizeof(engine->exporter));
	memset(engine->nonces[role - 1], (int)role, SEVLM_NONCE_SIZE);
	ck_assert_int_eq(
		sevlm__engine_identify(engine, trust, NULL, amd, sizeof(amd)),
		0);
}

static void add(struct side *side, uint64_t page, uint64_t pages, uint32_t type)
{
	ck_assert_int_eq(sevlm_vm_add_region(side->vm, page << PAGE_SHIFT,
					     pages << PAGE_SHIFT,
					     (void *)0x100000, type),
			 0);
}

static void set_up(void)
{
	memset(pdh, 0x0d, sizeof(pdh));
	memset(chain, 0x0c, sizeof(chain));
	memset(amd, 0x0a, sizeof(amd));
	ck_assert_int_eq(sevlm_trust_new(&trust), 0);
	ck_assert_int_eq(sevlm_trust_allow_any_chip(trust), 0);
	put_up(&source, ROLE_SOURCE, RECORD_BODY_LEAST);
	put_up(&target, ROLE_TARGET, RECORD_BODY_MAX);
	ck_assert_int_eq(sevlm_vm_offer(source.vm, 0), 0);
	ck_assert_int_eq(
		sevlm_vm_wrmsr(source.vm, SEVLM_MSR_MIGRATION_CONTROL, 1), 0);
	add(&source, 0, 16, SEVLM_REGION_TRACKED);
	add(&source, 64, 4, SEVLM_REGION_PRIVATE);
	add(&target, 64, 4, SEVLM_REGION_PRIVATE);
	add(&target, 0, 16, SEVLM_REGION_TRACKED);
}

static void put_down(struct side *side)
{
	sevlm__engine_fini(&side->engine);
	sevlm_vm_free(side->vm);
}

static void tear_down(void)
{
	put_down(&source);
	put_down(&target);
	sevlm_trust_free(trust);
}

/* the body of what a side has just said */
static void take(struct side *side)
{
	static uint8_t wire[sizeof(side->body) + 64];
	const size_t skip = RECORD_MAGIC_SIZE + RECORD_HEADER_SIZE;
	struct sevlm__record record;
	struct iovec iov[8];
	size_t count = ARRAY_SIZE(iov), bytes = 0;

	sevlm__outbox_output(&side->engine.outbox, iov, &count);
	for (size_t i = 0; i < count; i++) {
		memcpy(wire + bytes, iov[i].iov_base, iov[i].iov_len);
		bytes += iov[i].iov_len;
	}
	ck_assert_uint_gt(bytes, skip);
	ck_assert_int_eq(
		sevlm__record_decode(wire + RECORD_MAGIC_SIZE, &record), 0);
	ck_assert_uint_eq(record.type, RECORD_HELLO);
	ck_assert_uint_eq(record.sequence, 0);
	ck_assert_uint_eq(record.length, bytes - skip);
	side->bytes = bytes - skip;
	memcpy(side->body, wire + skip, side->bytes);
}

static void say(void)
{
	ck_assert_int_eq(
		sevlm__handshake_source(&source.engine, 0x21, pdh, chain), 0);
	ck_assert_int_eq(sevlm__handshake_target(&target.engine, pdh, chain),
			 0);
	take(&source);
	take(&target);
}

static int hear(struct side *side, const struct side *peer)
{
	return sevlm__handshake_check(&side->engine, peer->body, peer->bytes,
				      &side->heard);
}

/* ---- understanding ---- */

START_TEST(both_agree)
{
	say();
	ck_assert_int_eq(hear(&target, &source), 0);
	ck_assert_int_eq(hear(&source, &target), 0);
	ck_assert_int_eq(
		sevlm__handshake_regions(&target.engine, &target.heard), 0);
	ck_assert_uint_eq(target.heard.policy, 0x21);
	ck_assert_uint_eq(target.heard.control, 3);
	ck_assert_uint_eq(target.heard.region_count, 2);
	ck_assert_uint_eq(source.heard.amd_bytes, sizeof(amd));
	ck_assert_mem_eq(source.heard.amd, amd, sizeof(amd));
	ck_assert_uint_eq(source.engine.peer_max_body, RECORD_BODY_MAX);
	ck_assert_uint_eq(target.engine.peer_max_body, RECORD_BODY_LEAST);
	ck_assert_mem_eq(source.engine.nonces, target.engine.nonces,
			 sizeof(source.engine.nonces));
	ck_assert_mem_eq(source.engine.key, target.engine.key,
			 sizeof(source.engine.key));
}
END_TEST

/* nobody who reads HELLO learns the exporter value */
START_TEST(exporter_stays_home)
{
	say();
	for (size_t i = 0; i + 32 <= source.bytes; i++)
		ck_assert(memcmp(source.body + i, source.engine.exporter, 32));
}
END_TEST

/* hang-up and the like do not travel */
START_TEST(control_bits)
{
	atomic_store(&source.vm->control, ~0u);
	say();
	ck_assert_int_eq(hear(&target, &source), 0);
	ck_assert_uint_eq(target.heard.control, 3);
}
END_TEST

/* ---- channel ---- */

START_TEST(other_exporter)
{
	source.engine.exporter[_i] ^= 1;
	say();
	ck_assert_int_eq(hear(&target, &source), -EKEYREJECTED);
	ck_assert_int_eq(hear(&source, &target), -EKEYREJECTED);
	ck_assert_str_ne(target.engine.error.text, "");
}
END_TEST

START_TEST(other_channel)
{
	source.engine.channel = SEVLM_CHANNEL_INSECURE;
	say();
	ck_assert_int_eq(hear(&target, &source), -EKEYREJECTED);
	ck_assert_int_eq(hear(&source, &target), -EKEYREJECTED);
	ck_assert_str_ne(source.engine.error.text, "");
}
END_TEST

START_TEST(own_echo)
{
	say();
	ck_assert_int_eq(hear(&source, &source), -EPROTO);
	ck_assert_int_eq(hear(&target, &target), -EPROTO);
	ck_assert_ptr_nonnull(strstr(source.engine.error.text, "source too"));
	ck_assert_ptr_nonnull(strstr(target.engine.error.text, "target too"));
}
END_TEST

/* ---- a HELLO with one thing changed ---- */

static struct sevlm__hello hello;

static void change_versions_up(void)
{
	hello.version_min = 2;
	hello.version_max = 3;
}

static void change_versions_wide(void)
{
	hello.version_max = 9;
}

static void change_role(void)
{
	hello.role = 3;
}

static void change_no_role(void)
{
	hello.role = 0;
}

static void change_room(void)
{
	hello.max_body = RECORD_BODY_LEAST - 1;
}

static void change_pdh(void)
{
	hello.pdh = NULL;
}

static void change_chain(void)
{
	hello.chain = NULL;
}

static void change_amd(void)
{
	hello.amd = NULL;
}

static void change_regions(void)
{
	hello.regions = NULL;
}

static void change_binding(void)
{
	hello.binding[31] ^= 0x80;
}

static void change_nothing(void)
{
}

static const struct {
	void (*change)(void);
	int by_source, by_target; /* what each makes of its peer's */
} changes[] = {
	{change_nothing, 0, 0},
	{change_versions_up, -EPROTO, -EPROTO},
	{change_versions_wide, 0, 0},
	{change_role, -EPROTO, -EPROTO},
	{change_no_role, -EPROTO, -EPROTO},
	{change_room, -EPROTO, -EPROTO},
	{change_pdh, -EPROTO, -EPROTO},
	{change_chain, -EPROTO, -EPROTO},
	{change_amd, -EPROTO, -EPROTO},
	{change_regions, 0, -EPROTO},
	{change_binding, -EKEYREJECTED, -EKEYREJECTED},
};

static int hear_changed(struct side *side, struct side *peer,
			void (*change)(void))
{
	struct side copy;

	ck_assert_int_eq(sevlm__hello_decode(peer->body, peer->bytes, &hello),
			 0);
	change();
	copy.bytes = sevlm__hello_encode(&hello, copy.body, sizeof(copy.body));
	ck_assert_uint_gt(copy.bytes, 0);
	return hear(side, &copy);
}

START_TEST(changed)
{
	int ret;

	say();
	ret = hear_changed(&source, &target, changes[_i].change);
	ck_assert_int_eq(ret, changes[_i].by_source);
	ck_assert_int_eq(strlen(source.engine.error.text) > 0, ret != 0);
	ret = hear_changed(&target, &source, changes[_i].change);
	ck_assert_int_eq(ret, changes[_i].by_target);
	ck_assert_int_eq(strlen(target.engine.error.text) > 0, ret != 0);
}
END_TEST

START_TEST(malformed)
{
	say();
	source.bytes--;
	ck_assert_int_eq(hear(&target, &source), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(target.engine.error.text, "malformed"));
	/* a field of another world */
	memcpy(source.body + source.bytes, "\0", 1);
	source.bytes++;
	memcpy(source.body + source.bytes, "\x40\0\1\0\0\0\0", 8);
	source.bytes += 8;
	ck_assert_int_eq(hear(&target, &source), -EPROTO);
	ck_assert_ptr_nonnull(strstr(target.engine.error.text, "required"));
}
END_TEST

/* ---- regions ---- */

static void forget(uint64_t gpa)
{
	ck_assert_int_eq(sevlm_vm_remove_region(target.vm, gpa), 0);
}

static void one_more(void)
{
	add(&target, 100, 1, SEVLM_REGION_TRACKED);
}

static void one_more_in_front(void)
{
	forget(0);
	add(&target, 2, 14, SEVLM_REGION_TRACKED);
	add(&target, 0, 2, SEVLM_REGION_TRACKED);
}

static void one_less(void)
{
	forget(64 << PAGE_SHIFT);
}

static void none(void)
{
	forget(0);
	forget(64 << PAGE_SHIFT);
}

static void elsewhere(void)
{
	forget(64 << PAGE_SHIFT);
	add(&target, 65, 4, SEVLM_REGION_PRIVATE);
}

static void shorter(void)
{
	forget(64 << PAGE_SHIFT);
	add(&target, 64, 3, SEVLM_REGION_PRIVATE);
}

static void other_type(void)
{
	forget(64 << PAGE_SHIFT);
	add(&target, 64, 4, SEVLM_REGION_SKIP);
}

static void (*const memories[])(void) = {
	one_more,  one_more_in_front, one_less,	  none,
	elsewhere, shorter,	      other_type,
};

START_TEST(other_memory)
{
	memories[_i]();
	say();
	ck_assert_int_eq(hear(&target, &source), 0);
	ck_assert_int_eq(
		sevlm__handshake_regions(&target.engine, &target.heard),
		-EPROTO);
	ck_assert_ptr_nonnull(
		strstr(target.engine.error.text, "the RAM differs"));
}
END_TEST

/* each field of a region as it comes, not only its sum */
START_TEST(malformed_regions)
{
	static const struct {
		size_t at;
		uint8_t flip;
	} cases[] = {{0, 1}, {8, 1}, {16, 0x10}, {20, 3}, {23, 0x80}};

	say();
	ck_assert_int_eq(hear(&target, &source), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint8_t *at = (uint8_t *)target.heard.regions + REGION_SIZE +
			      cases[i].at;

		*at ^= cases[i].flip;
		ck_assert_int_eq(
			sevlm__handshake_regions(&target.engine, &target.heard),
			-EBADMSG);
		*at ^= cases[i].flip;
	}
	ck_assert_int_eq(
		sevlm__handshake_regions(&target.engine, &target.heard), 0);
}
END_TEST

/* the most regions there are fit into HELLO */
START_TEST(most_regions)
{
	for (uint64_t i = 2; i < SEVLM_MAX_REGIONS; i++) {
		add(&source, 1000 + 2 * i, 1, SEVLM_REGION_SHARED);
		add(&target, 1000 + 2 * i, 1, SEVLM_REGION_SHARED);
	}
	say();
	ck_assert_int_eq(hear(&target, &source), 0);
	ck_assert_uint_eq(target.heard.region_count, SEVLM_MAX_REGIONS);
	ck_assert_int_eq(
		sevlm__handshake_regions(&target.engine, &target.heard), 0);
}
END_TEST

START_TEST(no_slot)
{
	for (int i = 0; i < OUTBOX_SLOTS; i++)
		ck_assert_int_eq(sevlm__engine_send(&source.engine,
						    RECORD_ABORT, "12345678",
						    8),
				 0);
	ck_assert_int_eq(sevlm__handshake_source(&source.engine, 1, pdh, chain),
			 -EAGAIN);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("handshake");
	TCase *tcase = tcase_create("handshake");

	tcase_add_checked_fixture(tcase, set_up, tear_down);
	tcase_add_test(tcase, both_agree);
	tcase_add_test(tcase, exporter_stays_home);
	tcase_add_test(tcase, control_bits);
	tcase_add_loop_test(tcase, other_exporter, 0, SEVLM_EXPORTER_SIZE);
	tcase_add_test(tcase, other_channel);
	tcase_add_test(tcase, own_echo);
	tcase_add_loop_test(tcase, changed, 0, ARRAY_SIZE(changes));
	tcase_add_test(tcase, malformed);
	tcase_add_loop_test(tcase, other_memory, 0, ARRAY_SIZE(memories));
	tcase_add_test(tcase, malformed_regions);
	tcase_add_test(tcase, most_regions);
	tcase_add_test(tcase, no_slot);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
