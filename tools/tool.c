/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"

int fail(struct sentence *why, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
	return code;
}

void complain(const char *who, const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	fflush(stdout);
	dprintf(STDERR_FILENO, PROGRAM "%s%s: %s\n", *who ? " " : "", who,
		text);
}

uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

const char *size_text(uint64_t bytes, char *buf, size_t room)
{
	if (bytes % MIB)
		snprintf(buf, room, "%llu KiB",
			 (unsigned long long)bytes / 1024);
	else
		snprintf(buf, room, "%llu MiB",
			 (unsigned long long)(bytes / MIB));
	return buf;
}
