/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What must hold, whatever the peer said. */
#include "side.h"

void watch_want(struct side *side, uint32_t want)
{
	uint32_t vmm = want & VMM_WANTS;

	MUST(!(vmm & (vmm - 1)));
	MUST(!vmm || side->role->may_want(side, vmm));
	side->asked |= vmm;
	side->want = want;
}

/* What may an attempt to resolve make of an outcome? */
static bool may_become(const struct side *side, uint32_t outcome)
{
	return outcome == side->outcome ||
	       (side->resolving && side->outcome == SEVLM_OUTCOME_IN_DOUBT);
}

/* An outcome comes once, with the end, and stays; but doubt may be resolved,
 * and while that goes on it is what it was. */
void watch_outcome(struct side *side, uint32_t outcome, int cause)
{
	if (side->ended) {
		MUST(!side->want);
		MUST(outcome == side->outcome && cause == side->cause);
		return;
	}
	if (side->resolving && side->want)
		MUST(outcome == side->outcome);
	else if (side->resolving)
		MUST(may_become(side, outcome));
	else
		MUST(!outcome == !!side->want);
	side->outcome = outcome;
	side->cause = cause;
	side->ended = outcome && !side->want;
}

/* What it says of itself is what the VMM did. */
static bool is_true(const struct side *side, uint32_t verdict)
{
	bool ours = side->granted & SEVLM_WANT_PERSIST;
	bool ran = side->granted & SEVLM_WANT_RUN;

	switch (verdict) {
	case VERDICT_COMMITTED:
		return ours && !(side->asked & SEVLM_WANT_RESUME);
	case VERDICT_KEPT:
		return side->asked & SEVLM_WANT_RESUME;
	case VERDICT_STARTED:
		return ran;
	case VERDICT_NEVER:
		return !ours;
	case VERDICT_LOST:
		return ours && !ran;
	}
	return false;
}

static void check_resolve(const struct side *side, const uint8_t *body)
{
	uint8_t mac[SEVLM__DIGEST_SIZE];
	struct sevlm__resolve its;

	MUST(side->resolving);
	MUST(!sevlm__resolve_decode(body, &its));
	MUST(its.role == side->role->self && is_true(side, its.verdict));
	MUST(!sevlm__commit_verdict(side->engine, its.role, its.verdict, mac));
	MUST(!memcmp(mac, its.mac, sizeof(mac)));
}

static void check_spans(const struct sevlm__record *record, const uint8_t *body)
{
	struct sevlm__reader r = sevlm__reader(body, record->length);
	struct sevlm__span span;

	while (r.left)
		MUST(!sevlm__span_decode(&r, &span));
}

static void check_verdict(struct side *side, const struct sevlm__record *record,
			  const uint8_t *body)
{
	uint8_t mac[SEVLM__DIGEST_SIZE];

	MUST(!sevlm__commit_mac(side->engine, side->role->self, record->type,
				mac));
	MUST(!memcmp(mac, body, sizeof(mac)));
}

static void check_body(struct side *side, const struct sevlm__record *record,
		       const uint8_t *body)
{
	struct sevlm__state_piece piece;
	char text[ABORT_TEXT_MAX + 1];
	struct sevlm__batch batch;
	struct sevlm__hello hello;
	struct sevlm__end end;
	int cause;

	switch (record->type) {
	case RECORD_HELLO:
		MUST(!sevlm__hello_decode(body, record->length, &hello));
		break;
	case RECORD_PAGES:
		MUST(!sevlm__batch_decode(body, record->length, &batch));
		break;
	case RECORD_SHARED:
		check_spans(record, body);
		break;
	case RECORD_STATE:
		MUST(!sevlm__state_decode(body, record->length, &piece));
		break;
	case RECORD_END:
		MUST(!sevlm__end_decode(body, &end));
		break;
	case RECORD_COMMIT:
	case RECORD_STARTED:
	case RECORD_NEVER:
	case RECORD_LOST:
		check_verdict(side, record, body);
		break;
	case RECORD_RESOLVE:
		check_resolve(side, body);
		break;
	case RECORD_ABORT:
		MUST(!sevlm__abort_decode(body, record->length, &cause, text));
		break;
	}
}

void watch_record(void *ctx, const struct sevlm__record *record,
		  const uint8_t *body)
{
	struct side *side = ctx;
	const struct sevlm__record_type *type =
		sevlm__record_type(record->type);

	MUST(type && type->from & side->role->self);
	MUST(record->sequence == side->out.count);
	MUST(record->flags == RECORD_REQUIRED && !record->channel);
	MUST(record->length <= side->engine->peer_max_body);
	MUST(!side->target || !record->epoch);
	check_body(side, record, body);
}
