/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * replay DIRECTORY [VARIATIONS]: every input of a corpus once more, without
 * libFuzzer, and variations of each; the same ones every time.
 * replay FILE: one input, e.g. that of a finding.
 */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "fuzz.h"

#define ROOM (1u << 20)
#define VARIATIONS 4u

/* of those that have one */
#pragma weak LLVMFuzzerCustomMutator

static uint64_t random_state;

static uint32_t chance(uint32_t below)
{
	random_state =
		random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(random_state >> 33) % below;
}

/* libFuzzer's, but plain: some bits flip, bytes come and go */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t room)
{
	if (!room)
		return 0;
	if (!size || (size < room && !chance(4))) {
		data[size] = (uint8_t)chance(256);
		return size + 1;
	}
	if (size > 1 && !chance(8))
		return size - 1;
	data[chance((uint32_t)size)] ^= (uint8_t)(1u << chance(8));
	return size;
}

static size_t vary(uint8_t *data, size_t size, uint32_t seed)
{
	random_state = seed;
	if (LLVMFuzzerCustomMutator)
		return LLVMFuzzerCustomMutator(data, size, ROOM, seed);
	return LLVMFuzzerMutate(data, size, ROOM);
}

/* memory that ends where the input ends, so that tools see an overrun */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *exact = malloc(size ? size : 1);

	MUST(exact);
	if (size)
		memcpy(exact, data, size);
	LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static size_t load(const char *path, uint8_t *data)
{
	FILE *file = fopen(path, "rb");
	size_t size;

	MUST(file);
	size = fread(data, 1, ROOM, file);
	MUST(!ferror(file) && size < ROOM);
	fclose(file);
	return size;
}

static uint32_t replay(const char *path, uint32_t variations)
{
	static uint8_t data[ROOM];
	size_t size = load(path, data);

	printf("%s\n", path);
	run(data, size);
	for (uint32_t seed = 1; seed <= variations; seed++) {
		printf("%s, variation %u\n", path, seed);
		size = vary(data, size, seed);
		MUST(size <= ROOM);
		run(data, size);
	}
	return 1 + variations;
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static uint32_t replay_all(const char *directory, uint32_t variations)
{
	struct dirent **entries;
	uint32_t inputs = 0;
	char path[4096];
	int count = scandir(directory, &entries, visible, alphasort);

	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", directory,
			 entries[i]->d_name);
		inputs += replay(path, variations);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return inputs;
}

int main(int argc, char **argv)
{
	uint32_t variations = VARIATIONS, inputs;
	struct stat status;

	if (argc < 2 || stat(argv[1], &status)) {
		fprintf(stderr, "usage: %s DIRECTORY|FILE [VARIATIONS]\n",
			argv[0]);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 2)
		variations = (uint32_t)strtoul(argv[2], NULL, 10);
	inputs = S_ISDIR(status.st_mode) ? replay_all(argv[1], variations)
					 : replay(argv[1], 0);
	printf("%u inputs\n", inputs);
	return !inputs;
}
