/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Another host's facts, out of a file that may hold anything. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "hosts.h"

#define FILE_MAX 65536u
#define DEPTH_MAX 8

struct source {
	const char *path;
	struct sentence *why;
};

__attribute__((format(printf, 2, 3))) static int bad(
	const struct source *source, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	return fail(source->why, -EINVAL, "%s: %s", source->path, text);
}

static int slurp(const struct source *source, char *buf, size_t *ret_bytes)
{
	FILE *file = fopen(source->path, "re");
	int error;

	if (!file)
		return bad(source, "%s", strerrordesc_np(errno));
	*ret_bytes = fread(buf, 1, FILE_MAX, file);
	error = ferror(file) ? errno : 0;
	fclose(file);
	if (error)
		return bad(source, "%s", strerrordesc_np(error));
	if (*ret_bytes == FILE_MAX)
		return bad(source, "it is larger than a probe can be");
	return 0;
}

static bool only_blanks(const char *text, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (!strchr(" \t\r\n", text[i]) || !text[i])
			return false;
	return true;
}

static struct json_object *parse(struct json_tokener *tokener, const char *text,
				 size_t bytes)
{
	struct json_object *root;

	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT |
						JSON_TOKENER_VALIDATE_UTF8);
	root = json_tokener_parse_ex(tokener, text, (int)bytes);
	if (root && only_blanks(text + json_tokener_get_parse_end(tokener),
				bytes - json_tokener_get_parse_end(tokener)))
		return root;
	json_object_put(root);
	return NULL;
}

static bool number(struct json_object *value, uint64_t most, uint64_t *ret)
{
	int64_t got;

	if (json_object_get_type(value) != json_type_int)
		return false;
	/* json-c answers with the nearest of what does not fit */
	got = json_object_get_int64(value);
	if (got < 0 || got == INT64_MAX || (uint64_t)got > most)
		return false;
	*ret = (uint64_t)got;
	return true;
}

static int read_fact(const struct source *source, struct json_object *object,
		     const struct fact *fact, struct sevlm_host *ret)
{
	struct json_object *value;
	uint32_t stored;
	uint64_t got;

	if (!json_object_object_get_ex(object, fact->name, &value))
		return bad(source, "host.%s is missing", fact->name);
	if (!number(value, fact->most, &got))
		return bad(source, "host.%s is no number from 0 to %u",
			   fact->name, fact->most);
	stored = (uint32_t)got;
	memcpy((char *)ret + fact->offset, &stored, sizeof(stored));
	return 0;
}

/* Words that we do not know come from a newer sevlm and are passed over. */
static int read_words(const struct source *source, const char *name,
		      struct json_object *array, const struct fact_bit *bits,
		      size_t count, uint32_t *ret)
{
	struct json_object *word;

	*ret = 0;
	if (json_object_get_type(array) != json_type_array)
		return bad(source, "host.%s is no list of words", name);
	for (size_t i = 0; i < json_object_array_length(array); i++) {
		word = json_object_array_get_idx(array, i);
		if (json_object_get_type(word) != json_type_string)
			return bad(source, "host.%s is no list of words", name);
		for (size_t j = 0; j < count; j++)
			if (!strcmp(json_object_get_string(word), bits[j].name))
				*ret |= bits[j].bit;
	}
	return 0;
}

static int read_flags(const struct source *source, struct json_object *object,
		      struct sevlm_host *ret)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, "flags", &value))
		return bad(source, "host.flags is missing");
	return read_words(source, "flags", value, flag_bits, flag_bits_count,
			  &ret->flags);
}

static int read_commands(const struct source *source,
			 struct json_object *object, struct sevlm_host *ret)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, "commands", &value))
		return bad(source, "host.commands is missing");
	if (!value)
		return 0;
	ret->commands_known = 1;
	return read_words(source, "commands", value, command_bits,
			  command_bits_count, &ret->commands);
}

static int read_limits(const struct source *source, struct json_object *object,
		       struct sevlm_host *ret)
{
	struct json_object *value;

	if (!json_object_object_get_ex(object, "exit_hypercall", &value) ||
	    !number(value, UINT32_MAX, &ret->exit_hypercall))
		return bad(source,
			   "host.exit_hypercall is no number from 0 "
			   "to %u",
			   UINT32_MAX);
	if (!json_object_object_get_ex(object, "memlock", &value))
		return bad(source, "host.memlock is missing");
	ret->memlock = UINT64_MAX;
	if (value && !number(value, INT64_MAX, &ret->memlock))
		return bad(source, "host.memlock is neither null nor a number "
				   "of bytes");
	return 0;
}

static int read_host(const struct source *source, struct json_object *root,
		     struct sevlm_host *ret)
{
	struct json_object *object = NULL;
	int error = 0;

	if (json_object_get_type(root) == json_type_object)
		json_object_object_get_ex(root, "host", &object);
	if (json_object_get_type(object) != json_type_object)
		return bad(source, "there is no \"host\" in it: make it with "
				   "sevlm probe --json");
	for (size_t i = 0; i < facts_count && !error; i++)
		error = read_fact(source, object, &facts[i], ret);
	if (!error)
		error = read_flags(source, object, ret);
	if (!error)
		error = read_commands(source, object, ret);
	return error ? error : read_limits(source, object, ret);
}

static int read_text(const struct source *source, const char *text,
		     size_t bytes, struct sevlm_host *ret)
{
	struct json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
	struct json_object *root;
	int error;

	if (!tokener)
		return bad(source, "out of memory");
	root = parse(tokener, text, bytes);
	error = root ? read_host(source, root, ret)
		     : bad(source, "it is no JSON that sevlm probe --json "
				   "prints");
	json_object_put(root);
	json_tokener_free(tokener);
	return error;
}

int facts_read(const char *path, struct sevlm_host *ret, struct sentence *why)
{
	const struct source source = {path, why};
	char *buf = malloc(FILE_MAX);
	size_t bytes = 0;
	int error;

	*ret = (struct sevlm_host){.size = sizeof(*ret)};
	if (!buf)
		return bad(&source, "out of memory");
	error = slurp(&source, buf, &bytes);
	if (!error)
		error = read_text(&source, buf, bytes, ret);
	free(buf);
	return error;
}
