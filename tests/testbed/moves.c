/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Steps of a scenario that need the other host. */
#include <string.h>

#include "link.h"
#include "walk.h"

#define MEET_TRIES 5

/* Before a scenario: the other host may be some scenarios behind. */
int moves_meet(struct walk *walk, const char *arg)
{
	char where[64];
	int fd = -1;

	snprintf(where, sizeof(where), "%s:%s", walk->peer, walk->port);
	for (int i = 0; i < MEET_TRIES && fd < 0; i++)
		fd = strcmp(arg, "connect") ? link_accept(walk->port) :
					      link_connect(where);
	if (fd < 0)
		return -1;
	link_farewell(fd);
	return 0;
}

static int meet(struct walk *walk, uint32_t role)
{
	char where[64];

	snprintf(where, sizeof(where), "%s:%s", walk->peer, walk->port);
	return role == SEVLM_TLS_SOURCE ? link_connect(where) :
					  link_accept(walk->port);
}

/* one of them, with commas between */
static bool is_expected(const char *outcome, const char *expected)
{
	size_t length = strlen(outcome);

	for (const char *at = expected; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (!strncmp(at, outcome, length) &&
		    (!at[length] || at[length] == ','))
			return true;
	}
	return false;
}

/* the engine stays, to be asked again */
static int drive(struct walk *walk, uint32_t role, int ret,
		 const char *expected)
{
	uint32_t outcome = ret ? SEVLM_OUTCOME_NONE :
				 move_drive(&walk->moves);

	channel_close(&walk->moves.channel);
	host_tell(role, outcome);
	return is_expected(host_outcome(outcome), expected) ? 0 : -1;
}

static int begin(struct walk *walk, uint32_t role, const char *expected)
{
	int fd = meet(walk, role), ret = -1;

	move_close(&walk->moves);
	if (fd >= 0)
		ret = move_open(&walk->moves, &walk->vmm, fd, role);
	return drive(walk, role, ret, expected);
}

int moves_send(struct walk *walk, const char *arg)
{
	return begin(walk, SEVLM_TLS_SOURCE, arg);
}

int moves_receive(struct walk *walk, const char *arg)
{
	return begin(walk, SEVLM_TLS_TARGET, arg);
}

int moves_again(struct walk *walk, const char *arg)
{
	uint32_t role = walk->moves.role;
	int fd = meet(walk, role);

	return drive(walk, role,
		     fd < 0 ? -1 : move_reconnect(&walk->moves, fd), arg);
}

int moves_fenced(struct walk *walk, const char *arg)
{
	return drive(walk, SEVLM_TLS_TARGET,
		     sevlm_target_source_fenced(walk->moves.target), arg);
}

int moves_cancel(struct walk *walk, const char *arg)
{
	(void)arg;
	return sevlm_target_cancel(walk->moves.target);
}

/* The process that was in it is gone; a VM is needed for its files only. */
static int resolve(struct walk *walk, uint32_t role, const char *expected)
{
	int fd = meet(walk, role), ret = -1;

	if (fd >= 0)
		ret = move_resolve(&walk->moves, &walk->vmm, fd, role);
	return drive(walk, role, ret, expected);
}

int moves_source_note(struct walk *walk, const char *arg)
{
	return resolve(walk, SEVLM_TLS_SOURCE, arg);
}

int moves_target_note(struct walk *walk, const char *arg)
{
	return resolve(walk, SEVLM_TLS_TARGET, arg);
}
