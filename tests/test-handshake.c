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

/* ---- contiguous memory ---- */

#define HUGE_PAGE 128u
#define PACKETS 16384

static bool blocks(const struct side *side, uint64_t page)
{
	struct sevlm__region region;

	ck_assert(sevlm__pages_find(side->vm->pages, page << PAGE_SHIFT, 1,
				    &region));
	return region.blocks;
}

static void add_contiguous(struct side *side, int packet)
{
	side->script.packet = packet;
	add(side, HUGE_PAGE, 16,
	    SEVLM_REGION_TRACKED | SEVLM_REGION_CONTIGUOUS);
}

START_TEST(nobody_asks_where_nothing_is_contiguous)
{
	say();
	ck_assert_int_eq(hear(&source, &target), 0);
	ck_assert_int_eq(sevlm__handshake_blocks(&source.engine, &source.heard),
			 0);
	ck_assert_uint_eq(source.heard.contiguous_count, 0);
	ck_assert_uint_eq(source.script.packet_asked, 0);
	ck_assert_uint_eq(target.script.packet_asked, 0);
}
END_TEST

/* what each side has, its VMM's word and its kernel's, and what it comes to */
static const struct {
	bool contiguous[2]; /* source, target */
	int packet[2];
	bool declared, blocks;
} pairs[] = {
	{{true, true}, {PACKETS, PACKETS}, true, true},
	{{true, true}, {PACKETS * 4, PACKETS * 4}, true, true},
	{{true, true}, {PACKETS - 1, PACKETS}, true, false},
	{{true, true}, {0, PACKETS}, true, false},
	{{true, true}, {-ENOTTY, PACKETS}, true, false},
	{{false, true}, {PACKETS, PACKETS}, true, false},
	{{true, false}, {PACKETS, PACKETS}, false, false},
	{{true, true}, {PACKETS, PACKETS - 1}, false, false},
	{{true, true}, {PACKETS, 0}, false, false},
	{{true, true}, {PACKETS, -EINVAL}, false, false},
};

START_TEST(blocks_where_both_can)
{
	struct side *sides[] = {&source, &target};

	for (int i = 0; i < 2; i++) {
		sides[i]->script.packet = pairs[_i].packet[i];
		add(sides[i], HUGE_PAGE, 16,
		    SEVLM_REGION_TRACKED | (pairs[_i].contiguous[i] ?
						    SEVLM_REGION_CONTIGUOUS :
						    0));
	}
	say();
	ck_assert_int_eq(hear(&target, &source), 0);
	ck_assert_int_eq(
		sevlm__handshake_regions(&target.engine, &target.heard), 0);
	ck_assert_int_eq(hear(&source, &target), 0);
	ck_assert_uint_eq(source.heard.contiguous_count, pairs[_i].declared);
	ck_assert(!blocks(&source, HUGE_PAGE));
	ck_assert_int_eq(sevlm__handshake_blocks(&source.engine, &source.heard),
			 0);
	ck_assert_int_eq(blocks(&source, HUGE_PAGE), pairs[_i].blocks);
	ck_assert_int_eq(blocks(&target, HUGE_PAGE), pairs[_i].declared);
	ck_assert(!blocks(&source, 0) && !blocks(&target, 0));
	/* another migration begins without */
	target.script.packet = 0;
	ck_assert_int_eq(
		sevlm__handshake_source(&source.engine, 0x21, pdh, chain), 0);
	ck_assert(!blocks(&source, HUGE_PAGE));
}
END_TEST

static uint8_t declared[2 * CONTIGUOUS_SIZE];

static const struct {
	uint64_t pages[2];
	int ret;
} declarations[] = {
	{{0, HUGE_PAGE}, 0},
	{{64, HUGE_PAGE}, 0},
	{{HUGE_PAGE, 0}, -EPROTO}, /* falls */
	{{HUGE_PAGE, HUGE_PAGE}, -EPROTO}, /* twice */
	{{0, HUGE_PAGE + 4}, -EPROTO}, /* within a region */
	{{0, HUGE_PAGE + 16}, -EPROTO}, /* behind the last */
	{{16, HUGE_PAGE}, -EPROTO}, /* in none */
	{{0, UINT64_MAX >> PAGE_SHIFT}, -EPROTO},
};

static void change_contiguous(void)
{
	hello.contiguous = declared;
	hello.contiguous_count = 2;
}

START_TEST(declared_regions_must_be_there)
{
	struct sevlm__writer w = sevlm__writer(declared, sizeof(declared));
	int ret;

	add_contiguous(&source, PACKETS);
	say();
	for (int i = 0; i < 2; i++)
		sevlm__put64(&w, declarations[_i].pages[i] << PAGE_SHIFT);
	ck_assert_int_eq(hear_changed(&source, &target, change_contiguous), 0);
	/* heard points into the copy that is gone: the bytes are the same */
	source.heard.contiguous = declared;
	ret = sevlm__handshake_blocks(&source.engine, &source.heard);
	ck_assert_int_eq(ret, declarations[_i].ret);
	ck_assert_int_eq(strlen(source.engine.error.text) > 0, ret != 0);
}
END_TEST

/* one byte off a page: no region begins there */
START_TEST(declared_address_is_not_rounded)
{
	struct sevlm__writer w = sevlm__writer(declared, sizeof(declared));

	add_contiguous(&source, PACKETS);
	say();
	sevlm__put64(&w, 0);
	sevlm__put64(&w, (HUGE_PAGE << PAGE_SHIFT) + 1);
	ck_assert_int_eq(hear_changed(&source, &target, change_contiguous), 0);
	source.heard.contiguous = declared;
	ck_assert_int_eq(sevlm__handshake_blocks(&source.engine, &source.heard),
			 -EPROTO);
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
	tcase_add_test(tcase, nobody_asks_where_nothing_is_contiguous);
	tcase_add_loop_test(tcase, blocks_where_both_can, 0,
			    ARRAY_SIZE(pairs));
	tcase_add_loop_test(tcase, declared_regions_must_be_there, 0,
			    ARRAY_SIZE(declarations));
	tcase_add_test(tcase, declared_address_is_not_rounded);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
