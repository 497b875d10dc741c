// SPDX-License-Identifier: GPL-2.0-only
/*
 * Smoke test: TAP, files, and the end of the machine
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <time.h>
#include <unistd.h>

#include "smoke.h"

int failures;
static int tests;

void ok(int good, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	printf("%sok %d - ", good ? "" : "not ", ++tests);
	vprintf(format, list);
	putchar('\n');
	va_end(list);
	failures += !good;
}

void end(int status)
{
	printf("1..%d\n# %s\n", tests, status ? "failed" : "done");
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	_exit(status);
}

void need(int good, const char *what)
{
	if (good)
		return;
	ok(0, "%s: %s", what, strerror(errno));
	end(1);
}

void is(unsigned int got, unsigned int want, const char *what)
{
	ok(got == want, "%s", what);
	if (got != want)
		printf("# got %#x, not %#x\n", got, want);
}

/* At most bytes, and a NUL behind them */
size_t read_text(const char *name, char *buf, size_t bytes)
{
	int fd = open(name, O_RDONLY);
	ssize_t got;

	need(fd >= 0, name);
	got = read(fd, buf, bytes);
	need(got >= 0, name);
	close(fd);
	buf[got] = '\0';
	return got;
}

void read_file(const char *name, void *buf, size_t bytes)
{
	char *text = malloc(bytes + 1);

	need(text && read_text(name, text, bytes) == bytes, name);
	memcpy(buf, text, bytes);
	free(text);
}

/* 0, or an errno when it was refused */
int write_text(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY), ret;

	need(fd >= 0, name);
	ret = write(fd, text, strlen(text)) < 0 ? errno : 0;
	close(fd);
	return ret;
}

double now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec + at.tv_nsec / 1e9;
}
