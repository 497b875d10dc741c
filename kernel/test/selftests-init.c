// SPDX-License-Identifier: GPL-2.0-only
/*
 * The first process of an emulated host that runs selftests: each program of
 * /tests, one after the other, each with its time; then the machine is off.
 *
 * A line of /tests is the seconds and the command, without quotes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARGS 16

static void mounts(void)
{
	static const struct {
		const char *type, *where;
	} all[] = {
		{ "proc", "/proc" },
		{ "sysfs", "/sys" },
		{ "devtmpfs", "/dev" },
		{ "tmpfs", "/tmp" },
		{ "tmpfs", "/dev/shm" },
		{ "debugfs", "/sys/kernel/debug" },
		{ "tracefs", "/sys/kernel/tracing" },
		{ "cgroup2", "/sys/fs/cgroup" },
	};
	unsigned int i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		mkdir(all[i].where, 0755);
		mount(all[i].type, all[i].where, all[i].type, 0, NULL);
	}
}

static int started(char *line)
{
	char *args[ARGS + 1] = {};
	int n = 0, pid;

	for (args[n] = strtok(line, " "); args[n] && n < ARGS;)
		args[++n] = strtok(NULL, " ");
	fflush(stdout);
	pid = fork();
	if (pid)
		return pid;
	setpgid(0, 0);
	dup2(STDOUT_FILENO, STDERR_FILENO);
	execv(args[0], args);
	printf("# %s: %s\n", args[0], strerror(errno));
	fflush(stdout);
	_exit(127);
}

/* Its exit code, or 128 and the signal; what it left behind ends with it */
static int ended(int pid, int seconds)
{
	const struct timespec moment = { .tv_nsec = 20000000 };
	struct timespec start, now;
	int status = 0, got;

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (!(got = waitpid(pid, &status, WNOHANG))) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec - start.tv_sec >= seconds)
			kill(-pid, SIGKILL);
		nanosleep(&moment, NULL);
	}
	kill(-pid, SIGKILL);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) :
				   128 + WTERMSIG(status);
}

static void run(char *line)
{
	char name[256];
	char *command;
	int seconds = strtol(line, &command, 10);

	command += strspn(command, " ");
	snprintf(name, sizeof(name), "%.255s", command);
	printf("# program %s\n", name);
	printf("# exit %d\n", ended(started(command), seconds));
}

/* What the kernel has said of itself */
static int complaints(void)
{
	static const char *const bad[] = {
		"WARNING:", "BUG:", "Oops", "Call Trace", "INFO: ", "UBSAN:",
		"ODEBUG:",
	};
	static char log[1 << 20];
	int got = klogctl(3, log, sizeof(log) - 1), found = 0;
	unsigned int i;
	char *at;

	log[got > 0 ? got : 0] = '\0';
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		at = strstr(log, bad[i]);
		if (at)
			printf("# kernel: %.3000s\n", at);
		found += at != NULL;
	}
	return found;
}

/* What is young is not reported yet, nor what one scan alone did not find */
static int leaks(void)
{
	static char text[1 << 16];
	int fd, i, got = 0;

	for (i = 0; i < 2; i++) {
		fd = open("/sys/kernel/debug/kmemleak", O_RDWR);
		if (fd < 0)
			return 0;
		sleep(6);
		if (write(fd, "scan", 4) == 4)
			got = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	if (got > 0)
		printf("# leaks: %.4000s\n", text);
	return got != 0;
}

/* KUnit has run before, and the log has its results: one level in, a line for
 * each case of the suite. */
static void kunit(void)
{
	static char log[1 << 20];
	int got = klogctl(3, log, sizeof(log) - 1), failed = 0;
	char *line, *next, *text;

	log[got > 0 ? got : 0] = '\0';
	printf("# program kunit\n");
	for (line = log; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		text = strstr(line, "]     ");
		if (!text)
			continue;
		text += strlen("]     ");
		if (strncmp(text, "ok ", 3) && strncmp(text, "not ok ", 7) &&
		    strncmp(text, "1..", 3))
			continue;
		failed |= *text == 'n';
		printf("%s\n", text);
	}
	printf("# exit %d\n", failed);
}

int main(void)
{
	static char line[512];
	FILE *tests;

	mounts();
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* Nobody reads a core, and a guest's registers are not for a log */
	setrlimit(RLIMIT_CORE, &(struct rlimit){});
	printf("\n# BEGIN\n");
	if (!access("/kunit", F_OK))
		kunit();
	tests = fopen("/tests", "r");
	while (tests && fgets(line, sizeof(line), tests)) {
		line[strcspn(line, "\n")] = '\0';
		run(line);
	}
	printf("# complaints %d\n# done\n", complaints() + leaks());
	fflush(stdout);
	reboot(RB_POWER_OFF);
	return 1;
}
