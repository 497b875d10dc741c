/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * seeds CORPUS [STREAM...]: the first inputs, from which the fuzzers go on;
 * of a recorded stream every record that is small.
 */
#include "cert.h"
#include "certs.h"
#include "memory.h"
#include "stock.h"
#include "wire.h"

#define SMALL 12000u

static FILE *create(const char *corpus, const char *fuzzer, const char *name)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/%s", corpus, fuzzer, name);
	file = fopen(path, "wb");
	MUST(file);
	return file;
}

static void put_op(FILE *file, const struct fuzz_op *op)
{
	const uint8_t head[OP_HEAD] = {
		op->kind,
		op->arg,
		(uint8_t)op->count,
		(uint8_t)(op->count >> 8),
	};

	fwrite(head, 1, sizeof(head), file);
	if (op->count)
		fwrite(op->bytes, 1, op->count, file);
}

/* ---- migrations ---- */

#define EAGER (MODE_EAGER | MODE_OBEYS)
#define OPS_OF_SEED 28

struct migration {
	const char *name;
	uint8_t mode;
	/* STOCK ends it; ROUND is 0, so none begins with what is left out */
	enum stock_name ops[OPS_OF_SEED];
};

#define STREAM ROUND, PAGES_ALL, SHARED_ALL, BLOB, END

static const struct migration to_target[] = {
	{"whole", EAGER, {STREAM, COMMIT, STOCK}},
	{"pieces", EAGER, {PIECES, STREAM, COMMIT, STOCK}},
	{"in-place", EAGER, {IN_PLACE, STREAM, COMMIT, STOCK}},
	{"insecure", EAGER | MODE_OPEN, {STREAM, COMMIT, STOCK}},
	{"rounds", EAGER, {ROUND, PAGES_SOME, STREAM, COMMIT, STOCK}},
	{"free", EAGER, {ROUND, FREE_ALL, END, COMMIT, STOCK}},
	{"plug",
	 EAGER,
	 {ROUND, PLUG, PAGES_ALL, ROUND, PAGES_PLUGGED, SHARED_PLUGGED, END,
	  COMMIT, STOCK}},
	{"unplug",
	 EAGER,
	 {ROUND, PLUG, UNPLUG, PAGES_ALL, SHARED_ALL, END, COMMIT, STOCK}},
	{"unknown", EAGER, {UNKNOWN, STREAM, COMMIT, STOCK}},
	{"asked", MODE_EAGER, {STREAM, ANSWER, COMMIT, ANSWER, ANSWER, STOCK}},
	{"lost",
	 MODE_EAGER,
	 {STREAM, ANSWER, COMMIT, ANSWER, ANSWER_FAILED, STOCK}},
	{"not-persisted",
	 MODE_EAGER,
	 {STREAM, ANSWER, COMMIT, ANSWER_FAILED, STOCK}},
	{"aborted", MODE_EAGER, {STREAM, ANSWER, ABORT, STOCK}},
	{"cancelled", MODE_EAGER, {STREAM, ANSWER, CANCEL, STOCK}},
	{"in-doubt", MODE_EAGER, {STREAM, ANSWER, CLOSE, STOCK}},
	{"refused", EAGER, {COMMAND_FAILS, STREAM, STOCK}},
	{"refused-late",
	 EAGER,
	 {ROUND, PAGES_ALL, SHARED_ALL, COMMAND_FAILS_LATE, END, COMMIT,
	  STOCK}},
	{"little-room", EAGER | MODE_SMALL, {STREAM, COMMIT, STOCK}},
	{"late", EAGER, {ROUND, SECOND, DEADLINE, STOCK}},
	{"lazy",
	 0,
	 {ROUND, STEPS, PAGES_ALL, STEPS, SHARED_ALL, STEPS, END, STEPS, ANSWER,
	  STEPS, COMMIT, STEPS, CONSUME, STOCK}},
	{"resolved",
	 MODE_EAGER,
	 {STREAM, ANSWER, CLOSE, RECONNECT, COMMITTED, ANSWER, ANSWER,
	  RECONNECT, COMMITTED, STOCK}},
	{"kept",
	 MODE_EAGER,
	 {STREAM, ANSWER, CLOSE, RECONNECT, KEPT, RECONNECT, KEPT, STOCK}},
	{"fenced", MODE_EAGER, {STREAM, ANSWER, FENCED, ANSWER, ANSWER, STOCK}},
	{"fenced-later",
	 MODE_EAGER,
	 {STREAM, ANSWER, CLOSE, FENCED, ANSWER, ANSWER, RECONNECT, KEPT,
	  STOCK}},
	{"cancelled-later",
	 MODE_EAGER,
	 {STREAM, ANSWER, CLOSE, RECONNECT, CANCEL, RECONNECT, COMMITTED,
	  STOCK}},
};

static const struct migration to_source[] = {
	{"whole", EAGER | MODE_FORCE, {PREPARED, STARTED, STOCK}},
	{"pieces", EAGER | MODE_FORCE, {PIECES, PREPARED, STARTED, STOCK}},
	{"single",
	 EAGER | MODE_FORCE | MODE_SINGLE,
	 {PREPARED, STARTED, STOCK}},
	{"small", EAGER | MODE_FORCE | MODE_SMALL, {PREPARED, STARTED, STOCK}},
	{"never", EAGER | MODE_FORCE, {PREPARED, NEVER, STOCK}},
	{"never-early", EAGER | MODE_FORCE, {NEVER, STOCK}},
	{"lost", EAGER | MODE_FORCE, {PREPARED, LOST, STOCK}},
	{"in-doubt", EAGER | MODE_FORCE, {PREPARED, CLOSE, STOCK}},
	{"aborted", EAGER | MODE_FORCE, {ABORT, STOCK}},
	{"cancelled", EAGER | MODE_FORCE, {CANCEL, STOCK}},
	{"late", EAGER | MODE_FORCE, {PREPARED, SECOND, DEADLINE, STOCK}},
	{"asked",
	 MODE_EAGER | MODE_FORCE,
	 {ANSWER_DIRTY, MAKE_SHARED, ANSWER, MARK_DIRTY, ANSWER, SKIP, ANSWER,
	  ANSWER, ANSWER_STATES, ANSWER_DIRTY, PREPARED, ANSWER, STARTED,
	  STOCK}},
	{"states",
	 MODE_EAGER | MODE_FORCE,
	 {MAKE_SHARED, ANSWER, MAKE_PRIVATE, ANSWER, MAKE_SHARED, ANSWER,
	  REGION_ADDED, ANSWER, REGION_REMOVED, ANSWER, ANSWER_STATES, ANSWER,
	  PREPARED, ANSWER, STARTED, STOCK}},
	{"not-persisted",
	 MODE_EAGER | MODE_FORCE,
	 {ANSWER, ANSWER, ANSWER, ANSWER_STATES, ANSWER, PREPARED,
	  ANSWER_FAILED, STOCK}},
	{"refused", EAGER | MODE_FORCE, {COMMAND_FAILS, STEP, STOCK}},
	{"refused-late",
	 EAGER | MODE_FORCE,
	 {PREPARED, COMMAND_FAILS_LATE, STARTED, STOCK}},
	{"gives-up", EAGER | MODE_SINGLE, {STEP, STOCK}},
	{"lazy",
	 MODE_FORCE,
	 {STEPS, CONSUME, ANSWER, STEPS, SKIP, CONSUME, CONSUME, STEPS, CONSUME,
	  ANSWER, STEPS, STOCK}},
	{"resolved",
	 EAGER | MODE_FORCE,
	 {PREPARED, CLOSE, RECONNECT, RESOLVED_STARTED, RECONNECT, STOCK}},
	{"resolved-never",
	 EAGER | MODE_FORCE,
	 {PREPARED, CLOSE, RECONNECT, RESOLVED_NEVER, RECONNECT, STOCK}},
	{"resolved-lost",
	 EAGER | MODE_FORCE,
	 {PREPARED, CLOSE, RECONNECT, RESOLVED_LOST, STOCK}},
	{"kept",
	 EAGER | MODE_FORCE,
	 {CANCEL, CLOSE, RECONNECT, RESOLVED_NEVER, RECONNECT, STOCK}},
	{"unresolved",
	 EAGER | MODE_FORCE,
	 {PREPARED, CLOSE, RECONNECT, CLOSE, RECONNECT, DEADLINE, RECONNECT,
	  RESOLVED_STARTED, STOCK}},
};

static void put_migration(const char *corpus, const char *fuzzer,
			  const struct migration *its)
{
	FILE *file = create(corpus, fuzzer, its->name);

	fputc(its->mode, file);
	for (size_t i = 0; its->ops[i] != STOCK; i++)
		put_op(file, &stock[its->ops[i]]);
	fclose(file);
}

static void put_migrations(const char *corpus)
{
	for (size_t i = 0; i < ARRAY_SIZE(to_target); i++)
		put_migration(corpus, "fuzz-target", &to_target[i]);
	for (size_t i = 0; i < ARRAY_SIZE(to_source); i++)
		put_migration(corpus, "fuzz-source", &to_source[i]);
}

/* ---- introductions ---- */

#define HELLO_RIGHT 0x0eu /* fuzz-hello.c: BOUND, HEADED, COMPLETE */

static void put_regions(FILE *file)
{
	uint8_t bytes[MEMORY_LATER * REGION_SIZE];
	struct fuzz_op op = {0, 6, bytes, sizeof(bytes)};

	for (uint32_t i = 0; i < MEMORY_LATER; i++) {
		struct sevlm__region region = {
			memory[i].gpa,
			(uint64_t)memory[i].pages << PAGE_SHIFT,
			NULL,
			memory[i].type,
		};

		sevlm__region_encode(&region, REGION_ADD,
				     bytes + i * REGION_SIZE);
	}
	put_op(file, &op);
}

static void put_cpuid(FILE *file)
{
	static const uint8_t bytes[2 * SEVLM__CPUID_ENTRY] = {
		[0] = 1, [12] = 2, [28] = 7, [32] = 1, [44] = 3,
	};
	const struct fuzz_op op = {0, 7, bytes, sizeof(bytes)};

	put_op(file, &op);
}

static void put_hello(const char *corpus, const char *name, uint8_t mode)
{
	static const uint8_t control[] = {3};
	FILE *file = create(corpus, "fuzz-hello", name);
	const struct fuzz_op begin = {
		OP_RECORD,
		RECORD_START | RECORD_COOKED,
		NULL,
		0,
	};
	struct fuzz_op op = {0};

	fputc(mode, file);
	for (op.arg = 1; op.arg <= 5; op.arg++) {
		op.bytes = op.arg == 2 ? control : NULL;
		op.count = op.bytes ? sizeof(control) : 0;
		if (mode & 1 ? op.arg >= 3 : true)
			put_op(file, &op);
	}
	if (!(mode & 1))
		put_regions(file);
	if (mode & 0x20)
		put_cpuid(file);
	op = (struct fuzz_op){0};
	put_op(file, &op);
	put_op(file, &begin);
	put_op(file, &stock[ANSWER]);
	put_op(file, &stock[ROUND]);
	put_op(file, &stock[PAGES_SOME]);
	fclose(file);
}

static void put_hellos(const char *corpus)
{
	put_hello(corpus, "to-target", HELLO_RIGHT);
	put_hello(corpus, "to-target-cpuid", HELLO_RIGHT | 0x20);
	put_hello(corpus, "to-source", HELLO_RIGHT | 1);
	put_hello(corpus, "to-source-optional", HELLO_RIGHT | 0x11);
	put_hello(corpus, "unbound", 0x0c);
	put_hello(corpus, "incomplete", 0x06);
}

/* ---- channels ---- */

/* fuzz-channel.c's kinds */
enum { CARRY, ALTER, SEND = 6, RECEIVE, LEAVE, CUT, SETTLE = 11 };

static void put_channel(const char *corpus, const char *name, uint8_t mode,
			const uint8_t (*ops)[2], size_t count)
{
	static const uint8_t bytes[] = {70, 10, 1};
	FILE *file = create(corpus, "fuzz-channel", name);

	fputc(mode, file);
	for (size_t i = 0; i < count; i++) {
		const struct fuzz_op op = {ops[i][0], ops[i][1], bytes,
					   ops[i][0] == SETTLE ? 0 : 3};

		put_op(file, &op);
	}
	fclose(file);
}

static void put_channels(const char *corpus)
{
	static const uint8_t whole[][2] = {
		{SETTLE, 0}, {SEND, 0},	 {CARRY, 0},  {RECEIVE, 1}, {SEND, 1},
		{SETTLE, 0}, {LEAVE, 0}, {SETTLE, 0}, {LEAVE, 1},   {SETTLE, 0},
	};
	static const uint8_t altered[][2] = {
		{CARRY, 0}, {ALTER, 1}, {SETTLE, 0},
		{SEND, 0},  {ALTER, 0}, {SETTLE, 0},
	};
	static const uint8_t cut[][2] = {
		{SETTLE, 0}, {SEND, 0}, {CARRY, 0}, {CUT, 1}, {RECEIVE, 1},
	};

	for (uint8_t mode = 0; mode < 4; mode++) {
		char name[32];

		snprintf(name, sizeof(name), "whole-%u", mode);
		put_channel(corpus, name, mode, whole, ARRAY_SIZE(whole));
		snprintf(name, sizeof(name), "altered-%u", mode);
		put_channel(corpus, name, mode, altered, ARRAY_SIZE(altered));
		snprintf(name, sizeof(name), "cut-%u", mode);
		put_channel(corpus, name, mode, cut, ARRAY_SIZE(cut));
	}
}

/* ---- certificates ---- */

static void put_cert(const char *corpus, const char *name, uint8_t as,
		     const uint8_t *bytes, size_t count)
{
	FILE *file = create(corpus, "fuzz-cert", name);

	fputc(as, file);
	fwrite(bytes, 1, count, file);
	fclose(file);
}

/* the form of AMD's that a software host does not have */
static void put_small_amd(const char *corpus, const char *name, uint32_t usage,
			  uint32_t bytes)
{
	struct sevlm__cert cert = {
		.bytes = bytes,
		.signed_bytes = CERT_AMD_UNSIGNED,
		.usage = usage,
		.rsa_bytes = 256,
	};
	uint8_t out[832];

	cert.modulus[0] = 0x80;
	cert.modulus[255] = 1;
	MUST(sevlm__cert_encode(&cert, out, sizeof(out)) == bytes);
	put_cert(corpus, name, 2, out, bytes);
}

static void put_certs(const char *corpus)
{
	struct certs certs;

	certs_of_seed(&certs, 1);
	put_cert(corpus, "pdh", 1, certs.pdh, CERT);
	put_cert(corpus, "pek", 1, certs.chain + AT_PEK, CERT);
	put_cert(corpus, "oca", 0, certs.chain + AT_OCA, CERT);
	put_cert(corpus, "cek", 4, certs.chain + AT_CEK, CERT);
	put_cert(corpus, "ask", 2, certs.amd, 1600);
	put_cert(corpus, "ark", 3, certs.amd + 1600, 1600);
	put_small_amd(corpus, "ark-576", SEVLM_USAGE_ARK, 576);
	put_small_amd(corpus, "ark-832", SEVLM_USAGE_ARK, 832);
	put_small_amd(corpus, "ask-832", SEVLM_USAGE_ASK, 832);
}

/* whom to trust, and one change of each kind at each place */
static void put_chain(const char *corpus, uint8_t mode, uint8_t kind,
		      uint8_t place)
{
	static const uint8_t bytes[] = {20, 4, 1};
	const struct fuzz_op op = {kind, place, bytes, sizeof(bytes)};
	char name[32];
	FILE *file;

	snprintf(name, sizeof(name), "%02x-%u-%u", mode, kind, place);
	file = create(corpus, "fuzz-chain", name);
	fputc(mode, file);
	if (kind < 6)
		put_op(file, &op);
	fclose(file);
}

static void put_chains(const char *corpus)
{
	for (uint8_t mode = 0; mode < 0x40; mode++)
		put_chain(corpus, mode, 6, 0);
	for (uint8_t place = 0; place < 6; place++)
		for (uint8_t kind = 0; kind < 6; kind++)
			put_chain(corpus, 0x03, kind, place);
}

/* ---- lists ---- */

/* fuzz-list.c: an answer, then what is asked */
static void put_list(const char *corpus, const char *name, uint8_t mode,
		     uint8_t flags, uint8_t ask)
{
	static const uint8_t entries[] = {1, 2, 1, 0, 2, 1, 1, 0};
	static const uint8_t call[] = {1, 2, 0};
	const struct fuzz_op ops[] = {
		{4, 0, call, sizeof(call)},
		{0, flags, entries, sizeof(entries)},
		{0, 1, entries, 4},
		{ask, 1, NULL, 0},
		{1, 0, NULL, 0},
	};
	FILE *file = create(corpus, "fuzz-list", name);

	fputc(mode, file);
	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		put_op(file, &ops[i]);
	fclose(file);
}

static void put_lists(const char *corpus)
{
	char name[32];

	for (uint8_t mode = 0; mode < 3; mode++)
		for (uint8_t ask = 1; ask < 7; ask++) {
			snprintf(name, sizeof(name), "%u-%u", mode, ask);
			put_list(corpus, name, mode, 1, ask);
			snprintf(name, sizeof(name), "%u-%u-more", mode, ask);
			put_list(corpus, name, mode, 0x8b, ask);
			snprintf(name, sizeof(name), "%u-%u-torn", mode, ask);
			put_list(corpus, name, mode, 0x15, ask);
		}
}

/* ---- resolving ---- */

/* fuzz-resolver.c: the note changed or not, a verdict, and a few steps */
static void put_attempt(const char *corpus, uint8_t mode, uint8_t verdict,
			bool changed)
{
	static const uint8_t change[] = {20, 1}, other[] = {3, 1};
	const struct fuzz_op ops[] = {
		{0, 0, change, sizeof(change)},
		{3, 0, NULL, 0},
		{1, 0x40, NULL, 0},
		{1, verdict, other, 2},
		{3, 0, NULL, 0},
		{3, 0, NULL, 0},
		{4, 0, NULL, 0},
		{3, 0, NULL, 0},
	};
	char name[32];
	FILE *file;

	snprintf(name, sizeof(name), "%u-%02x-%d", mode, verdict, changed);
	file = create(corpus, "fuzz-resolver", name);
	fputc(mode, file);
	for (size_t i = !changed; i < ARRAY_SIZE(ops); i++)
		put_op(file, &ops[i]);
	fclose(file);
}

static void put_attempts(const char *corpus)
{
	for (uint8_t mode = 0; mode < 4; mode++)
		for (uint8_t verdict = 1; verdict < 6; verdict++) {
			put_attempt(corpus, mode, verdict, false);
			put_attempt(corpus, mode, verdict, true);
			put_attempt(corpus, mode, 0x10 | verdict, false);
			put_attempt(corpus, mode, 0x20 | verdict, false);
		}
}

/* ---- records ---- */

struct records {
	const char *corpus;
	const char *stream;
	uint32_t seen;
};

static void put_body(const char *corpus, const char *name, uint8_t as,
		     const void *body, size_t bytes)
{
	FILE *file = create(corpus, "fuzz-record", name);

	fputc(as, file);
	fwrite(body, 1, bytes, file);
	fclose(file);
}

/* the first of each type */
static void put_record(void *ctx, const struct sevlm__record *record,
		       const uint8_t *body)
{
	struct records *records = ctx;
	char name[64];

	if (record->length > SMALL || record->type > 31 ||
	    records->seen >> record->type & 1)
		return;
	records->seen |= 1u << record->type;
	snprintf(name, sizeof(name), "%s-%u", records->stream, record->type);
	put_body(records->corpus, name, (uint8_t)record->type, body,
		 record->length);
}

static void put_stream(const char *corpus, const char *path)
{
	static struct wire wire;
	const char *name = strrchr(path, '/');
	struct records records = {corpus, name ? name + 1 : path, 0};
	uint8_t bytes[4096];
	size_t count, all = 0;
	FILE *file = fopen(path, "rb");

	MUST(file);
	wire_reset(&wire, RECORD_BODY_MAX, put_record, &records);
	while ((count = fread(bytes, 1, sizeof(bytes), file))) {
		wire_bytes(&wire, bytes, count);
		all += count;
	}
	fclose(file);
	MUST(all && !wire.lost);
}

static void put_records(const char *corpus)
{
	static const uint8_t header[RECORD_HEADER_SIZE] = {
		32, 0, 0, 0, RECORD_COMMIT, 0, RECORD_REQUIRED,
	};
	static const uint8_t span[SPAN_SIZE + 8] = {
		[8] = 3,
		[12] = SPAN_BITMAP,
		[16] = 5,
	};
	static const uint8_t resolve[RESOLVE_SIZE] = {
		ROLE_TARGET,
		[4] = VERDICT_STARTED,
	};
	static const uint8_t entries[PAGES_HEAD_SIZE + PAGES_ENTRY_SIZE] = {
		1,
		[8] = KIND_ZERO,
	};

	put_body(corpus, "header", 19, header, sizeof(header));
	put_body(corpus, "stream", 18, header, sizeof(header));
	put_body(corpus, "span", RECORD_SHARED, span, sizeof(span));
	put_body(corpus, "resolve", RECORD_RESOLVE, resolve, sizeof(resolve));
	put_body(corpus, "zero-page", RECORD_PAGES, entries, sizeof(entries));
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	put_records(argv[1]);
	put_hellos(argv[1]);
	put_migrations(argv[1]);
	put_channels(argv[1]);
	put_lists(argv[1]);
	put_attempts(argv[1]);
	put_certs(argv[1]);
	put_chains(argv[1]);
	for (int i = 2; i < argc; i++)
		put_stream(argv[1], argv[i]);
	return 0;
}
