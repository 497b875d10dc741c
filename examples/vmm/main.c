/* SPDX-License-Identifier: MIT-0 */
/*
 * vmm [--offer] [--no-exits] [--sev] --script FILE
 * vmm --image FILE [--work quiet|dirty|flip] [--memory MIB] [--huge] [--run MS]
 *     [--to ADDRESS:PORT] [--papers DIRECTORY] [--keep DIRECTORY]
 * vmm --from PORT [--memory MIB] [--huge] [--run MS] [--to ADDRESS:PORT]
 *     [--papers DIRECTORY] [--keep DIRECTORY]
 *     [--states any|exits|list|compare]
 *
 * The first runs a guest that does what the script says, a line per access,
 * and prints what it got. --offer offers it live migration; --no-exits leaves
 * out what libsevlm needs KVM to hand over; --sev takes /dev/sev.
 *
 * The second launches a SEV guest that works on its memory, the third waits
 * for one. Both let it run, have it check its memory, and with --to send it
 * on while it runs. Certificates are in the directory of --papers, and what
 * must outlive the process goes into that of --keep. Page states come from
 * the kernel's list where it keeps one, unless --states says otherwise.
 * --huge takes memory of huge pages, whose private pages go four in one packet
 * if both sides have it.
 */
#include <err.h>
#include <getopt.h>
#include <poll.h>
#include <stdlib.h>

#include "host.h"
#include "move.h"

struct options {
	bool offer, no_exits, sev, huge;
	uint32_t work, states;
	int memory_mib, run_ms;
	const char *script, *image, *from, *to, *keep, *papers;
};

static int run_script(struct vmm *vmm, const struct options *options)
{
	vmm->offer = options->offer;
	vmm->script.file = fopen(options->script, "re");
	if (!vmm->script.file) {
		warn("%s", options->script);
		return -1;
	}
	if (vmm_open(vmm) || vmm_offer(vmm, 0) ||
	    setup_exits(vmm, !options->no_exits) ||
	    memory_create(vmm, SCRIPT_RAM) || vcpu_create(vmm, 0) ||
	    longmode_script(vmm))
		return -1;
	return vcpu_run(vmm);
}

static int begin(struct vmm *vmm, const struct options *options)
{
	uint64_t bytes = (uint64_t)options->memory_mib << 20;
	uint32_t outcome;

	if (!options->from)
		return host_launch(vmm, bytes, options->image, options->work);
	if (host_prepare(vmm, bytes))
		return -1;
	outcome = host_move(vmm, options->from, SEVLM_TLS_TARGET);
	return outcome == SEVLM_OUTCOME_COMPLETED ? 0 : -1;
}

/* Whatever becomes of it is an outcome, and no failure of this program. */
static int send_on(struct vmm *vmm, const struct options *options)
{
	host_move(vmm, options->to, SEVLM_TLS_SOURCE);
	return 0;
}

static int run_guest(struct vmm *vmm, const struct options *options)
{
	if (begin(vmm, options))
		return -1;
	poll(NULL, 0, options->run_ms);
	if (host_check(vmm))
		return -1;
	return options->to ? send_on(vmm, options) : 0;
}

static int number(const char *text, int least, int most, int *ret)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*end || value < least || value > most)
		return -1;
	*ret = (int)value;
	return 0;
}

static int flag(struct options *options, int c)
{
	if (c == 'o')
		options->offer = true;
	else if (c == 'n')
		options->no_exits = true;
	else if (c == 's')
		options->sev = true;
	else if (c == 'h')
		options->huge = true;
	else
		return -1;
	return 0;
}

static int name(struct options *options, int c)
{
	if (c == 'f')
		options->script = optarg;
	else if (c == 'i')
		options->image = optarg;
	else if (c == 'F')
		options->from = optarg;
	else if (c == 't')
		options->to = optarg;
	else if (c == 'k')
		options->keep = optarg;
	else if (c == 'p')
		options->papers = optarg;
	else
		return flag(options, c);
	return 0;
}

static int option(struct options *options, int c)
{
	if (c == 'w')
		return host_work(optarg, &options->work);
	if (c == 'S')
		return host_states(optarg, &options->states);
	if (c == 'm')
		return number(optarg, 2, GUEST_MAX_RAM >> 20,
			      &options->memory_mib);
	if (c == 'r')
		return number(optarg, 0, 3600000, &options->run_ms);
	return name(options, c);
}

static int parse(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{ "offer", no_argument, NULL, 'o' },
		{ "no-exits", no_argument, NULL, 'n' },
		{ "sev", no_argument, NULL, 's' },
		{ "script", required_argument, NULL, 'f' },
		{ "image", required_argument, NULL, 'i' },
		{ "work", required_argument, NULL, 'w' },
		{ "memory", required_argument, NULL, 'm' },
		{ "huge", no_argument, NULL, 'h' },
		{ "run", required_argument, NULL, 'r' },
		{ "to", required_argument, NULL, 't' },
		{ "from", required_argument, NULL, 'F' },
		{ "keep", required_argument, NULL, 'k' },
		{ "papers", required_argument, NULL, 'p' },
		{ "states", required_argument, NULL, 'S' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
		if (option(options, c))
			return -1;
	if (optind != argc)
		return -1;
	return !!options->script + !!options->image + !!options->from != 1;
}

static const char usage[] =
	"usage: vmm [--offer] [--no-exits] [--sev] --script FILE\n"
	"       vmm --image FILE [--work quiet|dirty|flip] [OPTIONS]\n"
	"       vmm --from PORT [OPTIONS]\n"
	"options: --memory MIB --huge --run MS --to ADDRESS:PORT\n"
	"         --papers DIRECTORY --keep DIRECTORY\n"
	"         --states any|exits|list|compare\n";

int main(int argc, char **argv)
{
	struct options options = { .memory_mib = 4, .run_ms = 100,
				   .states = SEVLM_STATES_ANY,
				   .keep = ".", .papers = "papers" };
	struct vmm vmm;
	int ret;

	if (parse(argc, argv, &options)) {
		fputs(usage, stderr);
		return 2;
	}
	vmm_init(&vmm);
	vmm.sev = options.sev || !options.script;
	vmm.papers = options.papers;
	vmm.keep = options.keep;
	vmm.states = options.states;
	vmm.memory.huge = options.huge;
	ret = options.script ? run_script(&vmm, &options) :
			       run_guest(&vmm, &options);
	park_end(&vmm);
	vmm_close(&vmm);
	return ret ? 1 : 0;
}
