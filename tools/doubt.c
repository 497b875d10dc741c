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

	return side->state_saved &&
	       (channel_ended(&side->channel) ||
		channel_mute(&side->channel)) &&
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

/* The source that is there hears what is the case here, or is turned away. */
static void answer_source(struct side *side)
{
	struct sentence before = side->why;
	int ret;

	channel_drop(&side->channel);
	ret = link_answer(&side->channel.link, side->listener, &side->why);
	if (!ret)
		ret = attempt(side);
	side->told = channel_answered(&side->channel);
	if (!side->told) {
		show_event(&side->show, "attempt-failed",
			   ret ? side->why.text : side_error(side));
		channel_drop(&side->channel);
	}
	side->why = before;
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
	const char *text = "the guest will never run here";
	uint32_t outcome = outcome_of(side);
	int status = STATUS_FAILED;

	for (size_t i = 0; i < ARRAY_SIZE(answers); i++) {
		if (answers[i].outcome != outcome)
			continue;
		status = answers[i].status;
		text = answers[i].text;
	}
	control_answer(&side->control, status, text);
}

bool doubt_asked(struct side *side)
{
	side->channel.link.knocked = false;
	if (!control_asked(&side->control, CONTROL_FENCED))
		return false;
	if (side->gave_up)
		control_answer(&side->control, STATUS_FAILED,
			       "given up: the guest will never run here");
	else if (sevlm_target_source_fenced(side->target))
		answer_operator(side);
	else
		side->fenced = true;
	return side->fenced;
}

/* sleeps; whether somebody waits at the listener */
static bool watch(struct side *side, uint64_t until)
{
	struct link *link = &side->channel.link;
	bool somebody;

	link->door = side->control.listener;
	somebody = link_watch(link, side->listener, until);
	link->door = -1;
	return somebody;
}

static void take_over(struct side *side)
{
	channel_drop(&side->channel);
	move_run(side);
	side->fenced = !in_doubt(side);
	answer_operator(side);
}

static void wait_once(struct side *side)
{
	bool somebody = watch(side, SEVLM_NO_DEADLINE);

	if (side->channel.link.knocked && doubt_asked(side))
		take_over(side);
	else if (somebody && !side->channel.link.cancelled)
		answer_source(side);
}

/* The first signal decides, whenever it comes; the second ends the waiting. */
static bool goes_on(struct side *side)
{
	bool open =
		in_doubt(side) || outcome_of(side) == SEVLM_OUTCOME_CANCELLED;
	struct link *link = &side->channel.link;

	if (!open || (side->told && !in_doubt(side)))
		return false;
	if (link->cancelled && side->gave_up)
		return false;
	if (link->cancelled)
		give_up(side);
	link->cancelled = false;
	return in_doubt(side) || (side->gave_up && !side->told);
}

static void wait_for_word(struct side *side)
{
	const char *path = side->control.path;
	struct sentence what;

	fail(&what, 0, "waiting for the source on %s%s%.150s", side->address,
	     path ? ", or for sevlm resolve --control " : "", path ? path : "");
	say_doubt(side, what.text);
	do
		wait_once(side);
	while (goes_on(side));
}

void doubt_target(struct side *side)
{
	if (in_doubt(side) && side->listener >= 0)
		wait_for_word(side);
	answer_operator(side);
}

bool doubt_returns(struct side *side)
{
	uint64_t until = now_ns() + side->options->reconnect_s * NS_PER_S;
	struct link *link = &side->channel.link;

	side->told = false;
	if (side->listener < 0)
		return false;
	channel_drop(&side->channel);
	while (now_ns() < until && !link->cancelled && !side->told) {
		if (watch(side, until))
			answer_source(side);
		if (link->knocked)
			doubt_asked(side);
	}
	return side->told;
}
