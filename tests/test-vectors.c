/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The committed vectors: made from known fields, and read back. */
#include <errno.h>
#include <stdlib.h>

#include "certs.h"
#include "check-main.h"
#include "engine.h"
#include "vectors.h"

static struct certs certs;
static uint8_t body[1u << 16];

/* ---- bodies from fields ---- */

static struct sevlm__hello hello_of(uint32_t role, uint32_t max_body,
				    const char *nonce)
{
	struct sevlm__hello hello = {
		.version_min = 1,
		.version_max = 1,
		.role = role,
		.max_body = max_body,
		.channel = SEVLM_CHANNEL_DECLARED,
		.pdh = certs.pdh,
		.chain = certs.chain,
		.amd = certs.amd,
		.amd_bytes = (uint32_t)certs.amd_bytes,
	};

	memcpy(hello.nonce, vector(nonce)->body, sizeof(hello.nonce));
	memcpy(hello.binding, vector("binding")->body, sizeof(hello.binding));
	return hello;
}

static size_t make_hello_source(void)
{
	struct sevlm__hello hello;
	struct sevlm__region region = {
		.gpa = 0x100000,
		.bytes = 0x8000,
		.type = SEVLM_REGION_TRACKED,
	};
	uint8_t regions[REGION_SIZE];

	certs_of_seed(&certs, VECTORS_SOURCE);
	hello = hello_of(ROLE_SOURCE, 65536, "nonce-source");
	sevlm__region_encode(&region, REGION_ADD, regions);
	hello.policy = SEVLM_POLICY_NODBG;
	hello.control = SEVLM_CONTROL_OFFERED | SEVLM_CONTROL_READY;
	hello.regions = regions;
	hello.region_count = 1;
	return sevlm__hello_encode(&hello, body, sizeof(body));
}

static size_t make_hello_target(void)
{
	struct sevlm__hello hello;

	certs_of_seed(&certs, VECTORS_TARGET);
	hello = hello_of(ROLE_TARGET, RECORD_BODY_MAX, "nonce-target");
	return sevlm__hello_encode(&hello, body, sizeof(body));
}

static size_t make_start(void)
{
	struct sevlm__writer w = sevlm__writer(body, sizeof(body));

	sevlm__put64(&w, SEVLM_POLICY_NODBG);
	memset(sevlm__put(&w, SEVLM_SESSION_SIZE), 0xc1, SEVLM_SESSION_SIZE);
	return sizeof(body) - w.left;
}

static size_t make_round(void)
{
	struct sevlm__writer w = sevlm__writer(body, sizeof(body));

	sevlm__put64(&w, 8);
	return sizeof(body) - w.left;
}

static size_t make_pages(void)
{
	struct sevlm__writer w = sevlm__writer(body, sizeof(body));

	sevlm__put64(&w, 3);
	sevlm__put64(&w, 0x100000 | KIND_PRIVATE);
	sevlm__put64(&w, 0x101000 | KIND_SHARED);
	sevlm__put64(&w, 0x102000 | KIND_ZERO);
	memset(sevlm__put(&w, SEVLM_PACKET_HEADER_SIZE), 0xd1,
	       SEVLM_PACKET_HEADER_SIZE);
	memset(sevlm__put(&w, PAGE_SIZE), 0xd2, PAGE_SIZE);
	for (uint32_t i = 0; i < PAGE_SIZE; i++)
		sevlm__put_le(&w, 0xe0 + i % 16, 1);
	return sizeof(body) - w.left;
}

static size_t make_pages_block(void)
{
	struct sevlm__writer w = sevlm__writer(body, sizeof(body));

	sevlm__put64(&w, 2);
	sevlm__put64(&w, 0x100000 | KIND_BLOCK);
	sevlm__put64(&w, 0x104000 | KIND_ZERO);
	memset(sevlm__put(&w, SEVLM_PACKET_HEADER_SIZE), 0xd1,
	       SEVLM_PACKET_HEADER_SIZE);
	memset(sevlm__put(&w, BLOCK_SIZE), 0xd2, BLOCK_SIZE);
	return sizeof(body) - w.left;
}

static size_t make_free(void)
{
	struct sevlm__writer w = sevlm__writer(body, sizeof(body));

	sevlm__put64(&w, 0x103000);
	sevlm__put64(&w, 4);
	sevlm__put64(&w, 0x107000);
	sevlm__put64(&w, 1);
	return sizeof(body) - w.left;
}

static size_t make_region(void)
{
	struct sevlm__region region = {
		.gpa = 0x200000,
		.bytes = 0x4000,
		.type = SEVLM_REGION_SKIP,
	};

	sevlm__region_encode(&region, REGION_ADD, body);
	return REGION_SIZE;
}

static size_t make_shared(void)
{
	static const struct sevlm__span spans[] = {
		{.gpa = 0xc0000, .pages = 64, .all = true},
		{.gpa = 0x101000, .pages = 66, .bitmap = {3, 2}},
	};
	struct sevlm__writer w = sevlm__writer(body, sizeof(body));

	sevlm__span_encode(&spans[0], &w);
	sevlm__span_encode(&spans[1], &w);
	return sizeof(body) - w.left;
}

static size_t make_state(void)
{
	struct sevlm__state_piece piece = {.id = 7, .total = 5};

	sevlm__state_encode(&piece, body);
	memcpy(body + STATE_HEAD_SIZE, "state", 5);
	return STATE_HEAD_SIZE + 5;
}

static void hash_vector(struct sevlm__hash *hash, const char *name,
			size_t bytes)
{
	const struct vector *record = vector(name);

	if (bytes > record->bytes)
		bytes = record->bytes;
	ck_assert_int_eq(
		sevlm__hash_update(hash, record->header, RECORD_HEADER_SIZE),
		0);
	ck_assert_int_eq(sevlm__hash_update(hash, record->body, bytes), 0);
}

/* SHA-256 over what docs/stream.md calls the transcript, to END or with it */
static void transcript(bool with_end, uint8_t *digest)
{
	static const char *const names[] = {
		"HELLO-SOURCE", "HELLO-TARGET", "START",  "ROUND", "PAGES",
		"FREE",		"REGION",	"SHARED", "STATE", "END",
	};
	struct sevlm__hash *hash;

	ck_assert_int_eq(sevlm__hash_new(&hash), 0);
	for (size_t i = 0; i < ARRAY_SIZE(names) - !with_end; i++)
		hash_vector(hash, names[i], i == 4 ? 8 + 3 * 8 + 52 : SIZE_MAX);
	ck_assert_int_eq(sevlm__hash_peek(hash, digest), 0);
	sevlm__hash_free(hash);
}

static size_t make_end(void)
{
	struct sevlm__end end = {
		.private_pages = 1,
		.shared_pages = 1,
		.zero_pages = 1,
		.freed_pages = 5,
		.control = 3,
	};

	transcript(false, end.digest);
	sevlm__end_encode(&end, body);
	return END_SIZE;
}

static size_t make_prepared(void)
{
	transcript(true, body);
	return SEVLM__DIGEST_SIZE;
}

static struct sevlm__engine engine_of(uint32_t role)
{
	struct sevlm__engine engine = {.role = role};

	memcpy(engine.exporter, vector("exporter")->body, 32);
	memcpy(engine.nonces[0], vector("nonce-source")->body, 32);
	memcpy(engine.nonces[1], vector("nonce-target")->body, 32);
	ck_assert_int_eq(sevlm__commit_key(&engine), 0);
	return engine;
}

static size_t make_mac(uint32_t role, uint16_t type)
{
	struct sevlm__engine engine = engine_of(role);

	ck_assert_int_eq(sevlm__commit_mac(&engine, role, type, body), 0);
	return SEVLM__DIGEST_SIZE;
}

static size_t make_commit(void)
{
	return make_mac(ROLE_SOURCE, RECORD_COMMIT);
}

static size_t make_started(void)
{
	return make_mac(ROLE_TARGET, RECORD_STARTED);
}

static size_t make_never(void)
{
	return make_mac(ROLE_TARGET, RECORD_NEVER);
}

static size_t make_lost(void)
{
	return make_mac(ROLE_TARGET, RECORD_LOST);
}

static size_t make_abort(void)
{
	return sevlm__abort_encode(-EKEYREJECTED, "not my peer", body);
}

static size_t make_resolve(uint32_t role, uint32_t verdict)
{
	struct sevlm__engine engine = engine_of(role);
	struct sevlm__resolve resolve = {.role = role, .verdict = verdict};

	memcpy(resolve.token, engine.token, sizeof(resolve.token));
	ck_assert_int_eq(sevlm__commit_verdict(&engine, role, verdict,
					       resolve.mac),
			 0);
	sevlm__resolve_encode(&resolve, body);
	return RESOLVE_SIZE;
}

static size_t make_committed(void)
{
	return make_resolve(ROLE_SOURCE, VERDICT_COMMITTED);
}

static size_t make_kept(void)
{
	return make_resolve(ROLE_SOURCE, VERDICT_KEPT);
}

static size_t make_has_started(void)
{
	return make_resolve(ROLE_TARGET, VERDICT_STARTED);
}

static size_t make_never_will(void)
{
	return make_resolve(ROLE_TARGET, VERDICT_NEVER);
}

static size_t make_has_lost(void)
{
	return make_resolve(ROLE_TARGET, VERDICT_LOST);
}

static const struct {
	const char *name;
	uint16_t type;
	uint32_t epoch;
	uint64_t sequence;
	size_t (*make)(void);
} records[] = {
	{"HELLO-SOURCE", RECORD_HELLO, 0, 0, make_hello_source},
	{"HELLO-TARGET", RECORD_HELLO, 0, 0, make_hello_target},
	{"START", RECORD_START, 0, 1, make_start},
	{"ROUND", RECORD_ROUND, 1, 2, make_round},
	{"PAGES", RECORD_PAGES, 1, 3, make_pages},
	{"PAGES-BLOCK", RECORD_PAGES, 1, 3, make_pages_block},
	{"FREE", RECORD_FREE, 1, 4, make_free},
	{"REGION", RECORD_REGION, 1, 5, make_region},
	{"SHARED", RECORD_SHARED, 1, 6, make_shared},
	{"STATE", RECORD_STATE, 1, 7, make_state},
	{"END", RECORD_END, 1, 8, make_end},
	{"PREPARED", RECORD_PREPARED, 0, 1, make_prepared},
	{"COMMIT", RECORD_COMMIT, 1, 9, make_commit},
	{"STARTED", RECORD_STARTED, 0, 2, make_started},
	{"NEVER-STARTED", RECORD_NEVER, 0, 2, make_never},
	{"LOST", RECORD_LOST, 0, 2, make_lost},
	{"ABORT", RECORD_ABORT, 0, 1, make_abort},
	{"RESOLVE-COMMITTED", RECORD_RESOLVE, 0, 0, make_committed},
	{"RESOLVE-KEPT", RECORD_RESOLVE, 0, 0, make_kept},
	{"RESOLVE-STARTED", RECORD_RESOLVE, 0, 0, make_has_started},
	{"RESOLVE-NEVER", RECORD_RESOLVE, 0, 0, make_never_will},
	{"RESOLVE-LOST", RECORD_RESOLVE, 0, 0, make_has_lost},
};

START_TEST(encode)
{
	const struct vector *expected = vector(records[_i].name);
	size_t bytes = records[_i].make();
	struct sevlm__record record = {
		.length = (uint32_t)bytes,
		.type = records[_i].type,
		.flags = RECORD_REQUIRED,
		.epoch = records[_i].epoch,
		.sequence = records[_i].sequence,
	};
	uint8_t header[RECORD_HEADER_SIZE];

	sevlm__record_encode(&record, header);
	ck_assert_uint_eq(expected->header_bytes, RECORD_HEADER_SIZE);
	ck_assert_mem_eq(header, expected->header, RECORD_HEADER_SIZE);
	ck_assert_uint_eq(expected->bytes, bytes);
	ck_assert_mem_eq(body, expected->body, bytes);
}
END_TEST

START_TEST(decode_header)
{
	const struct vector *of = vector(records[_i].name);
	struct sevlm__record record;

	ck_assert_int_eq(sevlm__record_decode(of->header, &record), 0);
	ck_assert_uint_eq(record.length, of->bytes);
	ck_assert_uint_eq(record.type, records[_i].type);
	ck_assert_uint_eq(record.flags, RECORD_REQUIRED);
	ck_assert_uint_eq(record.epoch, records[_i].epoch);
	ck_assert_uint_eq(record.channel, 0);
	ck_assert_uint_eq(record.sequence, records[_i].sequence);
}
END_TEST

/* ---- fields from bodies ---- */

START_TEST(decode_hellos)
{
	const struct vector *of = vector("HELLO-SOURCE");
	struct sevlm__region region;
	struct sevlm__hello hello;
	uint32_t action;

	certs_of_seed(&certs, VECTORS_SOURCE);
	ck_assert_int_eq(sevlm__hello_decode(of->body, of->bytes, &hello), 0);
	ck_assert_uint_eq(hello.role, ROLE_SOURCE);
	ck_assert_uint_eq(hello.policy, SEVLM_POLICY_NODBG);
	ck_assert_uint_eq(hello.control, 3);
	ck_assert_mem_eq(hello.pdh, certs.pdh, sizeof(certs.pdh));
	ck_assert_mem_eq(hello.chain, certs.chain, sizeof(certs.chain));
	ck_assert_uint_eq(hello.amd_bytes, certs.amd_bytes);
	ck_assert_mem_eq(hello.amd, certs.amd, certs.amd_bytes);
	ck_assert_uint_eq(hello.region_count, 1);
	ck_assert_int_eq(sevlm__region_decode(hello.regions, &region, &action),
			 0);
	ck_assert_uint_eq(region.gpa, 0x100000);
	ck_assert_uint_eq(region.bytes, 0x8000);
	ck_assert_uint_eq(region.type, SEVLM_REGION_TRACKED);

	of = vector("HELLO-TARGET");
	ck_assert_int_eq(sevlm__hello_decode(of->body, of->bytes, &hello), 0);
	ck_assert_uint_eq(hello.role, ROLE_TARGET);
	ck_assert_uint_eq(hello.max_body, RECORD_BODY_MAX);
	certs_of_seed(&certs, VECTORS_TARGET);
	ck_assert_mem_eq(hello.chain, certs.chain, sizeof(certs.chain));
	ck_assert_uint_eq(hello.amd_bytes, certs.amd_bytes);
	ck_assert_mem_eq(hello.amd, certs.amd, certs.amd_bytes);
}
END_TEST

START_TEST(decode_pages)
{
	const struct vector *of = vector("PAGES");
	struct sevlm__batch batch;

	ck_assert_int_eq(sevlm__batch_decode(of->body, of->bytes, &batch), 0);
	ck_assert_uint_eq(batch.count, 3);
	ck_assert_uint_eq(sevlm__entry(&batch, 0), 0x100001);
	ck_assert_uint_eq(sevlm__entry(&batch, 1), 0x101002);
	ck_assert_uint_eq(sevlm__entry(&batch, 2), 0x102003);
	ck_assert_uint_eq(batch.headers[0], 0xd1);
	ck_assert_uint_eq(batch.headers[51], 0xd1);
	ck_assert_uint_eq(batch.payloads[0], 0xd2);
	ck_assert_uint_eq(batch.payloads[PAGE_SIZE], 0xe0);
	ck_assert_uint_eq(batch.payloads[2 * PAGE_SIZE - 1], 0xef);
	ck_assert_uint_eq(batch.control_bytes, 84);
}
END_TEST

START_TEST(decode_block)
{
	const struct vector *of = vector("PAGES-BLOCK");
	struct sevlm__batch batch;

	ck_assert_int_eq(sevlm__batch_decode(of->body, of->bytes, &batch), 0);
	ck_assert_uint_eq(batch.count, 2);
	ck_assert_uint_eq(sevlm__entry(&batch, 0), 0x100004);
	ck_assert_uint_eq(sevlm__entry_pages(sevlm__entry(&batch, 0)), 4);
	ck_assert_uint_eq(batch.headers[51], 0xd1);
	ck_assert_uint_eq(batch.payloads[0], 0xd2);
	ck_assert_uint_eq(batch.payloads[16383], 0xd2);
	ck_assert_uint_eq(batch.control_bytes, 76);
}
END_TEST

/* a target's HELLO that ends in it */
START_TEST(contiguous)
{
	const struct vector *field = vector("contiguous");
	const struct vector *of = vector("HELLO-TARGET");
	uint8_t list[] = {0, 0, 0x10, 0, 0, 0, 0, 0};
	struct sevlm__hello hello;

	ck_assert_int_eq(sevlm__hello_decode(of->body, of->bytes, &hello), 0);
	hello.contiguous = list;
	hello.contiguous_count = 1;
	ck_assert_uint_eq(sevlm__hello_encode(&hello, body, sizeof(body)),
			  of->bytes + field->bytes);
	ck_assert_mem_eq(body, of->body, of->bytes);
	ck_assert_mem_eq(body + of->bytes, field->body, field->bytes);
}
END_TEST

START_TEST(decode_others)
{
	struct sevlm__region region;
	struct sevlm__state_piece piece;
	struct sevlm__end end;
	char text[ABORT_TEXT_MAX + 1];
	const struct vector *of;
	uint32_t action;
	int cause;

	ck_assert_int_eq(
		sevlm__region_decode(vector("REGION")->body, &region, &action),
		0);
	ck_assert_uint_eq(region.gpa, 0x200000);
	ck_assert_uint_eq(region.type, SEVLM_REGION_SKIP);
	ck_assert_uint_eq(action, REGION_ADD);
	of = vector("STATE");
	ck_assert_int_eq(sevlm__state_decode(of->body, of->bytes, &piece), 0);
	ck_assert_uint_eq(piece.id, 7);
	ck_assert_uint_eq(piece.total, 5);
	ck_assert_uint_eq(piece.offset, 0);
	ck_assert_mem_eq(piece.bytes, "state", 5);
	ck_assert_int_eq(sevlm__end_decode(vector("END")->body, &end), 0);
	ck_assert_uint_eq(end.freed_pages, 5);
	ck_assert_uint_eq(end.control, 3);
	of = vector("ABORT");
	ck_assert_int_eq(sevlm__abort_decode(of->body, of->bytes, &cause, text),
			 0);
	ck_assert_int_eq(cause, -EKEYREJECTED);
	ck_assert_str_eq(text, "not my peer");
}
END_TEST

START_TEST(decode_shared)
{
	const struct vector *of = vector("SHARED");
	struct sevlm__reader r = sevlm__reader(of->body, of->bytes);
	struct sevlm__span span;

	ck_assert_int_eq(sevlm__span_decode(&r, &span), 0);
	ck_assert_uint_eq(span.gpa, 0xc0000);
	ck_assert_uint_eq(span.pages, 64);
	ck_assert(span.all);
	ck_assert_int_eq(sevlm__span_decode(&r, &span), 0);
	ck_assert_uint_eq(span.gpa, 0x101000);
	ck_assert_uint_eq(span.pages, 66);
	ck_assert(!span.all);
	ck_assert_uint_eq(span.bitmap[0], 3);
	ck_assert_uint_eq(span.bitmap[1], 2);
	ck_assert(sevlm__reader_done(&r));
}
END_TEST

/* ---- values ---- */

START_TEST(values)
{
	char label[] = "sevlm channel binding";
	struct iovec part = {label, strlen(label)};
	struct sevlm__engine engine = engine_of(ROLE_SOURCE);
	uint8_t out[SEVLM_NOTE_SIZE];

	ck_assert_mem_eq(vector("magic")->body, RECORD_MAGIC,
			 RECORD_MAGIC_SIZE);
	ck_assert_int_eq(sevlm__hmac(engine.exporter, &part, 1, out), 0);
	ck_assert_mem_eq(out, vector("binding")->body, 32);
	ck_assert_mem_eq(engine.key, vector("session-key")->body, 32);
	ck_assert_mem_eq(engine.token, vector("token")->body, 32);
	sevlm__commit_note(&engine, out);
	ck_assert_uint_eq(vector("note-source")->bytes, SEVLM_NOTE_SIZE);
	ck_assert_mem_eq(out, vector("note-source")->body, SEVLM_NOTE_SIZE);
	engine = engine_of(ROLE_TARGET);
	sevlm__commit_note(&engine, out);
	ck_assert_uint_eq(vector("note-target")->bytes, SEVLM_NOTE_SIZE);
	ck_assert_mem_eq(out, vector("note-target")->body, SEVLM_NOTE_SIZE);
}
END_TEST

int main(void)
{
	const int count = ARRAY_SIZE(records);
	Suite *suite = suite_create("vectors");
	TCase *tcase = tcase_create("vectors");

	tcase_add_unchecked_fixture(tcase, vectors_load, vectors_free);
	tcase_add_loop_test(tcase, encode, 0, count);
	tcase_add_loop_test(tcase, decode_header, 0, count);
	tcase_add_test(tcase, decode_hellos);
	tcase_add_test(tcase, decode_pages);
	tcase_add_test(tcase, decode_block);
	tcase_add_test(tcase, contiguous);
	tcase_add_test(tcase, decode_others);
	tcase_add_test(tcase, decode_shared);
	tcase_add_test(tcase, values);
	suite_add_tcase(suite, tcase);
	return run_suite(suite);
}
