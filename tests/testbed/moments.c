/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* When something is to happen to a migration, and what. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "walk.h"

static void die(struct walk *walk)
{
	(void)walk;
	fflush(NULL);
	kill(getpid(), SIGKILL);
}

static void cut(struct walk *walk)
{
	shutdown(walk->move->channel.fd, SHUT_RDWR);
}

static void cancel(struct walk *walk)
{
	if (walk->move->source)
		sevlm_source_cancel(walk->move->source);
	else
		sevlm_target_cancel(walk->move->target);
}

static const struct {
	const char *name;
	void (*act)(struct walk *walk);
} actions[] = {
	{ "die", die },
	{ "cut", cut },
	{ "cancel", cancel },
};

static const struct {
	const char *name;
	uint32_t want;
} wants[] = {
	{ "dirty", SEVLM_WANT_DIRTY },	   { "pause", SEVLM_WANT_PAUSE },
	{ "state", SEVLM_WANT_STATE },	   { "persist", SEVLM_WANT_PERSIST },
	{ "run", SEVLM_WANT_RUN },	   { "resume", SEVLM_WANT_RESUME },
};

static bool is(const char *name, const char *text, size_t length)
{
	return strlen(name) == length && !strncmp(name, text, length);
}

static int parse_bytes(struct moment *moment, const char *text)
{
	char *end;

	moment->left = strtoull(text, &end, 10);
	return end == text || *end ? -1 : 0;
}

static int parse_when(struct moment *moment, const char *text)
{
	size_t length = strcspn(text, "+");

	for (size_t i = 0; i < sizeof(wants) / sizeof(wants[0]); i++)
		if (is(wants[i].name, text, length))
			moment->want = wants[i].want;
	moment->before = !text[length];
	if (moment->want)
		return moment->before ? 0 :
					parse_bytes(moment, text + length + 1);
	moment->counting = true;
	return parse_bytes(moment, text);
}

int moment_set(struct walk *walk, const char *text)
{
	struct moment *moment = &walk->moment;
	size_t length = strcspn(text, "@");

	memset(moment, 0, sizeof(*moment));
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (is(actions[i].name, text, length))
			moment->act = actions[i].act;
	if (!moment->act || !text[length])
		return -1;
	return parse_when(moment, text + length + 1);
}

static void strike(struct walk *walk)
{
	void (*act)(struct walk *walk) = walk->moment.act;

	/* what was to be moved before is on the link */
	channel_flush(&walk->move->channel);
	walk->moment.act = NULL;
	act(walk);
}

void moment_want(struct move *move, uint32_t want, bool done)
{
	struct walk *walk = walk_of(move->vmm);
	struct moment *moment = &walk->moment;

	walk->move = move;
	if (!moment->act || moment->want != want || moment->counting)
		return;
	if (moment->before != done && moment->before)
		strike(walk);
	else if (done && !moment->before) {
		moment->counting = true;
		moment_moved(move, 0);
	}
}

size_t moment_limit(struct move *move, size_t bytes)
{
	const struct moment *moment = &walk_of(move->vmm)->moment;

	return moment->act && moment->counting && moment->left < bytes ?
		       moment->left : bytes;
}

void moment_moved(struct move *move, size_t bytes)
{
	struct walk *walk = walk_of(move->vmm);

	walk->move = move;
	if (!walk->moment.act || !walk->moment.counting)
		return;
	walk->moment.left -= bytes;
	if (!walk->moment.left)
		strike(walk);
}
