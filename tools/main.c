/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "certs.h"
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
	 "--to HOST:PORT --psk-file FILE --allow FILE [OPTIONS]",
	 "start a guest and send it to a waiting receive"},
	{"receive", FOR_RECEIVE, command_receive,
	 "--listen HOST:PORT --psk-file FILE --allow FILE [OPTIONS]",
	 "wait for a guest and run it"},
	{"resolve", FOR_RESOLVE, command_resolve,
	 "--control PATH --source-fenced | --note FILE --to HOST:PORT "
	 "[OPTIONS]",
	 "find out, or say, what became of a guest in doubt"},
	{"inspect", FOR_INSPECT, command_inspect, "[--json] FILE",
	 "print a recorded stream, record by record"},
	{"probe", FOR_PROBE, command_probe, "[OPTIONS]",
	 "say what this host has for live migration"},
	{"preflight", FOR_PREFLIGHT, command_preflight,
	 "--target FILE [OPTIONS]",
	 "say whether a guest can go from this host to another"},
	{"certs show", FOR_CERTS_SHOW, command_certs_show, "[--json] FILE...",
	 "print certificates of platforms"},
	{"certs verify", FOR_CERTS_VERIFY, command_certs_verify,
	 "--pdh FILE --platform FILE --amd FILE [OPTIONS]",
	 "say whether a platform is one to trust, and if not, why"},
	{"certs export", FOR_CERTS_EXPORT, command_certs_export,
	 "--pdh FILE --platform FILE [OPTIONS]",
	 "write this host's certificates to files"},
	{"certs pin", FOR_CERTS_PIN, command_certs_pin,
	 "[--json] --platform FILE...",
	 "print what an allow-list says of platforms"},
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

/* how many words of the command line the name is, 0: another one's */
static int named(const char *name, int argc, char **argv)
{
	const char *blank = strchr(name, ' ');
	size_t length = blank ? (size_t)(blank - name) : strlen(name);

	if (argc < 1 || strlen(argv[0]) != length ||
	    strncmp(argv[0], name, length))
		return 0;
	if (!blank)
		return 1;
	return argc > 1 && !strcmp(argv[1], blank + 1) ? 2 : 0;
}

static int run_named(int argc, char **argv, int *ret_status)
{
	int words;

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		words = named(commands[i].name, argc, argv);
		if (!words)
			continue;
		*ret_status = run(i, argc - words, argv + words);
		return 0;
	}
	return -1;
}

static int no_such(const char *word)
{
	if (!strcmp(word, "certs"))
		complain("",
			 "certs is followed by show, verify, export or pin");
	else
		complain("", "there is no command %s", word);
	return STATUS_USAGE;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	int status;

	if (!run_named(argc - 1, argv + 1, &status))
		return flushed(status);
	if (!strcmp(word, "--version")) {
		printf(PROGRAM " %s\n", sevlm_version());
		return flushed(STATUS_DONE);
	}
	if (!strcmp(word, "--help") || !strcmp(word, "help")) {
		usage(stdout);
		return flushed(STATUS_DONE);
	}
	if (*word)
		return no_such(word);
	usage(stderr);
	return STATUS_USAGE;
}
