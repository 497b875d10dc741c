/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "hosts.h"
#include "psk.h"
#include "side.h"

static const struct {
	const char *name;
	unsigned int command;
	int (*run)(const struct options *options);
	const char *usage;
	const char *help;
} commands[] = {
	{"demo", FOR_DEMO, command_demo, "[OPTIONS]",
	 "move a running guest from one process to another"},
	{"send", FOR_SEND, command_send,
	 "--to HOST:PORT --psk-file FILE [OPTIONS]",
	 "start a guest and send it to a waiting receive"},
	{"receive", FOR_RECEIVE, command_receive,
	 "--listen HOST:PORT --psk-file FILE [OPTIONS]",
	 "wait for a guest and run it"},
	{"inspect", FOR_INSPECT, command_inspect, "[--json] FILE",
	 "print a recorded stream, record by record"},
	{"probe", FOR_PROBE, command_probe, "[OPTIONS]",
	 "say what this host has for live migration"},
	{"preflight", FOR_PREFLIGHT, command_preflight,
	 "--target FILE [OPTIONS]",
	 "say whether a guest can go from this host to another"},
	{"psk", FOR_PSK, command_psk, "--source FILE --target FILE",
	 "make a pair of keys for the channel between two hosts"},
};

static void usage(FILE *to)
{
	fprintf(to, "usage: " PROGRAM " COMMAND [OPTIONS]\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(to, "  %-13s %s\n", commands[i].name, commands[i].help);
	fprintf(to, "\n" PROGRAM " COMMAND --help tells its options, " PROGRAM
		    " --version the version.\n");
}

static int run(size_t index, int argc, char **argv)
{
	struct options options = {
		.command = commands[index].command,
		.name = commands[index].name,
	};
	struct sentence why;

	if (options_parse(&options, argc, argv, &why)) {
		complain(options.name, "%s", why.text);
		return STATUS_USAGE;
	}
	if (!options.help)
		return commands[index].run(&options);
	printf("usage: " PROGRAM " %s %s\n\n%s\n\n", options.name,
	       commands[index].usage, commands[index].help);
	options_help(options.command);
	return STATUS_DONE;
}

/* What was printed must have been written. */
static int flushed(int status)
{
	if (!fflush(stdout) && !ferror(stdout))
		return status;
	complain("", "standard output could not be written");
	return status ? status : STATUS_FAILED;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(word, commands[i].name))
			return flushed(run(i, argc - 2, argv + 2));
	if (!strcmp(word, "--version")) {
		printf(PROGRAM " %s\n", sevlm_version());
		return flushed(STATUS_DONE);
	}
	if (!strcmp(word, "--help") || !strcmp(word, "help")) {
		usage(stdout);
		return flushed(STATUS_DONE);
	}
	if (*word)
		complain("", "there is no command %s", word);
	else
		usage(stderr);
	return STATUS_USAGE;
}
