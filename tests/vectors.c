/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "vectors.h"

#define FILE_NAME "/tests/data/stream-vectors.txt"
#define MOST_VECTORS 64
#define MOST_BYTES (1u << 16)

static struct vector vectors[MOST_VECTORS];
static size_t vector_count;

static bool append(struct vector *to, bool header, uint8_t byte)
{
	uint8_t *bytes = header ? to->header : to->body;
	size_t *count = header ? &to->header_bytes : &to->bytes;

	if (*count == (header ? sizeof(to->header) : MOST_BYTES))
		return false;
	bytes[(*count)++] = byte;
	return true;
}

static int digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	ck_assert_msg(at, "'%c' is no digit", c);
	return (int)(at - digits);
}

static void add_word(struct vector *to, bool header, const char *word)
{
	size_t digits = strcspn(word, "*");
	unsigned long times = 1;
	uint8_t bytes[128];
	bool fits = true;

	ck_assert_uint_eq(digits % 2, 0);
	ck_assert_uint_le(digits / 2, sizeof(bytes));
	if (word[digits])
		times = strtoul(word + digits + 1, NULL, 10);
	ck_assert_uint_ge(times, 1);
	for (size_t i = 0; i < digits / 2; i++)
		bytes[i] = (uint8_t)(digit(word[2 * i]) << 4 |
				     digit(word[2 * i + 1]));
	while (times--)
		for (size_t i = 0; i < digits / 2; i++)
			fits = fits && append(to, header, bytes[i]);
	ck_assert_msg(fits, "%s is too long", to->name);
}

static void begin(const char *name)
{
	struct vector *next = &vectors[vector_count++];

	ck_assert_uint_le(vector_count, MOST_VECTORS);
	ck_assert_ptr_nonnull(name);
	ck_assert_uint_lt(strlen(name), sizeof(next->name));
	strcpy(next->name, name);
	next->body = malloc(MOST_BYTES);
	ck_assert_ptr_nonnull(next->body);
}

static void read_line(char *line)
{
	char *rest = NULL, *word = strtok_r(line, " \n", &rest);
	bool header;

	if (!word || word[0] == '#')
		return;
	if (!strcmp(word, "name")) {
		begin(strtok_r(NULL, " \n", &rest));
		return;
	}
	header = !strcmp(word, "header");
	ck_assert_msg(header || !strcmp(word, "body"), "a line of '%s'", word);
	ck_assert_uint_gt(vector_count, 0);
	while ((word = strtok_r(NULL, " \n", &rest)))
		add_word(&vectors[vector_count - 1], header, word);
}

void vectors_load(void)
{
	const char *root = getenv("SEVLM_SOURCE_ROOT");
	char path[4096], line[256];
	FILE *file;

	vectors_free();
	ck_assert_msg(root, "SEVLM_SOURCE_ROOT is not set");
	snprintf(path, sizeof(path), "%s%s", root, FILE_NAME);
	file = fopen(path, "r");
	ck_assert_msg(file, "cannot read %s", path);
	while (fgets(line, sizeof(line), file))
		read_line(line);
	fclose(file);
}

void vectors_free(void)
{
	for (size_t i = 0; i < vector_count; i++)
		free(vectors[i].body);
	memset(vectors, 0, sizeof(vectors));
	vector_count = 0;
}

const struct vector *vector(const char *name)
{
	for (size_t i = 0; i < vector_count; i++)
		if (!strcmp(vectors[i].name, name))
			return &vectors[i];
	ck_abort_msg("no vector %s", name);
	return NULL;
}

uint8_t *vectors_stream(const char *const *names, size_t count,
			size_t *ret_bytes)
{
	const struct vector *magic = vector("magic");
	size_t bytes = magic->bytes, at = bytes;
	uint8_t *stream;

	for (size_t i = 0; i < count; i++)
		bytes += sizeof(magic->header) + vector(names[i])->bytes;
	stream = malloc(bytes);
	ck_assert_ptr_nonnull(stream);
	memcpy(stream, magic->body, magic->bytes);
	for (size_t i = 0; i < count; i++) {
		const struct vector *next = vector(names[i]);

		ck_assert_uint_eq(next->header_bytes, sizeof(next->header));
		memcpy(stream + at, next->header, sizeof(next->header));
		at += sizeof(next->header);
		memcpy(stream + at, next->body, next->bytes);
		at += next->bytes;
	}
	*ret_bytes = bytes;
	return stream;
}
