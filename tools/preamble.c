/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * What the two commands tell each other before the stream: the guest's shape,
 * and whether there is room for it. Little-endian, of fixed size.
 */
#include <errno.h>
#include <string.h>

#include "side.h"
#include "wire.h"

#define SHAPE_MAGIC "SEVLMTS1"
#define ANSWER_MAGIC "SEVLMTA1"
#define SHAPE_BYTES 56u
#define ANSWER_BYTES 16u
/* a source may still have to start its guest */
#define PATIENCE_NS (120 * NS_PER_S)

enum verdict { WELCOME, TOO_BIG, REFUSED };

static void encode(const struct shape *shape, uint8_t *buf)
{
	memcpy(buf, SHAPE_MAGIC, WIRE_MAGIC);
	wire_put64(buf + 8, shape->memory);
	wire_put64(buf + 16, shape->seed);
	wire_put64(buf + 24, shape->rate);
	wire_put64(buf + 32, shape->image_bytes);
	wire_put32(buf + 40, shape->workload);
	wire_put32(buf + 44, shape->offered);
	wire_put64(buf + 48, 0);
}

static int decode(const uint8_t *buf, struct shape *shape)
{
	*shape = (struct shape){
		.memory = wire_get64(buf + 8),
		.seed = wire_get64(buf + 16),
		.rate = wire_get64(buf + 24),
		.image_bytes = wire_get64(buf + 32),
		.workload = wire_get32(buf + 40),
		.offered = wire_get32(buf + 44),
	};
	if (memcmp(buf, SHAPE_MAGIC, WIRE_MAGIC))
		return -EPROTO;
	if (!shape->memory || shape->memory % SEVLM_PAGE_SIZE ||
	    shape->image_bytes % SEVLM_PAGE_SIZE ||
	    shape->image_bytes > shape->memory || shape->rate > NS_PER_S ||
	    shape->workload > SEVLM_SIM_FLIP || shape->offered > 1 ||
	    wire_get64(buf + 48))
		return -EBADMSG;
	return 0;
}

static int lost(struct side *side, int ret)
{
	static const struct {
		int error;
		const char *text;
	} texts[] = {
		{-ECANCELED, "cancelled"},
		{-ETIMEDOUT, "the peer said nothing"},
	};
	const char *broken = channel_error(&side->channel);

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i].error == ret)
			return fail(&side->why, ret, "%s", texts[i].text);
	return fail(&side->why, ret, "%s",
		    *broken ? broken : "the peer is gone");
}

int preamble_send(struct side *side)
{
	static const char *const refusals[] = {
		[TOO_BIG] = "is larger than --max-memory there",
		[REFUSED] = "finds no room there",
	};
	uint8_t shape[SHAPE_BYTES], answer[ANSWER_BYTES];
	uint32_t verdict;
	int ret;

	encode(&side->guest.shape, shape);
	ret = channel_put(&side->channel, shape, sizeof(shape), PATIENCE_NS);
	if (!ret)
		ret = channel_get(&side->channel, answer, sizeof(answer),
				  PATIENCE_NS);
	if (ret)
		return lost(side, ret);
	verdict = wire_get32(answer + WIRE_MAGIC);
	if (memcmp(answer, ANSWER_MAGIC, WIRE_MAGIC) || verdict > REFUSED)
		return fail(&side->why, -EPROTO,
			    "the peer is no sevlm receive");
	return verdict ? fail(&side->why, -EPERM,
			      "the target refused: the guest %s",
			      refusals[verdict])
		       : 0;
}

static int too_big(struct side *side, const struct shape *shape)
{
	char is[32], most[32];

	preamble_answer(side, true, true);
	return fail(&side->why, -EPERM, "a guest of %s, --max-memory is %s",
		    size_text(shape->memory, is, sizeof(is)),
		    size_text(side->options->max_memory, most, sizeof(most)));
}

int preamble_receive(struct side *side, struct shape *shape)
{
	uint8_t buf[SHAPE_BYTES];
	int ret = channel_get(&side->channel, buf, sizeof(buf), PATIENCE_NS);

	if (ret)
		return lost(side, ret);
	ret = decode(buf, shape);
	if (ret)
		return fail(&side->why, ret,
			    ret == -EPROTO
				    ? "the peer is no sevlm send"
				    : "the peer announced a guest that cannot "
				      "be");
	if (shape->memory > side->options->max_memory)
		return too_big(side, shape);
	if (!side->image.contents || side->image.bytes == shape->image_bytes)
		return 0;
	preamble_answer(side, true, false);
	return fail(&side->why, -EINVAL,
		    "--image has another size than the image of the guest "
		    "that came");
}

int preamble_answer(struct side *side, bool refuse, bool big)
{
	uint8_t answer[ANSWER_BYTES] = {0};
	int ret;

	memcpy(answer, ANSWER_MAGIC, WIRE_MAGIC);
	wire_put32(answer + WIRE_MAGIC, !refuse ? WELCOME
					: big	? TOO_BIG
						: REFUSED);
	ret = channel_put(&side->channel, answer, sizeof(answer), PATIENCE_NS);
	return ret ? lost(side, ret) : 0;
}
