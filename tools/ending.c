/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What happened to the guest, in one sentence and one number. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "doubt.h"

struct ending {
	struct sentence said;
	const char *outcome;
	bool verified;
	int status;
};

static const char *const outcomes[] = {
	[SEVLM_OUTCOME_NONE] = "none",
	[SEVLM_OUTCOME_COMPLETED] = "completed",
	[SEVLM_OUTCOME_ABORTED] = "aborted",
	[SEVLM_OUTCOME_CANCELLED] = "cancelled",
	[SEVLM_OUTCOME_IN_DOUBT] = "in-doubt",
	[SEVLM_OUTCOME_LOST] = "lost",
};

/* Why it failed: what this command knows is nearer than what the engine was
 * told of it. */
static void reason(struct side *side, int cause, struct sentence *ret)
{
	const char *text = side->why.text;

	if (!*text && side->channel.link.cancelled && cause == -ECANCELED)
		text = "interrupted by a signal";
	if (!*text && cause == -ECONNRESET)
		text = channel_error(&side->channel);
	if (!*text)
		text = side_error(side);
	if (!*text)
		text = sevlm_strerror(cause);
	snprintf(ret->text, sizeof(ret->text), "%.300s", text);
}

static int conclude(struct side *side, const struct ending *ending)
{
	struct show_end end = {
		.outcome = ending->outcome,
		.sentence = ending->said.text,
		.memory = side->guest.shape.memory,
		.handed_over = side->handed_over,
		.checked = side->checked,
		.verified = ending->verified,
		.status = ending->status,
	};

	show_end(&side->show, &end);
	if (ending->status)
		complain(side->who, "%s", ending->said.text);
	return ending->status;
}

static const char *note_text(struct side *side, char *buf, size_t room)
{
	*buf = '\0';
	if (side->note.there)
		snprintf(buf, room, "; the note is in %.200s", side->note.path);
	return buf;
}

/* @failed: "the migration failed", or what else did */
static void survived(struct side *side, const char *failed,
		     const struct sentence *why, struct ending *ending)
{
	int ret = verify_survivor(side);

	if (ret) {
		ending->status = STATUS_LOST;
		fail(&ending->said, 0,
		     "%s: %s; and the guest does not run here any more: %.150s",
		     failed, why->text, side->why.text);
		return;
	}
	ending->status = STATUS_FAILED;
	fail(&ending->said, 0,
	     "%s: %s; the guest runs on here, at step %" PRIu64
	     ", its memory as it should be",
	     failed, why->text, side->checked);
}

/* It is done; was it done right? */
static void completed(struct side *side, const char *where,
		      int (*verify)(struct side *side), struct ending *ending)
{
	struct sentence before = side->why;
	int ret = verify(side);

	ending->verified = !ret;
	ending->status = STATUS_DONE;
	fail(&ending->said, 0, "the guest runs %s", where);
	if (ret || before.text[0]) {
		ending->status = STATUS_FAILED;
		fail(&ending->said, 0, "the guest runs %s, but %s: %.300s",
		     where, ret ? "it is not verified" : "not all went well",
		     ret ? side->why.text : before.text);
	}
}

static void in_doubt(struct side *side, const struct sentence *why,
		     const char *meaning, struct ending *ending)
{
	char note[256];

	ending->status = STATUS_IN_DOUBT;
	fail(&ending->said, 0, "in doubt: %s; %s%s", why->text, meaning,
	     note_text(side, note, sizeof(note)));
}

static void lost(const struct sentence *why, struct ending *ending)
{
	ending->status = STATUS_LOST;
	fail(&ending->said, 0, "lost: %s; the guest runs nowhere", why->text);
}

/* the library's last word is about an ending that was good all the same */
static void warn(struct side *side)
{
	const char *text = side_error(side);

	if (*text)
		complain(side->who, "%s", text);
}

int ending_source(struct side *side)
{
	struct ending ending = {.outcome = "none"};
	struct sentence why;
	int cause = 0;
	uint32_t outcome = side_outcome(side, &cause);

	ending.outcome = outcomes[outcome];
	reason(side, cause, &why);
	switch (outcome) {
	case SEVLM_OUTCOME_COMPLETED:
		warn(side);
		completed(side, "on the target", verify_source, &ending);
		break;
	case SEVLM_OUTCOME_IN_DOUBT:
		in_doubt(side, &why,
			 "the target may be running the guest, so it stands "
			 "still here",
			 &ending);
		break;
	case SEVLM_OUTCOME_LOST:
		lost(&why, &ending);
		break;
	default:
		survived(side, "the migration failed", &why, &ending);
		break;
	}
	if (outcome != SEVLM_OUTCOME_IN_DOUBT && outcome != SEVLM_OUTCOME_LOST)
		note_forget(&side->note);
	return conclude(side, &ending);
}

/* nobody is there to compare with */
static void taken_over(struct side *side, struct ending *ending)
{
	if (verify_alone(side)) {
		ending->status = STATUS_FAILED;
		fail(&ending->said, 0,
		     "the guest runs here without its source, but: %.300s",
		     side->why.text);
		return;
	}
	ending->status = STATUS_DONE;
	fail(&ending->said, 0,
	     "the guest runs here without its source, at step %" PRIu64
	     ", its memory as it should be",
	     side->checked);
	show_event(&side->show, "taken-over", ending->said.text);
}

static int verify_returned(struct side *side)
{
	int ret = verify_target(side);

	while (ret == -ECONNRESET && doubt_returns(side)) {
		side->why.text[0] = '\0';
		ret = verify_target(side);
	}
	return ret;
}

static void gave_up(const struct sentence *why, struct ending *ending)
{
	ending->status = STATUS_FAILED;
	ending->outcome = outcomes[SEVLM_OUTCOME_CANCELLED];
	fail(&ending->said, 0,
	     "given up in doubt: %s; the guest will never run here, but the "
	     "source was not told",
	     why->text);
}

/* it does not run here, and mostly never will */
static void stays_away(struct side *side, uint32_t outcome,
		       const struct sentence *why, struct ending *ending)
{
	if (side->gave_up && !side->told)
		return gave_up(why, ending);
	if (outcome == SEVLM_OUTCOME_IN_DOUBT)
		return in_doubt(side, why,
				"the source may have let the guest go or kept "
				"it, so it does not start here",
				ending);
	ending->status = STATUS_FAILED;
	fail(&ending->said, 0,
	     "the migration failed: %s; the guest will never run here",
	     why->text);
}

int ending_target(struct side *side)
{
	struct ending ending = {.outcome = "none"};
	struct sentence why;
	int cause = 0;
	uint32_t outcome = side_outcome(side, &cause);

	ending.outcome = outcomes[outcome];
	reason(side, cause, &why);
	switch (outcome) {
	case SEVLM_OUTCOME_COMPLETED:
		if (side->fenced)
			taken_over(side, &ending);
		else
			completed(side, "here", verify_returned, &ending);
		break;
	case SEVLM_OUTCOME_LOST:
		lost(&why, &ending);
		break;
	default:
		stays_away(side, outcome, &why, &ending);
		break;
	}
	if (outcome != SEVLM_OUTCOME_LOST)
		note_forget(&side->note);
	return conclude(side, &ending);
}

int ending_early(struct side *side, int error)
{
	struct ending ending = {
		.outcome = error == -ECANCELED ? "cancelled" : "aborted",
		.status = STATUS_FAILED,
		.said = side->why,
	};
	struct sentence why = side->why;

	if (side->guest.vcpu.there)
		survived(side, "no migration", &why, &ending);
	return conclude(side, &ending);
}
