/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doom.h"

static const struct {
	const char *name;
	uint32_t want;
} moments[] = {
	{"dirty", SEVLM_WANT_DIRTY},	 {"pause", SEVLM_WANT_PAUSE},
	{"state", SEVLM_WANT_STATE},	 {"persist", SEVLM_WANT_PERSIST},
	{"run", SEVLM_WANT_RUN},	 {"resume", SEVLM_WANT_RESUME},
	{"session", SEVLM_WANT_SESSION},
};

static void die(void)
{
	kill(getpid(), SIGKILL);
}

static int parse_bytes(struct doom *doom, const char *text)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	doom->left = strtoull(text, &end, 10);
	return errno || *end ? -EINVAL : 0;
}

/* BYTES, WANT or WANT+BYTES */
int doom_parse(struct doom *doom, const char *text, struct sentence *why)
{
	size_t length = strcspn(text, "+");

	for (size_t i = 0; i < ARRAY_SIZE(moments); i++) {
		if (strlen(moments[i].name) != length ||
		    strncmp(moments[i].name, text, length))
			continue;
		doom->want = moments[i].want;
		doom->before = !text[length];
		if (doom->before || !parse_bytes(doom, text + length + 1))
			return 0;
	}
	doom->counting = true;
	return parse_bytes(doom, text)
		       ? fail(why, -EINVAL, "--die-at %s is no moment", text)
		       : 0;
}

void doom_want(struct doom *doom, uint32_t want, bool done)
{
	if (!doom->want || doom->want != want)
		return;
	if (doom->before)
		die();
	doom->counting = doom->counting || done;
	doom_moved(doom, 0);
}

size_t doom_limit(const struct doom *doom, size_t bytes)
{
	return doom->counting && doom->left < bytes ? (size_t)doom->left
						    : bytes;
}

void doom_moved(struct doom *doom, size_t bytes)
{
	if (!doom->counting)
		return;
	doom->left -= bytes;
	if (!doom->left)
		die();
}
