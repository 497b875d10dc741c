// SPDX-License-Identifier: GPL-2.0-only
/*
 * as-mutant NR PROGRAM [ARG...]: runs a test while KVM has bug NR, 0 for none.
 * What the kernel complains of meanwhile is a result like those of the test.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/wait.h>
#include <unistd.h>

#define PARAMETER "/sys/module/kvm/parameters/mutant"
#define READ_AND_CLEAR 4

static int choose(const char *nr)
{
	int fd = open(PARAMETER, O_WRONLY);
	ssize_t length = strlen(nr);
	int good = fd >= 0 && write(fd, nr, length) == length;

	if (!good)
		perror(PARAMETER);
	if (fd >= 0)
		close(fd);
	return good;
}

static int run(char **argv)
{
	int status = 0, pid = fork();

	if (!pid) {
		execv(argv[0], argv);
		perror(argv[0]);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) :
				   128 + WTERMSIG(status);
}

static void complaints(void)
{
	static const char *const bad[] = { "WARNING: ", "BUG: ", "INFO: " };
	static char log[1 << 20];
	int got = klogctl(READ_AND_CLEAR, log, sizeof(log) - 1);
	unsigned int i;
	char *at;

	log[got > 0 ? got : 0] = '\0';
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		at = strstr(log, bad[i]);
		if (at)
			printf("not ok 0 kernel: %.*s\n",
			       (int)strcspn(at, "\n"), at);
	}
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int code;

	if (argc < 3 || !choose(argv[1]))
		return 126;
	code = run(argv + 2);
	choose("0");
	complaints();
	return code;
}
