/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * walk --peer ADDRESS --port PORT --image FILE --papers DIRECTORY STEP...:
 * what one host of a scenario does, in order. Ends with 0 where every step went
 * as it says.
 *
 *	meet=connect	wait for the other host, which does meet=accept
 *	launch=WORK	a guest that runs		prepare	one that waits
 *	send=OUTCOME	move it to the peer, with this outcome
 *	receive=OUTCOME	let one come; or OUTCOME,OUTCOME for one of these
 *	again=OUTCOME	meet the peer of the last one again
 *	fenced=OUTCOME	the source is dead for good
 *	cancel		the target gives up, though it is in doubt
 *	source-note=OUTCOME, target-note=OUTCOME
 *			with the note alone, of a process that is gone
 *	run=MS		let it run			close	it is gone
 *	check		it is whole, and says what libsevlm says
 *	damaged		it is not
 *	silent		it does not run here
 *	sim-leave	it stands, and lies in a host of libsevlm-sim
 *	sim-wait	the one that waits lies there
 *	sim-trust	the peer is that host
 *	guests=COUNT,OF	that many come of so many, one after the other
 *	patience=MS	with the peer; 0 as libsevlm has it
 *	fail=WHAT, delay=WHAT, knows=COUNT, pinned=MIB, chip-id=WHAT, sev-number
 *			see firmware.c
 *	states=NAME, room=COUNT, refused=CODE, hang-up, enable, apart
 *			see lists.c
 *	huge, count, singly=COMMAND, quarter=COMMAND	see blocks.c
 *	WHAT@WHEN	see moments.c			plant=NAME see plants.c
 */
#include <err.h>
#include <getopt.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "walk.h"

#define RAM (2u << 20)

/* Printed at its last moment there, when the states are known that it is sent
 * under, and its first here. */
static void memory(struct move *move, uint32_t want, bool done)
{
	if (want == SEVLM_WANT_RUN && !done && cross_is() &&
	    cross_arrive(move->vmm))
		warnx("what came to the other host does not go into KVM");
	if (!done && (want == SEVLM_WANT_RUN ||
		      (want == SEVLM_WANT_PERSIST && move->source)))
		print_memory(move->vmm);
}

static void on_want(struct move *move, uint32_t want, bool done)
{
	memory(move, want, done);
	plant_want(move, want, done);
	moment_want(move, want, done);
}

static const struct hooks hooks = {
	.want = on_want,
	.limit = moment_limit,
	.moved = moment_moved,
	.unregistered = plant_unregistered,
	.announced = plant_announced,
	.harvested = plant_harvested,
	.pending = plant_pending,
};

static void open_vmm(struct walk *walk)
{
	vmm_init(&walk->vmm);
	walk->vmm.sev = true;
	walk->vmm.papers = walk->papers;
	walk->vmm.keep = "/";
	walk->vmm.hooks = &hooks;
	walk->vmm.states = walk->states ? walk->states : SEVLM_STATES_ANY;
	walk->vmm.list_room = walk->room;
	walk->vmm.memory.huge = walk->huge;
	walk->huge = false;
	walk->moves.channel.fd = -1;
	walk->open = true;
}

static int do_launch(struct walk *walk, const char *arg)
{
	uint32_t work;

	if (host_work(arg, &work))
		return -1;
	open_vmm(walk);
	return host_launch(&walk->vmm, RAM, walk->image, work);
}

static int do_prepare(struct walk *walk, const char *arg)
{
	(void)arg;
	open_vmm(walk);
	return host_prepare(&walk->vmm, RAM);
}

static int do_close(struct walk *walk, const char *arg)
{
	(void)arg;
	if (walk->open) {
		move_close(&walk->moves);
		park_end(&walk->vmm);
		vmm_close(&walk->vmm);
		cross_close();
	}
	walk->open = false;
	return 0;
}

static int do_run(struct walk *walk, const char *arg)
{
	(void)walk;
	poll(NULL, 0, atoi(arg));
	return 0;
}

static int do_check(struct walk *walk, const char *arg)
{
	(void)arg;
	return host_check(&walk->vmm);
}

static int do_damaged(struct walk *walk, const char *arg)
{
	(void)arg;
	return host_check(&walk->vmm) ? 0 : -1;
}

static int do_silent(struct walk *walk, const char *arg)
{
	(void)arg;
	return walk->vmm.vcpu.is == VCPU_STANDS ? 0 : -1;
}

static int do_leave(struct walk *walk, const char *arg)
{
	(void)arg;
	return cross_leave(walk);
}

static int do_wait(struct walk *walk, const char *arg)
{
	(void)arg;
	return cross_wait(walk);
}

static int do_trust(struct walk *walk, const char *arg)
{
	(void)arg;
	return cross_trust(walk);
}

/* of a VM that is there */
static int do_patience(struct walk *walk, const char *arg)
{
	walk->vmm.patience_ns = strtoull(arg, NULL, 10) * 1000000u;
	return 0;
}

static int do_guests(struct walk *walk, const char *arg)
{
	int count, of, came = 0;

	if (sscanf(arg, "%d,%d", &count, &of) != 2)
		return -1;
	for (int i = 0; i < of; i++) {
		if (!do_launch(walk, "quiet") && !host_check(&walk->vmm))
			came++;
		do_close(walk, "");
	}
	printf("%d guests of %d\n", came, of);
	return came == count ? 0 : -1;
}

static int do_plant(struct walk *walk, const char *arg)
{
	return plant_set(walk, arg);
}

static const struct {
	const char *name;
	int (*work)(struct walk *walk, const char *arg);
} steps[] = {
	{ "meet", moves_meet },
	{ "send", moves_send },
	{ "receive", moves_receive },
	{ "again", moves_again },
	{ "fenced", moves_fenced },
	{ "cancel", moves_cancel },
	{ "source-note", moves_source_note },
	{ "target-note", moves_target_note },
	{ "launch", do_launch },
	{ "prepare", do_prepare },
	{ "guests", do_guests },
	{ "close", do_close },
	{ "run", do_run },
	{ "check", do_check },
	{ "damaged", do_damaged },
	{ "silent", do_silent },
	{ "plant", do_plant },
	{ "patience", do_patience },
	{ "fail", firmware_fail },
	{ "delay", firmware_delay },
	{ "knows", firmware_knows },
	{ "pinned", firmware_pinned },
	{ "chip-id", firmware_chip_id },
	{ "sev-number", firmware_number },
	{ "states", lists_states },
	{ "room", lists_room },
	{ "refused", lists_refused },
	{ "hang-up", lists_hang_up },
	{ "enable", lists_enable },
	{ "apart", lists_apart },
	{ "huge", blocks_huge },
	{ "count", blocks_count },
	{ "singly", blocks_singly },
	{ "quarter", blocks_quarter },
	{ "sim-leave", do_leave },
	{ "sim-wait", do_wait },
	{ "sim-trust", do_trust },
};

static int step(struct walk *walk, const char *text)
{
	size_t length = strcspn(text, "=");

	if (strchr(text, '@'))
		return moment_set(walk, text);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (strlen(steps[i].name) == length &&
		    !strncmp(steps[i].name, text, length))
			return steps[i].work(walk, text[length] ?
							   text + length + 1 :
							   "");
	return -1;
}

static int parse(int argc, char **argv, struct walk *walk)
{
	static const struct option known[] = {
		{ "peer", required_argument, NULL, 'p' },
		{ "port", required_argument, NULL, 'P' },
		{ "image", required_argument, NULL, 'i' },
		{ "papers", required_argument, NULL, 'a' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (c == 'p')
			walk->peer = optarg;
		else if (c == 'P')
			walk->port = optarg;
		else if (c == 'i')
			walk->image = optarg;
		else if (c == 'a')
			walk->papers = optarg;
		else
			return -1;
	}
	return walk->peer && walk->port && walk->image && walk->papers ? 0 : -1;
}

int main(int argc, char **argv)
{
	static struct walk walk;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (parse(argc, argv, &walk))
		return 2;
	for (int i = optind; i < argc; i++) {
		if (!step(&walk, argv[i]))
			continue;
		warnx("step %d, %s, failed", i - optind + 1, argv[i]);
		do_close(&walk, "");
		return 1;
	}
	return do_close(&walk, "");
}
