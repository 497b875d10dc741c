/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * seeds CORPUS [STREAM...]: the first inputs, from which the fuzzers go on;
 * of a recorded stream every record that is small.
 */
#include "internal.h"
#include "seeds.h"

FILE *create(const char *corpus, const char *fuzzer, const char *name)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/%s", corpus, fuzzer, name);
	file = fopen(path, "wb");
	MUST(file);
	return file;
}

void put_op(FILE *file, const struct fuzz_op *op)
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
