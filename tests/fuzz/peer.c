/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the peer says, and which of its verdicts were proved. */
#include "side.h"

/* what a verdict of RESOLVE is as a record of the first connection */
static uint32_t as_type(uint32_t verdict)
{
	static const uint32_t types[] = {
		[VERDICT_COMMITTED] = RECORD_COMMIT,
		[VERDICT_STARTED] = RECORD_STARTED,
		[VERDICT_NEVER] = RECORD_NEVER,
		[VERDICT_LOST] = RECORD_LOST,
	};

	return verdict < ARRAY_SIZE(types) ? types[verdict] : 0;
}

static void resolve_verdict(struct side *side, const uint8_t *body)
{
	uint8_t mac[SEVLM__DIGEST_SIZE];
	struct sevlm__resolve its;

	if (!side->resolving || sevlm__resolve_decode(body, &its) ||
	    its.role != side->role->peer)
		return;
	MUST(!sevlm__commit_verdict(side->engine, its.role, its.verdict, mac));
	if (!memcmp(mac, its.mac, sizeof(mac)))
		side->told |= 1u << as_type(its.verdict);
}

/* A verdict counts where it stands in the stream and is of this session. */
void peer_verdict(void *ctx, const struct sevlm__record *record,
		  const uint8_t *body)
{
	struct side *side = ctx;
	uint8_t mac[SEVLM__DIGEST_SIZE];

	if (record->type == RECORD_RESOLVE)
		resolve_verdict(side, body);
	if (record->type < RECORD_COMMIT || record->type > RECORD_LOST)
		return;
	MUST(!sevlm__commit_mac(side->engine, side->role->peer, record->type,
				mac));
	if (!memcmp(mac, body, sizeof(mac)))
		side->told |= 1u << record->type;
}

/* by way of the inbox' own memory, as a VMM may */
static size_t feed_in_place(struct side *side, const uint8_t *bytes,
			    size_t count)
{
	size_t room;
	void *to;

	MUST(!sevlm_target_space(side->target, &to, &room));
	if (room > count)
		room = count;
	if (room)
		memcpy(to, bytes, room);
	MUST(!sevlm_target_fed(side->target, room));
	return room;
}

#define FRAGMENT_IN_PLACE 0x80u

/* small pieces where headers are, large ones behind */
static size_t feed_part(struct side *side, const uint8_t *bytes, size_t count)
{
	size_t most = side->fragment & ~FRAGMENT_IN_PLACE;

	if (side->in.have > 4 * RECORD_HEADER_SIZE)
		most *= 256;
	if (most && count > most)
		count = most;
	if (side->target && side->fragment & FRAGMENT_IN_PLACE)
		return feed_in_place(side, bytes, count);
	return side_feed(side, bytes, count);
}

static void receive(struct side *side, const uint8_t *bytes, size_t count)
{
	size_t taken, stuck = 0;

	while (count && stuck < 4) {
		/* before the engine may act on it */
		taken = feed_part(side, bytes, count);
		wire_bytes(&side->in, bytes, taken);
		bytes += taken;
		count -= taken;
		stuck = taken ? 0 : stuck + 1;
		if (!taken && side->mode & MODE_EAGER)
			side_settle(side, side->mode & MODE_OBEYS);
	}
}

static void send_magic(struct side *side)
{
	if (!side->in.magic)
		receive(side, (const uint8_t *)RECORD_MAGIC, RECORD_MAGIC_SIZE);
}

void peer_record(struct side *side, const struct fuzz_op *op)
{
	static uint8_t bytes[RECORD_HEADER_SIZE + RECORD_BODY_MAX];
	uint8_t *body = bytes + RECORD_HEADER_SIZE;
	struct sevlm__record record = {
		.type = op->arg & RECORD_TYPE,
		.flags = op->arg & RECORD_OPTIONAL ? 0 : RECORD_REQUIRED,
		.sequence = side->in.count,
		.epoch = side->in.epoch,
	};
	struct fuzz_op rest = *op;
	uint8_t twist[2] = {0};

	if (op->arg & RECORD_TWISTED && op->count >= sizeof(twist)) {
		memcpy(twist, op->bytes, sizeof(twist));
		rest.bytes += sizeof(twist);
		rest.count -= sizeof(twist);
	}
	if (op->arg & RECORD_COOKED)
		record.length = (uint32_t)cook(side, record.type, &rest, body);
	else if ((record.length = (uint32_t)rest.count))
		memcpy(body, rest.bytes, rest.count);
	record.epoch += record.type == RECORD_ROUND;
	sevlm__record_encode(&record, bytes);
	bytes[twist[0] % RECORD_HEADER_SIZE] ^= twist[1];
	send_magic(side);
	receive(side, bytes, RECORD_HEADER_SIZE + record.length);
}

void peer_bytes(struct side *side, const struct fuzz_op *op)
{
	receive(side, op->bytes, op->count);
}
