/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "side.h"

#define KINDS 32u

struct reading {
	const char *path;
	bool json;
	struct sevlm_inspect *inspect;
	uint64_t records, bytes;
	struct {
		const char *name;
		uint64_t records, bytes;
	} kinds[KINDS];
	struct sentence why;
};

static void print_record(const struct reading *reading,
			 const struct sevlm_record *record)
{
	if (!reading->json) {
		printf("%10" PRIu64 "  %6" PRIu64 "  epoch %-3u %-9s %8u  %s\n",
		       record->offset, record->sequence, record->epoch,
		       record->name, record->bytes, record->text);
		return;
	}
	printf("{\"event\":\"record\",\"offset\":%" PRIu64
	       ",\"sequence\":%" PRIu64 ",\"type\":%u,\"name\":\"%s\","
	       "\"flags\":%u,\"epoch\":%u,\"bytes\":%u,\"text\":",
	       record->offset, record->sequence, record->type, record->name,
	       record->flags, record->epoch, record->bytes);
	json_text(record->text);
	printf("}\n");
}

static void count(struct reading *reading, const struct sevlm_record *record)
{
	uint32_t i = 0;

	reading->records++;
	while (i < KINDS - 1 && reading->kinds[i].name &&
	       strcmp(reading->kinds[i].name, record->name))
		i++;
	reading->kinds[i].name = record->name;
	reading->kinds[i].records++;
	reading->kinds[i].bytes += record->bytes;
}

static int damaged(struct reading *reading, int ret)
{
	return fail(&reading->why, ret, "%s: %s", reading->path,
		    sevlm_inspect_error(reading->inspect));
}

static int take_records(struct reading *reading)
{
	struct sevlm_record record = {.size = sizeof(record)};
	int ret;

	while (!(ret = sevlm_inspect_next(reading->inspect, &record))) {
		print_record(reading, &record);
		count(reading, &record);
	}
	return ret == -EAGAIN ? 0 : damaged(reading, ret);
}

static int feed(struct reading *reading, const char *buf, size_t bytes)
{
	size_t taken;
	int ret;

	for (; bytes; buf += taken, bytes -= taken) {
		taken = 0;
		ret = sevlm_inspect_feed(reading->inspect, buf, bytes, &taken);
		if (ret)
			return damaged(reading, ret);
		ret = take_records(reading);
		if (ret)
			return ret;
		reading->bytes += taken;
	}
	return 0;
}

static int read_stream(struct reading *reading, FILE *file)
{
	char buf[65536];
	size_t got;
	int ret = 0;

	while (!ret && (got = fread(buf, 1, sizeof(buf), file)))
		ret = feed(reading, buf, got);
	if (ret)
		return ret;
	if (ferror(file))
		return fail(&reading->why, -EIO, "%s: %s", reading->path,
			    strerror(errno));
	ret = sevlm_inspect_end(reading->inspect);
	return ret ? damaged(reading, ret) : 0;
}

static void print_counts(const struct reading *reading, int ret)
{
	if (reading->json)
		printf("{\"event\":\"result\",\"whole\":%s,\"records\":%" PRIu64
		       ",\"bytes\":%" PRIu64 ",\"by_name\":{",
		       ret ? "false" : "true", reading->records,
		       reading->bytes);
	else
		printf("%" PRIu64 " records, %" PRIu64 " bytes",
		       reading->records, reading->bytes);
	for (uint32_t i = 0; i < KINDS && reading->kinds[i].name; i++)
		printf(reading->json ? "%s\"%s\":%" PRIu64 : "%s %s %" PRIu64,
		       i	       ? ","
		       : reading->json ? ""
				       : ":",
		       reading->kinds[i].name, reading->kinds[i].records);
	puts(reading->json ? "}}" : "");
}

static int inspect(struct reading *reading, FILE *file)
{
	int ret = sevlm_inspect_new(&reading->inspect);

	if (ret) {
		complain("inspect", "%s", sevlm_strerror(ret));
		return STATUS_FAILED;
	}
	ret = read_stream(reading, file);
	print_counts(reading, ret);
	sevlm_inspect_free(reading->inspect);
	if (ret)
		complain("inspect", "%s", reading->why.text);
	return ret ? STATUS_FAILED : STATUS_DONE;
}

int command_inspect(const struct options *options)
{
	struct reading reading = {
		.path = options->files.at[0],
		.json = options->json,
	};
	FILE *file = fopen(options->files.at[0], "re");
	int ret;

	if (!file) {
		complain("inspect", "%s: %s", options->files.at[0],
			 strerror(errno));
		return STATUS_USAGE;
	}
	ret = inspect(&reading, file);
	fclose(file);
	return ret;
}
