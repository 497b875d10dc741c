/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "doubt.h"
#include "hex.h"

#define RETRY_NS (NS_PER_S / 10)
#define NAME_BYTES 8u

static uint32_t outcome_of(struct side *side)
{
	int cause;

	return side_outcome(side, &cause);
}

static bool in_doubt(struct side *side)
{
	return outcome_of(side) == SEVLM_OUTCOME_IN_DOUBT;
}

/* the beginning of what both sides call this migration */
static const char *name_of(struct side *side, char *text)
{
	uint8_t token[SEVLM_TOKEN_SIZE] = {0};

	if (side->source)
		sevlm_source_token(side->source, token);
	else
		sevlm_target_token(side->target, token);
	return hex_encode(token, NAME_BYTES, text);
}

static void say_doubt(struct side *side, const char *what)
{
	char name[2 * NAME_BYTES + 1];
	struct sentence text;

	fail(&text, 0, "in doubt, session %s: %.200s; %s", name_of(side, name),
	     side_error(side), what);
	show_event(&side->show, "in-doubt", text.text);
}

/* in another channel, which is the engine's from its first byte */
static int attempt(struct side *side)
{
	struct channel *channel = &side->channel;
	struct sevlm_reconnect config = {.size = sizeof(config)};
	int ret = channel_open(channel, &side->why);

	if (!ret)
		ret = channel_exporter(channel, config.exporter);
	if (ret)
		return ret;
	config.channel = channel_kind(channel);
	side->held_from = side->held_to = 0;
	side->resolving = true;
	side->deaf = false;
	ret = side->source ? sevlm_source_reconnect(side->source, &config)
			   : sevlm_target_reconnect(side->target, &config);
	if (!ret)
		move_run(side);
	return ret;
}

/* ---- the source comes back ---- */

/* A target that has all of the guest waits for a word that it was not told. */
static bool owes_word(struct side *side)
{
	uint32_t outcome = outcome_of(side);

	return side->state_saved && channel_ended(&side->channel) &&
	       (outcome == SEVLM_OUTCOME_ABORTED ||
		outcome == SEVLM_OUTCOME_CANCELLED);
}

static bool try_target(struct side *side, bool doubt)
{
	const struct options *options = side->options;
	int ret;

	channel_drop(&side->channel);
	ret = link_connect(&side->channel.link, options->to,
			   options->insecure_plain, &side->why);
	if (!ret)
		ret = attempt(side);
	if (ret == -EBADFD)
		return true;
	return doubt ? !in_doubt(side) : channel_answered(&side->channel);
}

static void keep_trying(struct side *side, bool doubt)
{
	uint64_t until = now_ns() + side->options->reconnect_s * NS_PER_S;
	struct link *link = &side->channel.link;

	link->cancelled = false;
	while (!try_target(side, doubt)) {
		link_poll(link, 0, RETRY_NS);
		if (now_ns() >= until || link->cancelled)
			return;
	}
}

void doubt_source(struct side *side)
{
	const struct options *options = side->options;
	struct sentence before = side->why;
	bool doubt = in_doubt(side);
	struct sentence what;

	if (!options->to || !options->reconnect_s ||
	    (!doubt && !owes_word(side)))
		return;
	fail(&what, 0, "trying to reach the target on %.200s", options->to);
	if (doubt)
		say_doubt(side, what.text);
	keep_trying(side, doubt);
	side->why = before;
}

/* ---- the target waits ---- */

/* @ret: whether the source heard what is the case here */
static bool answer_source(struct side *side)
{
	struct sentence before = side->why;
	int ret;

	channel_drop(&side->channel);
	ret = link_answer(&side->channel.link, side->listener, &side->why);
	if (!ret)
		ret = attempt(side);
	if (ret)
		show_event(&side->show, "attempt-failed", side->why.text);
	else if (!channel_answered(&side->channel))
		show_event(&side->show, "attempt-failed", side_error(side));
	side->why = before;
	if (channel_answered(&side->channel))
		return true;
	channel_drop(&side->channel);
	return false;
}

static void give_up(struct side *side)
{
	side->gave_up = true;
	sevlm_target_cancel(side->target);
	show_event(&side->show, "given-up",
		   "given up, the guest will never run here; waiting to tell "
		   "the source, another signal ends that");
}

/* the exit status that the operator gets, and what it means */
static void answer_operator(struct side *side)
{
	static const struct {
		uint32_t outcome;
		int status;
		const char *text;
	} answers[] = {
		{SEVLM_OUTCOME_NONE, STATUS_IN_DOUBT,
		 "nothing is in doubt: the migration goes on"},
		{SEVLM_OUTCOME_COMPLETED, STATUS_DONE, "the guest runs here"},
		{SEVLM_OUTCOME_IN_DOUBT, STATUS_IN_DOUBT,
		 "the source has just been heard: ask again"},
		{SEVLM_OUTCOME_LOST, STATUS_LOST, "the guest runs nowhere"},
	};
	uint32_t outcome = outcome_of(side);

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++)
		if (answers[i].outcome == outcome)
			return control_answer(&side->control, answers[i].status,
					      answers[i].text);
	control_answer(&side->control, STATUS_FAILED,
		       "the guest will never run here");
}

void doubt_asked(struct side *side)
{
	side->channel.link.knocked = false;
	if (!control_asked(&side->control, CONTROL_FENCED))
		return;
	if (sevlm_target_source_fenced(side->target))
		answer_operator(side);
	else
		side->fenced = true;
}

/* one thing that happens; false: nobody waits any more */
static bool wait_once(struct side *side, uint64_t until)
{
	struct link *link = &side->channel.link;
	bool somebody;

	link->door = side->control.listener;
	somebody = link_watch(link, side->listener, until);
	link->door = -1;
	if (link->cancelled && side->gave_up)
		return false;
	if (link->cancelled)
		give_up(side);
	link->cancelled = false;
	if (link->knocked)
		doubt_asked(side);
	if (side->fenced) {
		channel_drop(&side->channel);
		move_run(side);
		return false;
	}
	return !somebody || !answer_source(side);
}

void doubt_target(struct side *side)
{
	struct sentence what;

	if (in_doubt(side) && side->listener >= 0) {
		fail(&what, 0, "waiting for the source on %.200s%s%.200s",
		     side->address,
		     side->control.path ? ", or for sevlm "
					  "resolve --control "
					: "",
		     side->control.path ? side->control.path : "");
		say_doubt(side, what.text);
		while (in_doubt(side) && wait_once(side, SEVLM_NO_DEADLINE))
			;
	}
	answer_operator(side);
}

bool doubt_returns(struct side *side)
{
	uint64_t until = now_ns() + side->options->reconnect_s * NS_PER_S;
	struct link *link = &side->channel.link;
	bool told = false;

	if (side->listener < 0)
		return false;
	channel_drop(&side->channel);
	link->door = side->control.listener;
	while (now_ns() < until && !link->cancelled && !told) {
		told = link_watch(link, side->listener, until) &&
		       answer_source(side);
		if (link->knocked)
			doubt_asked(side);
		link->door = side->control.listener;
	}
	link->door = -1;
	return told;
}
