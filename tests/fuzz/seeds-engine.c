/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Migrations, introductions, and what is resolved of them. */
#include "memory.h"
#include "record.h"
#include "seeds.h"
#include "stock.h"

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
	{"block",
	 EAGER,
	 {ROUND, PAGES_BLOCK, SHARED_BLOCK, BLOB, END, COMMIT, STOCK}},
	{"block-astray", EAGER, {ROUND, PAGES_ASTRAY, STOCK}},
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
	{"forged", MODE_EAGER, {STREAM, ANSWER, FORGED_COMMIT, STOCK}},
	{"forged-resolve",
	 MODE_EAGER,
	 {STREAM, ANSWER, CLOSE, RECONNECT, FORGED_COMMITTED, STOCK}},
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
	{"forged-started",
	 EAGER | MODE_FORCE,
	 {PREPARED, FORGED_STARTED, STOCK}},
	{"forged-never", EAGER | MODE_FORCE, {PREPARED, FORGED_NEVER, STOCK}},
	{"forged-lost", EAGER | MODE_FORCE, {PREPARED, FORGED_LOST, STOCK}},
	{"forged-resolve",
	 EAGER | MODE_FORCE,
	 {PREPARED, CLOSE, RECONNECT, FORGED_RESOLVED, STOCK}},
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

void put_migrations(const char *corpus)
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
			.gpa = memory[i].gpa,
			.bytes = (uint64_t)memory[i].pages << PAGE_SHIFT,
			.type = memory[i].type,
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

void put_hellos(const char *corpus)
{
	put_hello(corpus, "to-target", HELLO_RIGHT);
	put_hello(corpus, "to-target-cpuid", HELLO_RIGHT | 0x20);
	put_hello(corpus, "to-source", HELLO_RIGHT | 1);
	put_hello(corpus, "to-source-optional", HELLO_RIGHT | 0x11);
	put_hello(corpus, "unbound", 0x0c);
	put_hello(corpus, "incomplete", 0x06);
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

void put_attempts(const char *corpus)
{
	for (uint8_t mode = 0; mode < 4; mode++)
		for (uint8_t verdict = 1; verdict < 6; verdict++) {
			put_attempt(corpus, mode, verdict, false);
			put_attempt(corpus, mode, verdict, true);
			put_attempt(corpus, mode, 0x10 | verdict, false);
			put_attempt(corpus, mode, 0x20 | verdict, false);
		}
}
